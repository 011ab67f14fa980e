import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type Run, runQuery, runSettingsQuery, type TaskEntry, useLiveRun } from "@/api/run";
import type { TaskSettings } from "@/lib/job-settings";
import { oneWord } from "@/lib/states";
import { type RunTask, tasksOf } from "./run-tasks";

/** All that the run page's parts are drawn from. */
export interface RunNow {
  query: UseQueryResult<Run>;
  /** One word. */
  state: string;
  message: string;
  tasks: RunTask[];
  /** False until all tasks are known: the run's own answer has the first hundred. */
  whole: boolean;
}

/** Follow a run: every part of its page shows the same moment. */
export function useRun(runId: number): RunNow {
  const query = useQuery(runQuery(runId));
  const settings = useQuery(runSettingsQuery(runId));
  const run = query.data;
  const live = useLiveRun(runId, run?.repair_history?.length ?? 1);
  const tasks = useMemo(() => {
    const declared = (settings.data?.settings.tasks ?? []) as TaskSettings[];
    const page = (run?.tasks ?? []) as unknown as TaskEntry[];
    return tasksOf(declared, live?.tasks ?? page);
  }, [settings.data, run?.tasks, live]);
  const stand = live?.state ?? run?.state;
  return {
    query,
    state: oneWord(stand),
    message: stand?.state_message ?? "",
    tasks,
    whole: live !== null && settings.data !== undefined,
  };
}
