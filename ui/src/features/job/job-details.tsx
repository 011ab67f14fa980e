import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense } from "react";
import { jobOverviewQuery } from "@/api/job-overviews";
import { type CurrentSettings, jobSettingsQuery } from "@/api/jobs";
import { CopyButton } from "@/components/copy-button";
import { BackfillProgress } from "@/components/jobs/backfill-progress";
import { Facts, Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { Skeleton } from "@/components/states";
import { Time } from "@/components/time";
import type { JobSettings } from "@/lib/job-settings";
import { formatDuration } from "@/lib/time";

const Yaml = lazy(() => import("./yaml-view"));

/** What the job is made of: in facts, and as it is written. */
export function JobDetails({ jobId }: { jobId: number }) {
  const query = useQuery(jobSettingsQuery(jobId));
  return (
    <QueryView query={query}>
      {(current) => (
        <div className="grid gap-4 py-4 xl:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
          <div className="flex flex-col gap-4">
            <About jobId={jobId} current={current} />
            <Panel title="Parameters">
              <Named
                entries={(current.settings.parameters ?? []).map((each) => [
                  each.name,
                  <code key={each.name} className="font-mono text-xs break-all">
                    {each.default || "(empty)"}
                  </code>,
                ])}
                nothing="The job takes none."
              />
            </Panel>
            <Panel title="Compute">
              <Named entries={computeOf(current.settings)} nothing="Each task names its own." />
            </Panel>
            <Panel title="Notifications">
              <Named entries={noticesOf(current.settings)} nothing="Nobody is told of its runs." />
            </Panel>
            <Panel title="Backfills">
              <BackfillProgress jobId={jobId} onLeave={() => undefined} />
            </Panel>
          </div>
          <Panel
            flush
            title="Settings"
            className="flex max-h-[80vh] flex-col self-start [&>div]:min-h-0 [&>div]:flex-1 [&>div]:overflow-auto"
            actions={
              <CopyButton label="Copy as JSON" text={JSON.stringify(current.settings, null, 2)} />
            }
          >
            <Suspense fallback={<Skeleton />}>
              <Yaml of="job" value={current.settings as JobSettings} label="Settings of the job" />
            </Suspense>
          </Panel>
        </div>
      )}
    </QueryView>
  );
}

function About({ jobId, current }: { jobId: number; current: CurrentSettings }) {
  const { data: job } = useQuery(jobOverviewQuery(jobId));
  const { settings } = current;
  const timeout = Number(settings.timeout_seconds ?? 0);
  return (
    <Panel title="About">
      <Facts
        items={[
          ["Starts", job?.trigger.words || "by hand"],
          ["Owner", job?.owner_user_name ?? "–"],
          ["Runs as", job?.run_as_user_name ?? "–"],
          ["At most", `${Number(settings.max_concurrent_runs ?? 1)} at a time`],
          ["Queue", (settings.queue as { enabled?: boolean })?.enabled ? "runs wait" : "off"],
          ["Timeout", timeout ? formatDuration(timeout * 1000) : "none"],
          [
            "Version",
            <span key="version">
              <Link
                to="/jobs/$jobId/versions"
                params={{ jobId: String(jobId) }}
                className="text-accent hover:underline"
              >
                {current.version}
              </Link>
              , <Time at={current.created_at} /> by {current.editor}
            </span>,
          ],
        ]}
      />
    </Panel>
  );
}

function Named({ entries, nothing }: { entries: [string, ReactNode][]; nothing: string }) {
  if (entries.length === 0) return <p className="text-sm text-ink-soft">{nothing}</p>;
  return <Facts items={entries} />;
}

interface Keyed {
  job_cluster_key?: string;
  environment_key?: string;
  spec?: { environment_version?: string; dependencies?: string[] };
  new_cluster?: { num_workers?: number; policy_id?: string; spark_version?: string };
}

function computeOf(settings: JobSettings): [string, ReactNode][] {
  const environments = (settings.environments as Keyed[] | undefined) ?? [];
  const clusters = (settings.job_clusters as Keyed[] | undefined) ?? [];
  return [
    ...environments.map((each): [string, ReactNode] => [
      each.environment_key ?? "",
      `Python environment ${each.spec?.environment_version ?? ""}${listed(each.spec?.dependencies)}`,
    ]),
    ...clusters.map((each): [string, ReactNode] => [
      each.job_cluster_key ?? "",
      `Cluster${each.new_cluster?.spark_version ? `, ${each.new_cluster.spark_version}` : ""}`,
    ]),
  ];
}

function listed(names: string[] | undefined): string {
  return names?.length ? `: ${names.join(", ")}` : "";
}

const EVENTS: [string, string][] = [
  ["on_start", "starts"],
  ["on_success", "succeeds"],
  ["on_failure", "fails"],
  ["on_duration_warning_threshold_exceeded", "takes too long"],
  ["on_streaming_backlog_exceeded", "falls behind"],
];

function noticesOf(settings: JobSettings): [string, ReactNode][] {
  const mail = (settings.email_notifications ?? {}) as Record<string, string[] | undefined>;
  const hooks = (settings.webhook_notifications ?? {}) as Record<
    string,
    { id: string }[] | undefined
  >;
  return EVENTS.flatMap(([field, word]): [string, ReactNode][] => {
    const who = [...(mail[field] ?? []), ...(hooks[field] ?? []).map(({ id }) => `webhook ${id}`)];
    return who.length ? [[`When it ${word}`, who.join(", ")]] : [];
  });
}
