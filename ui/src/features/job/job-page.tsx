import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ChartColumn, Grid3x3, ShieldCheck, SlidersHorizontal, Workflow } from "lucide-react";
import type { ReactNode } from "react";
import { jobOverviewQuery } from "@/api/job-overviews";
import { ObjectPermissions } from "@/components/object-permissions";
import { Page } from "@/components/page";
import { QueryView } from "@/components/query-view";
import { Tabs } from "@/components/tabs";
import { DurationTrend } from "./duration-trend";
import { JobActions } from "./job-actions";
import { JobDetails } from "./job-details";
import { JobFacts, JobTags } from "./job-facts";
import { JobGraph } from "./job-graph";
import { JobRuns } from "./job-runs";
import type { JobSearch, JobTab } from "./search";

const route = getRouteApi("/_shell/jobs/$jobId/");

/** One job: its runs beside one another, what it is made of, what can be done with it. */
export function JobPage({ jobId }: { jobId: number }) {
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/jobs/$jobId/" });
  const overview = useQuery(jobOverviewQuery(jobId));
  const show = (change: Partial<JobSearch>, replace = false) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace });
  const parts: { value: JobTab; label: ReactNode; content: () => ReactNode }[] = [
    {
      value: "runs",
      label: labelled(Grid3x3, "Runs"),
      content: () => <JobRuns jobId={jobId} />,
    },
    {
      value: "durations",
      label: labelled(ChartColumn, "Durations"),
      content: () => <DurationTrend jobId={jobId} />,
    },
    {
      value: "graph",
      label: labelled(Workflow, "Tasks"),
      content: () => (
        <JobGraph jobId={jobId} task={search.task} onTask={(task) => show({ task }, true)} />
      ),
    },
    {
      value: "details",
      label: labelled(SlidersHorizontal, "Details"),
      content: () => <JobDetails jobId={jobId} />,
    },
    {
      value: "permissions",
      label: labelled(ShieldCheck, "Permissions"),
      content: () => (
        <div className="pt-4">
          <ObjectPermissions object={{ type: "jobs", id: String(jobId) }} />
        </div>
      ),
    },
  ];
  const chosen = parts.find((part) => part.value === (search.tab ?? "runs"));
  const job = overview.data;
  return (
    <Page
      title={job?.name ?? "Job"}
      heading={job && <JobTags job={job} />}
      crumbs={[
        <Link key="jobs" to="/jobs">
          Jobs
        </Link>,
      ]}
      lead={job && <JobFacts job={job} />}
      actions={job && <JobActions job={job} />}
      fill
    >
      <QueryView query={overview}>
        {() => (
          <div className="flex min-h-0 flex-1 flex-col">
            <Tabs
              label="Parts of the job"
              value={chosen?.value ?? "runs"}
              onChange={(tab) => show({ tab: tab === "runs" ? undefined : tab, task: undefined })}
              tabs={parts}
            >
              {chosen?.content()}
            </Tabs>
          </div>
        )}
      </QueryView>
    </Page>
  );
}

function labelled(Icon: typeof Workflow, word: string): ReactNode {
  return (
    <>
      <Icon aria-hidden />
      {word}
    </>
  );
}
