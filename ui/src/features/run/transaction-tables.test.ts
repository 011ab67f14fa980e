import { expect, test } from "vitest";
import type { AttemptTables } from "@/api/run-tables";
import { tablesOf } from "./transaction-tables";

function attempt(id: number, key: string, landed: boolean, ...tables: string[]) {
  return {
    task_run_id: id,
    task_key: key,
    branch: `attempt_${id}`,
    base_hash: "b",
    state: landed ? "LANDED" : "ABANDONED",
    landed_hash: landed ? "l" : null,
    tables,
  };
}

function seen(
  id: number,
  table: string,
  added: number | null,
  removed: number | null,
): AttemptTables {
  const write = {
    table,
    branch: `attempt_${id}`,
    operation: "append",
    snapshotId: `s${id}`,
    state: "committed",
    total: null,
    added,
    removed,
  };
  return { taskRunId: id, taskKey: "t", attempt: 0, reads: [], writes: [write] };
}

test("rows are summed over the attempts that landed; what did not land does not count", () => {
  const attempts = [
    attempt(1, "a", true, "x"),
    attempt(2, "b", false, "x"),
    attempt(3, "c", true, "x", "y"),
  ];
  const rows = tablesOf({ attempts, tables: [] }, [
    seen(1, "x", 10, null),
    seen(2, "x", 100, null),
    seen(3, "x", 5, 2),
  ]);
  expect(rows).toMatchObject([
    { table: "x", taskRunId: 3, added: 15, removed: 2, snapshotId: "s3" },
    { table: "y", taskRunId: 3, added: null, removed: null },
  ]);
});

test("what was published says which snapshot is on main", () => {
  const tables = [{ table: "x", snapshot_id: "42", task_key: "a", task_run_id: 1 }];
  const rows = tablesOf({ attempts: [attempt(1, "a", true, "x")], tables }, [
    seen(1, "x", 7, null),
  ]);
  expect(rows).toMatchObject([{ table: "x", snapshotId: "42", added: 7 }]);
});
