import { expect, test } from "vitest";
import type { LineageGraph } from "@/api/run-lineage";
import { lineageOf } from "./lineage-graph";

const GRAPH = {
  nodes: [
    { id: "dataset:lakehouse.a.x", type: "DATASET", name: "lakehouse.a.x" },
    { id: "dataset:lakehouse.a.y", type: "DATASET", name: "lakehouse.a.y" },
    { id: "dataset:s3://in/f.csv", type: "DATASET", name: "s3://in/f.csv" },
    { id: "job:my.job.copy", type: "JOB", name: "my.job.copy", run_id: 1, task_run_id: 7 },
  ],
  edges: [
    { source: "dataset:lakehouse.a.x", target: "job:my.job.copy", snapshot_ids: ["1"] },
    { source: "dataset:lakehouse.a.y", target: "job:my.job.copy", snapshot_ids: ["2"] },
    {
      source: "job:my.job.copy",
      target: "dataset:lakehouse.a.y",
      task_run_id: 7,
      snapshot_ids: ["2"],
    },
  ],
} as unknown as LineageGraph;

test("a task that looks again at what it wrote does not read it", () => {
  const { edges } = lineageOf(GRAPH, []);
  expect(edges.map(({ from, to }) => [from, to])).toEqual([
    ["dataset:lakehouse.a.x", "job:my.job.copy"],
    ["job:my.job.copy", "dataset:lakehouse.a.y"],
  ]);
});

test("tables, files and tasks are told apart and have short names", () => {
  const { nodes } = lineageOf(GRAPH, []);
  expect(nodes.map(({ kind, name, snapshotId }) => [kind, name, snapshotId])).toEqual([
    ["table", "a.x", "1"],
    ["table", "a.y", "2"],
    ["file", "s3://in/f.csv", null],
    ["task", "copy", null],
  ]);
});

test("rows are those that the catalog counted for that attempt", () => {
  const write = {
    table: "a.y",
    branch: "main",
    operation: "append",
    snapshotId: "2",
    state: "committed",
    added: 12,
    removed: null,
    total: 12,
  };
  const seen = [{ taskRunId: 7, taskKey: "copy", attempt: 0, reads: [], writes: [write] }];
  expect(lineageOf(GRAPH, seen).edges.map((edge) => edge.rows)).toEqual([null, 12]);
});
