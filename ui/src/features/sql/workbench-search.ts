import type { WorkbenchSearch } from "./workbench";

const VIEWS = ["table", "chart"] as const;
const PANELS = ["versions", "runs", "alerts"] as const;

/** What the address says of the editor's page; what makes no sense is left out. */
export function searchOf(search: Record<string, unknown>): WorkbenchSearch {
  const view = VIEWS.find((each) => each === search.view);
  const panel = PANELS.find((each) => each === search.panel);
  const result = Number(search.result);
  return {
    ...(view ? { view } : {}),
    ...(panel ? { panel } : {}),
    ...(Number.isInteger(result) && result > 0 ? { result } : {}),
  };
}
