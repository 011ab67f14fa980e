import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChartNetwork, File, Table2 } from "lucide-react";
import { useMemo } from "react";
import type { Run } from "@/api/run";
import { type LineageGraph, runLineageQuery } from "@/api/run-lineage";
import { type AttemptTables, runTablesQuery } from "@/api/run-tables";
import { Graph, type GraphNode } from "@/components/graph";
import { QueryView } from "@/components/query-view";
import { StateIcon } from "@/components/state-badge";
import { EmptyState } from "@/components/states";
import { formatCompact, plural } from "@/lib/numbers";
import { type LineageNode, lineageOf } from "./lineage-graph";
import type { RunTask } from "./run-tasks";

interface LineagePanelProps {
  run: Run;
  tasks: RunTask[];
}

/** Which tables the tasks of a run read and wrote, as a graph. */
export function LineagePanel({ run, tasks }: LineagePanelProps) {
  const query = useQuery(runLineageQuery(run.run_id));
  const tables = useQuery(runTablesQuery(run.run_id));
  return (
    <QueryView query={query}>
      {(graph) =>
        (graph.edges ?? []).length === 0 ? (
          <EmptyState icon={ChartNetwork} title="No lineage yet">
            It appears as soon as a task reads or writes a table.
          </EmptyState>
        ) : (
          <Drawn graph={graph} seen={tables.data?.attempts ?? NONE} run={run} tasks={tasks} />
        )
      }
    </QueryView>
  );
}

const NONE: AttemptTables[] = [];

interface DrawnProps extends LineagePanelProps {
  graph: LineageGraph;
  seen: AttemptTables[];
}

function Drawn({ graph, seen, run, tasks }: DrawnProps) {
  const lineage = useMemo(() => lineageOf(graph, seen), [graph, seen]);
  const nodes = useMemo(
    () => lineage.nodes.map((node) => drawn(node, run, stateOf(node, tasks))),
    [lineage, run, tasks],
  );
  const edges = useMemo(
    () =>
      lineage.edges.map((edge) => ({
        from: edge.from,
        to: edge.to,
        label: edge.rows === null ? undefined : `+${formatCompact(edge.rows)}`,
      })),
    [lineage],
  );
  const tables = lineage.nodes.filter((node) => node.kind === "table").length;
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-2">
      <p className="flex flex-wrap items-center gap-x-4 text-sm text-ink-soft">
        {plural(tables, "table")},{" "}
        {plural(lineage.nodes.length - tables, "task or file", "tasks and files")}. Numbers are the
        rows that a task added.
        <Link to="/lineage" className="text-accent hover:underline">
          The whole workspace's lineage
        </Link>
      </p>
      <Graph
        nodes={nodes}
        edges={edges}
        label="Lineage of this run"
        miniMap={nodes.length > 40}
        className="h-[62vh] overflow-hidden rounded-lg border border-line"
      />
    </div>
  );
}

function stateOf(node: LineageNode, tasks: RunTask[]): string | null {
  if (node.kind !== "task") return null;
  const task = tasks.find((each) => each.entries.some((entry) => entry.run_id === node.taskRunId));
  return task?.state ?? null;
}

const HEIGHT = 46;
const CHARACTER = 7.4;

function drawn(node: LineageNode, run: Run, state: string | null): GraphNode {
  return {
    id: node.id,
    label: `${node.kind === "task" ? "Task" : node.kind === "table" ? "Table" : "File"} ${node.name}`,
    width: Math.min(300, Math.max(130, 52 + node.name.length * CHARACTER)),
    height: HEIGHT,
    content: <Box node={node} run={run} state={state} />,
  };
}

const LOOK =
  "nodrag nopan flex h-[46px] w-full items-center gap-2 overflow-hidden border px-2.5 text-left text-sm text-ink shadow-xs hover:border-accent";

function Box({ node, run, state }: { node: LineageNode; run: Run; state: string | null }) {
  if (node.kind === "task") {
    const label = (
      <>
        <StateIcon state={state ?? "PENDING"} />
        <span className="truncate font-medium">{node.name}</span>
      </>
    );
    const className = `${LOOK} rounded-full border-line-strong bg-raised px-4`;
    return node.taskRunId === null ? (
      <div className={className}>{label}</div>
    ) : (
      <Link
        to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
        params={{
          jobId: String(run.job_id),
          runId: String(run.run_id),
          taskRunId: String(node.taskRunId),
        }}
        search={{ tab: "inputs" }}
        title={node.fullName}
        className={className}
      >
        {label}
      </Link>
    );
  }
  const Icon = node.kind === "table" ? Table2 : File;
  const label = (
    <>
      <Icon aria-hidden className="size-4 shrink-0 text-accent" />
      <span className="min-w-0">
        <span className="block truncate font-medium">{node.name}</span>
        {node.snapshotId && (
          <span className="block truncate font-mono text-[11px] leading-4 text-ink-faint">
            …{node.snapshotId.slice(-8)}
          </span>
        )}
      </span>
    </>
  );
  const className = `${LOOK} rounded-md border-line bg-surface`;
  return node.kind === "table" ? (
    <Link
      to="/catalog/$fullName"
      params={{ fullName: node.fullName }}
      title={`${node.fullName}${node.snapshotId ? `\nSnapshot ${node.snapshotId}` : ""}`}
      className={className}
    >
      {label}
    </Link>
  ) : (
    <div title={node.fullName} className={className}>
      {label}
    </div>
  );
}
