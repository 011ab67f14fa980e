export const PARTS = ["tasks", "trigger", "parameters", "settings"] as const;
export const VIEWS = ["both", "form", "yaml"] as const;

/** What the editor of a job shows, as its address says it. */
export interface EditorSearch {
  part?: (typeof PARTS)[number];
  view?: (typeof VIEWS)[number];
  /** Key of the task that is looked at first. */
  task?: string;
}

/** Read the editor's address; what makes no sense is left out. */
export function readEditorSearch(search: Record<string, unknown>): EditorSearch {
  const part = PARTS.find((each) => each === search.part);
  const view = VIEWS.find((each) => each === search.view);
  return {
    ...(part && part !== "tasks" ? { part } : {}),
    ...(view && view !== "both" ? { view } : {}),
    ...(typeof search.task === "string" || typeof search.task === "number"
      ? { task: String(search.task) }
      : {}),
  };
}
