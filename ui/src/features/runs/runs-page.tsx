import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Activity, SearchX, Square, X } from "lucide-react";
import { useMemo, useState } from "react";
import { jobChoicesQuery, jobOverviewQuery } from "@/api/job-overviews";
import { type RunEntry, runsQuery, useCancelRunOfList } from "@/api/runs";
import { Button, buttonClass, IconButton } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Input, Select } from "@/components/form";
import { Confirm } from "@/components/overlay";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { StateBadge } from "@/components/state-badge";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { Elapsed, Time } from "@/components/time";
import { causeOf, triggerWord } from "@/lib/run-trigger";
import { isOpen, oneWord } from "@/lib/states";
import { useDebounced } from "@/lib/use-debounced";
import { filtersOf, isFiltered, type RunSearch, SPANS } from "./run-search";

const ANY = "any";

/** Every run of the workspace: of jobs, and those that are no job's. */
export function RunsPage({ search }: { search: RunSearch }) {
  const navigate = useNavigate();
  const { job, state, kind, since } = search;
  const filters = useMemo(
    () => filtersOf({ job, state, kind, since }, Date.now()),
    [job, state, kind, since],
  );
  const runs = useInfiniteQuery(runsQuery(filters));
  const rows = useMemo(
    () => runs.data?.pages.flatMap((page) => page.runs ?? []) ?? [],
    [runs.data],
  );
  const [stopping, setStopping] = useState<RunEntry | null>(null);
  const cancel = useCancelRunOfList();
  const columns = useMemo(() => runColumns(setStopping), []);

  function change(part: Partial<RunSearch>): void {
    void navigate({ to: "/runs", search: { ...search, ...part } });
  }

  return (
    <Page title="Runs">
      <search className="flex flex-wrap items-center gap-2">
        <JobFilter key={job ?? 0} job={job} onChange={(next) => change({ job: next })} />
        <Select
          label="State"
          className="w-40"
          value={state ?? ANY}
          onChange={(next) => change({ state: next === ANY ? undefined : (next as "active") })}
          options={[
            { value: ANY, label: "Any state" },
            { value: "active", label: "Under way" },
            { value: "completed", label: "Ended" },
          ]}
        />
        <Select
          label="Kind"
          className="w-40"
          value={kind ?? ANY}
          onChange={(next) => change({ kind: next === ANY ? undefined : (next as "job") })}
          options={[
            { value: ANY, label: "Any kind" },
            { value: "job", label: "Of jobs" },
            { value: "once", label: "One-time runs" },
          ]}
        />
        <Select
          label="Time"
          className="w-40"
          value={since ?? ANY}
          onChange={(next) => change({ since: next === ANY ? undefined : (next as "1h") })}
          options={[{ value: ANY, label: "All time" }, ...SPANS]}
        />
        {isFiltered(search) && (
          <Button
            kind="quiet"
            onClick={() =>
              change({ job: undefined, state: undefined, kind: undefined, since: undefined })
            }
          >
            <X aria-hidden />
            Clear
          </Button>
        )}
      </search>
      <Panel flush>
        {runs.isPending ? (
          <Skeleton lines={8} />
        ) : runs.data === undefined ? (
          <ErrorState error={runs.error} onRetry={() => void runs.refetch()} />
        ) : (
          <DataTable
            label="Runs"
            rows={rows}
            columns={columns}
            rowKey={(run) => String(run.run_id)}
            onOpen={(run) =>
              void navigate({
                to: "/jobs/$jobId/runs/$runId",
                params: { jobId: String(run.job_id), runId: String(run.run_id) },
              })
            }
            onMore={runs.hasNextPage ? () => void runs.fetchNextPage() : undefined}
            loadingMore={runs.isFetchingNextPage}
            empty={isFiltered(search) ? <NothingFound /> : <NoRuns />}
          />
        )}
      </Panel>
      {stopping && (
        <Confirm
          open
          onOpenChange={() => setStopping(null)}
          title={`Cancel run ${stopping.run_id}?`}
          action="Cancel run"
          onConfirm={() => cancel.mutateAsync(stopping.run_id)}
        >
          What runs of {stopping.run_name} is stopped. It can be repaired later.
        </Confirm>
      )}
    </Page>
  );
}

function runColumns(onStop: (run: RunEntry) => void): Column<RunEntry>[] {
  return [
    {
      id: "state",
      header: "State",
      width: "11rem",
      cell: (run) => <StateBadge state={oneWord(run.state)} />,
    },
    {
      id: "job",
      header: "Job",
      className: "max-w-0",
      cell: (run) =>
        run.run_type === "JOB_RUN" ? (
          <Link
            to="/jobs/$jobId"
            params={{ jobId: String(run.job_id) }}
            title={run.run_name}
            className="block truncate font-medium hover:text-accent hover:underline"
          >
            {run.run_name}
          </Link>
        ) : (
          <span className="flex items-center gap-2">
            <span className="truncate font-medium" title={run.run_name}>
              {run.run_name}
            </span>
            <span className="shrink-0 rounded bg-sunken px-1.5 py-0.5 text-xs text-ink-soft">
              one-time
            </span>
          </span>
        ),
    },
    {
      id: "run",
      header: "Run",
      width: "9rem",
      cell: (run) => (
        <Link
          to="/jobs/$jobId/runs/$runId"
          params={{ jobId: String(run.job_id), runId: String(run.run_id) }}
          className="font-mono text-xs text-ink-soft hover:text-accent hover:underline"
        >
          {run.run_id}
        </Link>
      ),
    },
    {
      id: "trigger",
      header: "Started by",
      width: "10rem",
      wide: true,
      cell: (run) => (
        <span title={`Started ${causeOf(run).words}`} className="text-ink-soft">
          {causeOf(run).backfillId ? "Backfill" : triggerWord(run.trigger)}
        </span>
      ),
    },
    {
      id: "creator",
      header: "Whose",
      width: "9rem",
      wide: true,
      className: "max-w-0",
      cell: ({ creator_user_name: name }) => (
        <span className="block truncate text-ink-soft" title={name}>
          {name.split("@")[0]}
        </span>
      ),
    },
    {
      id: "started",
      header: "Started",
      width: "8rem",
      cell: (run) => <Time at={run.start_time} className="text-ink-soft" />,
    },
    {
      id: "duration",
      header: "Duration",
      width: "7rem",
      align: "right",
      cell: (run) => <Elapsed from={run.start_time} to={run.end_time || null} />,
    },
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      width: "3.5rem",
      className: "pl-0",
      cell: (run) => (
        <span className="flex h-8 justify-end">
          {isOpen(oneWord(run.state)) && (
            <IconButton label={`Cancel run ${run.run_id}`} onClick={() => onStop(run)}>
              <Square />
            </IconButton>
          )}
        </span>
      ),
    },
  ];
}

interface JobFilterProps {
  job?: number;
  onChange: (job: number | undefined) => void;
}

/** The runs of one job, chosen by its name. */
function JobFilter({ job, onChange }: JobFilterProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const chosen = useQuery({ ...jobOverviewQuery(job ?? 0), enabled: job !== undefined });
  const choices = useQuery(jobChoicesQuery(useDebounced(typed ?? "")));
  return (
    <>
      <Input
        data-search
        type="search"
        aria-label="Job"
        placeholder="Any job"
        list="jobs-of-runs"
        className="w-64"
        value={typed ?? chosen.data?.name ?? (job === undefined ? "" : `Job ${job}`)}
        onChange={(event) => {
          const text = event.target.value;
          setTyped(text);
          const found = choices.data?.find((each) => each.name === text);
          if (found) onChange(found.job_id);
          else if (text === "") onChange(undefined);
        }}
      />
      <datalist id="jobs-of-runs">
        {(choices.data ?? []).map((each) => (
          <option key={each.job_id} value={each.name} />
        ))}
      </datalist>
    </>
  );
}

function NoRuns() {
  return (
    <EmptyState
      icon={Activity}
      title="Nothing has run yet"
      action={
        <Link to="/jobs" className={buttonClass("primary")}>
          Go to the jobs
        </Link>
      }
    >
      Each time a job runs, it is listed here, and stays.
    </EmptyState>
  );
}

function NothingFound() {
  return (
    <EmptyState icon={SearchX} title="No run fits">
      Look further back, or at all states.
    </EmptyState>
  );
}
