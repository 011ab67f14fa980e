/** What the job page shows, as its address says. */

export const JOB_TABS = ["runs", "durations", "graph", "details", "permissions"] as const;

export type JobTab = (typeof JOB_TABS)[number];

export interface JobSearch {
  /** Which part; the runs when nothing is said. */
  tab?: JobTab;
  /** The task whose settings are shown. */
  task?: string;
}

export function readJobSearch(search: Record<string, unknown>): JobSearch {
  const found: JobSearch = {};
  const tab = JOB_TABS.find((each) => each === search.tab);
  if (tab && tab !== "runs") found.tab = tab;
  if (typeof search.task === "string" || typeof search.task === "number")
    found.task = String(search.task);
  return found;
}
