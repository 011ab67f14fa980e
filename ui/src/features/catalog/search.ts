import { DIRECTIONS, type Direction } from "@/api/lineage";

/** What the pages of the catalog show, as their addresses say. */

export const TABS = [
  "columns",
  "sample",
  "snapshots",
  "branches",
  "files",
  "lineage",
  "details",
] as const;
export type Tab = (typeof TABS)[number];

export interface UploadSearch {
  /** The dialog that loads a file is open. */
  upload?: boolean;
}

export interface CatalogSearch extends UploadSearch {
  tab?: Tab;
  /** The snapshots that are compared. */
  from?: string;
  to?: string;
  direction?: Direction;
  hops?: number;
  /** The name is a volume's, this the folder in it. */
  volume?: boolean;
  folder?: string;
}

const yes = (value: unknown) => (value === true || value === "true" ? true : undefined);

export function readUpload(search: Record<string, unknown>): UploadSearch {
  return { upload: yes(search.upload) };
}

export function readCatalogSearch(search: Record<string, unknown>): CatalogSearch {
  const snapshot = (value: unknown) => {
    // Kept in quotes by the router, since they look like numbers.
    const text = String(value ?? "");
    return /^\d+$/.test(text) ? text : undefined;
  };
  const hops = Number(search.hops);
  return {
    ...readUpload(search),
    tab: TABS.find((each) => each === search.tab),
    from: snapshot(search.from),
    to: snapshot(search.to),
    direction: DIRECTIONS.find((each) => each === search.direction),
    hops: Number.isInteger(hops) && hops >= 1 && hops <= 20 ? hops : undefined,
    volume: yes(search.volume),
    folder: typeof search.folder === "string" && search.folder ? search.folder : undefined,
  };
}
