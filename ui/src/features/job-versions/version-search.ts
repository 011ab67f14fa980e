/** Which versions are compared, as the address says it. */
export interface VersionSearch {
  /** The version that is looked at; the newest if none is named. */
  version?: number;
  /** What it is compared with; the one before if none is named. */
  against?: number;
}

/** Read the address; what makes no sense is left out. */
export function readVersionSearch(search: Record<string, unknown>): VersionSearch {
  const number = (value: unknown) => {
    const found = Number(value);
    return Number.isInteger(found) && found > 0 ? found : undefined;
  };
  const [version, against] = [number(search.version), number(search.against)];
  return { ...(version ? { version } : {}), ...(against ? { against } : {}) };
}
