import { queryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";
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

export interface RunTables {
  attempts: AttemptTables[];
  /** More attempts met tables than are listed here. */
  more: boolean;
}

/** The tables of the attempts of a run that met any, of the first 1,000 of these. */
export function runTablesQuery(runId: number) {
  return queryOptions({
    queryKey: [...runKey(runId), "tables"],
    queryFn: async (): Promise<RunTables> => {
      const page = await tables(runId, { limit: 1000 });
      return { attempts: (page.attempts ?? []).map(drawn), more: Boolean(page.next_page_token) };
    },
    staleTime: 30_000,
  });
}

/** The tables of one attempt. */
export function attemptTablesQuery(runId: number, taskRunId: number) {
  return queryOptions({
    queryKey: [...runKey(runId), "tables", taskRunId],
    queryFn: async (): Promise<Pick<AttemptTables, "reads" | "writes">> => {
      const [own] = (await tables(runId, { task_run_id: taskRunId })).attempts ?? [];
      return own ? drawn(own) : { reads: [], writes: [] };
    },
    staleTime: 30_000,
  });
}

function tables(run_id: number, query: { limit?: number; task_run_id?: number }) {
  return data(
    api.GET("/api/openlake/1.0/runs/{run_id}/tables", { params: { path: { run_id }, query } }),
  );
}

function drawn(attempt: Schema["AttemptTables"]): AttemptTables {
  return {
    taskRunId: attempt.task_run_id,
    taskKey: attempt.task_key,
    attempt: attempt.attempt,
    reads: (attempt.reads ?? []).map((read) => ({
      table: read.table,
      branch: read.branch,
      snapshotId: read.snapshot_id ?? null,
    })),
    writes: (attempt.writes ?? []).map((write) => ({
      table: write.table,
      branch: write.branch,
      operation: write.operation,
      snapshotId: write.snapshot_id ?? null,
      state: write.state,
      added: write.added_rows ?? null,
      removed: write.deleted_rows ?? null,
      total: write.total_rows ?? null,
    })),
  };
}
