import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { api, data, type Schema } from "@/api/client";
import { useDebounced } from "@/lib/use-debounced";
import type { Path } from "./yaml-edit";

export type Problem = Schema["TextProblem"];

const PAUSE_MS = 350;

/** What the server says of a text a moment after it has stopped changing. */
export function useJobCheck(text: string, jobId?: number) {
  const settled = useDebounced(text, PAUSE_MS);
  const check = useQuery({
    queryKey: ["job-check", jobId, settled],
    queryFn: ({ signal }) =>
      data(
        api.POST("/api/openlake/1.0/jobs/check", {
          body: { text: settled, job_id: jobId ?? null },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    gcTime: 60_000,
  });
  return {
    problems: check.data?.problems ?? [],
    warnings: check.data?.warnings ?? [],
    /** True while what is said is of an older text. */
    stale: settled !== text || check.isFetching || check.isPlaceholderData,
    error: check.error,
  };
}

/** Problems by the place that they are about, for the fields of the form. */
export const ProblemsContext = createContext<ReadonlyMap<string, string>>(new Map());

/** What is wrong at a place, if anything is. */
export function useProblem(path: Path): string | undefined {
  return useContext(ProblemsContext).get(spellPath(path));
}

/** Spell a path as the server does: `tasks[2].sql_task`. */
export function spellPath(path: Path): string {
  return path
    .map((step, place) => (typeof step === "number" ? `[${step}]` : place ? `.${step}` : step))
    .join("");
}

/** The first problem of each place. */
export function problemsByPlace(problems: Problem[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { path, message } of problems) if (!found.has(path)) found.set(path, message);
  return found;
}

/** How many problems each task has, by its place in the list. */
export function problemsByTask(problems: Problem[]): Map<number, number> {
  const found = new Map<number, number>();
  for (const { path } of problems) {
    const task = /^tasks\[(\d+)\]/.exec(path);
    if (task) found.set(Number(task[1]), (found.get(Number(task[1])) ?? 0) + 1);
  }
  return found;
}
