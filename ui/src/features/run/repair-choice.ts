/** Which tasks a repair runs again. */

export interface Repairable {
  key: string;
  state: string;
  dependsOn: string[];
}

/** How a task ended that a repair has no reason to run again. */
const FINE = new Set(["SUCCESS", "EXCLUDED", "DISABLED"]);

/** Tasks that did not succeed, those that were never reached included. */
export function failedKeys(tasks: Repairable[]): string[] {
  return tasks.filter((task) => !FINE.has(task.state)).map((task) => task.key);
}

/**
 * Of each task that follows from the chosen ones, which task it follows from directly.
 *
 * The chosen ones themselves are not in it.
 */
export function following(tasks: Repairable[], chosen: ReadonlySet<string>): Map<string, string> {
  const below = new Map<string, string[]>();
  for (const task of tasks)
    for (const above of task.dependsOn) below.set(above, [...(below.get(above) ?? []), task.key]);
  const found = new Map<string, string>();
  const waiting = [...chosen];
  for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
    for (const next of below.get(key) ?? []) {
      if (chosen.has(next) || found.has(next)) continue;
      found.set(next, key);
      waiting.push(next);
    }
  }
  return found;
}

/** Tasks that stay as they ended though they did not succeed: the run will not succeed either. */
export function leftBehind(tasks: Repairable[], again: ReadonlySet<string>): string[] {
  return failedKeys(tasks).filter((key) => !again.has(key));
}

/** Tasks that run again while one that they depend on stays failed: they may be skipped once more. */
export function cutOff(tasks: Repairable[], again: ReadonlySet<string>): string[] {
  const behind = new Set(leftBehind(tasks, again));
  return tasks
    .filter((task) => again.has(task.key) && task.dependsOn.some((above) => behind.has(above)))
    .map((task) => task.key);
}
