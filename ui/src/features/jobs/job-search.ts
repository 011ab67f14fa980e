import type { JobFilters, JobSort } from "@/api/job-overviews";

/** What the list of jobs shows, as its address says it; short names, and nothing that is usual. */
export interface JobSearch {
  q?: string;
  tag?: string;
  owner?: string;
  state?: string;
  paused?: boolean;
  sort?: JobSort;
}

const SORTS: readonly string[] = ["name", "-created_at", "-last_run_at"];

/** Read the list's address; what makes no sense is left out. */
export function readJobSearch(search: Record<string, unknown>): JobSearch {
  const found: JobSearch = {};
  for (const name of ["q", "tag", "owner", "state"] as const) {
    const value = search[name];
    // The router reads "12" and "true" as what they look like.
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      if (String(value).trim()) found[name] = String(value);
  }
  if (typeof search.paused === "boolean") found.paused = search.paused;
  if (typeof search.sort === "string" && SORTS.includes(search.sort) && search.sort !== "name")
    found.sort = search.sort as JobSort;
  return found;
}

/** Turn the address into what the API is asked. */
export function filtersOf({ q, tag, owner, state, paused, sort }: JobSearch): JobFilters {
  return { search: q, tag, owner, state, paused, sort: sort ?? "name" };
}

/** True when the list does not show every job. */
export function isFiltered({ q, tag, owner, state, paused }: JobSearch): boolean {
  return [q, tag, owner, state, paused].some((value) => value !== undefined);
}
