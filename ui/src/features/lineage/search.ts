import { DIRECTIONS, type Direction } from "@/api/lineage";

/** What the lineage page shows, as its address says. */
export interface LineageSearch {
  /** Only what is around this node. */
  around?: string;
  direction?: Direction;
  hops?: number;
  /** The node that is looked at. */
  node?: string;
  /** Tables that show their columns. */
  open?: string[];
  /** The column whose ways stand out. */
  column?: string;
}

export const DEFAULT_HOPS = 3;
export const MOST_HOPS = 20;

export function readLineageSearch(search: Record<string, unknown>): LineageSearch {
  const text = (value: unknown) => (typeof value === "string" && value ? value : undefined);
  const hops = Number(search.hops);
  return {
    around: text(search.around),
    direction: DIRECTIONS.find((each) => each === search.direction),
    hops: Number.isInteger(hops) && hops >= 1 && hops <= MOST_HOPS ? hops : undefined,
    node: text(search.node),
    open: Array.isArray(search.open)
      ? search.open.filter((each): each is string => typeof each === "string")
      : undefined,
    column: text(search.column),
  };
}
