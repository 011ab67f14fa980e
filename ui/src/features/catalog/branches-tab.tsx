import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { GitBranch } from "lucide-react";
import { branchesQuery } from "@/api/catalog";
import type { Schema } from "@/api/client";
import { type Column, DataTable } from "@/components/data-table";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";
import { Time } from "@/components/time";
import { cx } from "@/lib/cx";
import { TONE_SOFT, type Tone } from "@/lib/states";

const STATES: Record<string, { tone: Tone; label: string }> = {
  OPENING: { tone: "calm", label: "Opening" },
  OPEN: { tone: "live", label: "Under way" },
  PUBLISHING: { tone: "live", label: "Publishing" },
  PUBLISHED: { tone: "good", label: "Published" },
  CONFLICT: { tone: "bad", label: "Conflict" },
  KEPT: { tone: "warn", label: "Kept" },
};

/** Branches of runs that have changed the table: what is not on main, or not yet. */
export function BranchesTab({ name }: { name: string }) {
  const query = useQuery(branchesQuery(name));
  return (
    <QueryView query={query}>
      {({ branches = [] }) => (
        <Panel flush title="Branches of runs">
          <DataTable
            label="Branches of runs"
            rows={branches}
            columns={COLUMNS}
            rowKey={(row) => row.branch}
            empty={
              <EmptyState icon={GitBranch} title="No branch has changed this table">
                A job with <code className="font-mono">publish</code> works on a branch of its own,
                and publishes its tables all at once when it ends. While such a run is under way, or
                its branch is kept after a failure, it is listed here.
              </EmptyState>
            }
          />
        </Panel>
      )}
    </QueryView>
  );
}

const COLUMNS: Column<Schema["HeldBranch"]>[] = [
  {
    id: "branch",
    header: "Branch",
    cell: (row) => <span className="font-mono text-[13px]">{row.branch}</span>,
  },
  {
    id: "state",
    header: "State",
    cell: (row) => {
      const { tone, label } = STATES[row.state] ?? { tone: "calm" as const, label: row.state };
      return (
        <span className={cx("rounded-full px-2 py-0.5 text-xs font-medium", TONE_SOFT[tone])}>
          {label}
        </span>
      );
    },
  },
  {
    id: "run",
    header: "Run",
    cell: (row) => (
      <Link
        to="/jobs/$jobId/runs/$runId"
        params={{ jobId: String(row.job_id), runId: String(row.run_id) }}
        className="text-accent hover:underline"
      >
        {row.run_name} · {row.run_id}
      </Link>
    ),
  },
  { id: "tasks", header: "Changed by", cell: (row) => (row.task_keys ?? []).join(", ") },
  { id: "changes", header: "Commits", align: "right", cell: (row) => row.changes },
  {
    id: "landed",
    header: "On the branch",
    cell: (row) => (row.landed ? "All of it" : "Its tasks are still at it"),
  },
  { id: "at", header: "Last change", cell: (row) => <Time at={row.last_at} /> },
  {
    id: "until",
    header: "Kept until",
    cell: (row) => (row.drop_after ? <Time at={row.drop_after} /> : "In use"),
  },
];
