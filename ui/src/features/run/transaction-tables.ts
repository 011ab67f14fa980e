import type { AttemptTables } from "@/api/run-tables";
import type { RunTransaction } from "@/api/transaction";

/** One table that a run's transaction changed. */
export interface TransactionTable {
  table: string;
  taskKey: string;
  /** The attempt that landed it last. */
  taskRunId: number;
  snapshotId: string | null;
  /** Over all attempts that landed; null where no engine counted. */
  added: number | null;
  removed: number | null;
}

/** Put what landed, or was published, together with the rows that the catalog counted. */
export function tablesOf(
  transaction: Pick<RunTransaction, "tables" | "attempts">,
  seen: AttemptTables[],
): TransactionTable[] {
  const landed = (transaction.attempts ?? []).filter((attempt) => attempt.landed_hash);
  const found = new Map<string, TransactionTable>();
  for (const attempt of landed) {
    const own = seen.find((each) => each.taskRunId === attempt.task_run_id);
    for (const table of attempt.tables ?? []) {
      const writes = (own?.writes ?? []).filter(
        (write) => write.table === table && write.state === "committed",
      );
      const before = found.get(table);
      found.set(table, {
        table,
        taskKey: attempt.task_key,
        taskRunId: attempt.task_run_id,
        snapshotId: writes.at(-1)?.snapshotId ?? before?.snapshotId ?? null,
        added: sum(before?.added ?? null, ...writes.map((write) => write.added)),
        removed: sum(before?.removed ?? null, ...writes.map((write) => write.removed)),
      });
    }
  }
  for (const table of transaction.tables ?? []) {
    const before = found.get(table.table);
    found.set(table.table, {
      table: table.table,
      taskKey: table.task_key,
      taskRunId: table.task_run_id,
      snapshotId: table.snapshot_id ?? before?.snapshotId ?? null,
      added: before?.added ?? null,
      removed: before?.removed ?? null,
    });
  }
  return [...found.values()].sort((a, b) => a.table.localeCompare(b.table));
}

function sum(...counts: (number | null)[]): number | null {
  const known = counts.filter((each) => each !== null);
  return known.length > 0 ? known.reduce((all, each) => all + each, 0) : null;
}
