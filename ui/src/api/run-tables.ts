import { queryOptions } from "@tanstack/react-query";
import { fetchRaw, type Schema } from "./client";
import { runKey } from "./run";

/** What a run's attempts read and changed in the lakehouse, as the catalog gateway saw it. */

/** A table as an attempt read it. */
export interface TableRead {
  table: string;
  branch: string;
  /** As text: it exceeds JavaScript's numbers. */
  snapshotId: string | null;
}

/** A change of a table; rows are null where the engine does not count them. */
export interface TableWrite {
  table: string;
  branch: string;
  operation: string;
  snapshotId: string | null;
  /** committed, refused, pending or unknown. */
  state: string;
  added: number | null;
  removed: number | null;
  total: number | null;
}

export interface AttemptTables {
  taskRunId: number;
  taskKey: string;
  attempt: number;
  reads: TableRead[];
  writes: TableWrite[];
}

/** The tables of every attempt of a run that met any, from the run's evidence. */
export function runTablesQuery(runId: number) {
  return queryOptions({
    queryKey: [...runKey(runId), "tables"],
    queryFn: async (): Promise<AttemptTables[]> => {
      const answer = await fetchRaw(`/api/openlake/1.0/runs/${runId}/evidence`);
      const evidence = (await answer.json()) as Schema["Evidence"];
      return evidence.task_runs
        .map(tablesOf)
        .filter((each) => each.reads.length + each.writes.length > 0);
    },
    staleTime: 30_000,
  });
}

function tablesOf(attempt: Schema["EvidenceTaskRun"]): AttemptTables {
  const own = new Set(attempt.commits.map((commit) => commit.snapshot_id));
  return {
    taskRunId: attempt.task_run_id,
    taskKey: attempt.task_key,
    attempt: attempt.attempt,
    // What it wrote itself and looked at again is no input.
    reads: attempt.reads.flatMap((read) =>
      own.has(read.snapshot_id) && read.snapshot_id !== null
        ? []
        : [{ table: read.table, branch: read.branch, snapshotId: read.snapshot_id }],
    ),
    writes: attempt.commits.map((commit) => ({
      table: commit.table,
      branch: commit.branch,
      operation: commit.operation,
      snapshotId: commit.snapshot_id,
      state: commit.state,
      added: count(commit.summary["added-records"]),
      removed: count(commit.summary["deleted-records"]),
      total: count(commit.summary["total-records"]),
    })),
  };
}

function count(text: unknown): number | null {
  const number = typeof text === "string" ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}
