import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { LayoutList, Plus, SearchX, Sparkles } from "lucide-react";
import { useMemo, useState } from "react";
import { toast } from "sonner";
import { type JobOverview, jobOverviewsQuery } from "@/api/job-overviews";
import { Button, buttonClass } from "@/components/button";
import { DataTable } from "@/components/data-table";
import { BackfillDialog } from "@/components/jobs/backfill-dialog";
import { RunNowDialog } from "@/components/jobs/run-now-dialog";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { jobColumns } from "./job-columns";
import { JobFilterBar } from "./job-filter-bar";
import { filtersOf, isFiltered, type JobSearch } from "./job-search";

const SORT_OF: Record<string, JobSearch["sort"]> = { name: undefined, last: "-last_run_at" };

/** Every job of the workspace: what starts it, how its last runs went, and what can be done. */
export function JobsPage({ search }: { search: JobSearch }) {
  const navigate = useNavigate();
  const [running, setRunning] = useState<JobOverview | null>(null);
  const [backfilling, setBackfilling] = useState<JobOverview | null>(null);
  const jobs = useInfiniteQuery(jobOverviewsQuery(filtersOf(search)));
  const rows = useMemo(() => jobs.data?.pages.flatMap((page) => page.jobs) ?? [], [jobs.data]);

  const columns = useMemo(
    () =>
      jobColumns({
        onTag: (tag) => void navigate({ to: "/jobs", search: (old) => ({ ...old, tag }) }),
        onOwner: (owner) => void navigate({ to: "/jobs", search: (old) => ({ ...old, owner }) }),
        onRun: setRunning,
        onBackfill: setBackfilling,
      }),
    [navigate],
  );

  function change(part: Partial<JobSearch>, typing?: boolean): void {
    void navigate({ to: "/jobs", search: (old) => ({ ...old, ...part }), replace: typing });
  }

  function started(job: JobOverview, runId: number): void {
    toast.success(`${job.name} runs`, {
      action: {
        label: "Open the run",
        onClick: () =>
          void navigate({
            to: "/jobs/$jobId/runs/$runId",
            params: { jobId: String(job.job_id), runId: String(runId) },
          }),
      },
    });
  }

  return (
    <Page
      title="Jobs"
      actions={
        <Link to="/jobs/new" className={buttonClass("primary")}>
          <Plus aria-hidden />
          New job
        </Link>
      }
    >
      <JobFilterBar search={search} onChange={change} />
      <Panel flush>
        {jobs.isPending ? (
          <Skeleton lines={8} />
        ) : jobs.data === undefined ? (
          <ErrorState error={jobs.error} onRetry={() => void jobs.refetch()} />
        ) : (
          <DataTable
            label="Jobs"
            rows={rows}
            columns={columns}
            rowKey={(job) => String(job.job_id)}
            onOpen={(job) =>
              void navigate({ to: "/jobs/$jobId", params: { jobId: String(job.job_id) } })
            }
            sorting={sortingOf(search)}
            onSort={(id) => change({ sort: SORT_OF[id] })}
            onMore={jobs.hasNextPage ? () => void jobs.fetchNextPage() : undefined}
            loadingMore={jobs.isFetchingNextPage}
            empty={isFiltered(search) ? <NothingFound onClear={() => clear()} /> : <NoJobs />}
          />
        )}
      </Panel>
      {running && (
        <RunNowDialog
          jobId={running.job_id}
          open
          onOpenChange={() => setRunning(null)}
          onStarted={(runId) => started(running, runId)}
        />
      )}
      {backfilling && (
        <BackfillDialog jobId={backfilling.job_id} open onOpenChange={() => setBackfilling(null)} />
      )}
    </Page>
  );

  function clear(): void {
    void navigate({ to: "/jobs", search: { sort: search.sort } });
  }
}

function sortingOf({ sort }: JobSearch): { id: string; desc: boolean } | undefined {
  if (sort === "-created_at") return undefined;
  return sort === "-last_run_at" ? { id: "last", desc: true } : { id: "name", desc: false };
}

function NoJobs() {
  return (
    <EmptyState
      icon={LayoutList}
      title="No jobs yet"
      action={
        <>
          <Link to="/jobs/new" className={buttonClass("primary")}>
            <Plus aria-hidden />
            Create a job
          </Link>
          <Link to="/welcome" className={buttonClass()}>
            <Sparkles aria-hidden />
            Take the first steps
          </Link>
        </>
      }
    >
      A job runs tasks in the order they need: notebooks, Python, SQL, dbt. Write one, or let an
      example show you around.
    </EmptyState>
  );
}

function NothingFound({ onClear }: { onClear: () => void }) {
  return (
    <EmptyState
      icon={SearchX}
      title="No job fits"
      action={<Button onClick={onClear}>Clear the filters</Button>}
    >
      Try a shorter name, or look at all of them.
    </EmptyState>
  );
}
