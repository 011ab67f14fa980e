import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { History, Undo2 } from "lucide-react";
import { lazy, Suspense } from "react";
import { toast } from "sonner";
import { jobOverviewQuery } from "@/api/job-overviews";
import {
  type JobVersion,
  jobDiffQuery,
  jobVersionsQuery,
  useRestoreVersion,
} from "@/api/job-versions";
import { Button } from "@/components/button";
import { Select } from "@/components/form";
import { Confirm } from "@/components/overlay";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { Time } from "@/components/time";
import { cx } from "@/lib/cx";
import { plural } from "@/lib/numbers";
import type { VersionSearch } from "./version-search";

const Diff = lazy(() => import("./version-diff"));

interface VersionsPageProps {
  jobId: number;
  search: VersionSearch;
}

/** What a job's settings were, who changed them and how; and back to any of them. */
export function VersionsPage({ jobId, search }: VersionsPageProps) {
  const job = useQuery(jobOverviewQuery(jobId));
  const versions = useInfiniteQuery(jobVersionsQuery(jobId));
  const rows = versions.data?.pages.flatMap((page) => page.versions ?? []) ?? [];
  const newest = rows[0]?.version ?? 1;
  const shown = Math.min(search.version ?? newest, newest);
  const against = search.against ?? shown - 1;
  const params = { jobId: String(jobId) };
  const name = job.data?.name ?? `Job ${jobId}`;
  return (
    <Page
      title="Versions"
      crumbs={[
        <Link key="jobs" to="/jobs">
          Jobs
        </Link>,
        <Link key="job" to="/jobs/$jobId" params={params}>
          {name}
        </Link>,
      ]}
      lead="Every change of the job is kept. Runs go on with the version that they began with."
    >
      {versions.isPending ? (
        <Skeleton lines={8} />
      ) : versions.data === undefined ? (
        <ErrorState error={versions.error} onRetry={() => void versions.refetch()} />
      ) : (
        <div className="grid items-start gap-4 lg:grid-cols-[19rem_minmax(0,1fr)]">
          <Panel flush title={plural(newest, "version")}>
            <ol aria-label="Versions" className="max-h-[calc(100vh-14rem)] overflow-y-auto">
              {rows.map((version) => (
                <Entry
                  key={version.version}
                  jobId={jobId}
                  version={version}
                  newest={version.version === newest}
                  chosen={version.version === shown}
                />
              ))}
            </ol>
            {versions.hasNextPage && (
              <div className="flex justify-center border-t border-line p-2">
                <Button
                  size="small"
                  kind="quiet"
                  busy={versions.isFetchingNextPage}
                  onClick={() => void versions.fetchNextPage()}
                >
                  Show more
                </Button>
              </div>
            )}
          </Panel>
          <Comparison
            jobId={jobId}
            name={name}
            shown={shown}
            against={against}
            newest={newest}
            rows={rows}
          />
        </div>
      )}
    </Page>
  );
}

interface EntryProps {
  jobId: number;
  version: JobVersion;
  newest: boolean;
  chosen: boolean;
}

function Entry({ jobId, version, newest, chosen }: EntryProps) {
  return (
    <li className="border-b border-line/70 last:border-0">
      <Link
        to="/jobs/$jobId/versions"
        params={{ jobId: String(jobId) }}
        search={{ version: version.version }}
        aria-current={chosen ? "true" : undefined}
        className={cx(
          "block border-l-2 border-transparent px-4 py-2.5 hover:bg-sunken/60",
          chosen && "border-accent bg-accent-soft/60",
        )}
      >
        <span className="flex items-center gap-2 text-sm">
          <span className="font-medium tabular-nums">Version {version.version}</span>
          {newest && (
            <span className="rounded bg-good-soft px-1.5 py-0.5 text-xs font-medium text-good">
              now
            </span>
          )}
          <Time at={version.created_at} className="ml-auto text-xs text-ink-soft" />
        </span>
        <span className="mt-0.5 block truncate text-xs text-ink-soft">
          <span className="first-letter:uppercase">{version.cause}</span> by {version.editor}
        </span>
      </Link>
    </li>
  );
}

interface ComparisonProps {
  jobId: number;
  name: string;
  shown: number;
  /** 0: nothing, as before the first version. */
  against: number;
  newest: number;
  rows: JobVersion[];
}

function Comparison({ jobId, name, shown, against, newest, rows }: ComparisonProps) {
  const navigate = useNavigate();
  const restore = useRestoreVersion(jobId);
  const params = { jobId: String(jobId) };
  const others = rows.filter((each) => each.version !== shown);
  const options = others.map((each) => ({
    value: String(each.version),
    label: `Version ${each.version}`,
  }));
  if (!options.some((each) => each.value === String(against)))
    options.push({ value: String(against), label: against ? `Version ${against}` : "Nothing" });
  return (
    <Panel
      flush
      title={`Version ${shown}`}
      actions={
        <span className="flex items-center gap-2">
          <span className="text-xs text-ink-soft">compared with</span>
          <Select
            label="Compared with"
            className="h-7 w-32 text-xs"
            value={String(against)}
            options={options}
            onChange={(next) =>
              void navigate({
                to: "/jobs/$jobId/versions",
                params,
                search: { version: shown, against: Number(next) || undefined },
              })
            }
          />
          {shown !== newest && (
            <Confirm
              trigger={
                <Button size="small">
                  <Undo2 aria-hidden />
                  Restore
                </Button>
              }
              title={`Restore version ${shown}?`}
              action="Restore it"
              onConfirm={async () => {
                const { version } = await restore.mutateAsync(shown);
                toast.success(`${name} is as in version ${shown} again`);
                await navigate({ to: "/jobs/$jobId/versions", params, search: { version } });
              }}
            >
              {name} gets these settings again, as a new version. Nothing is lost: the versions in
              between stay.
            </Confirm>
          )}
        </span>
      }
    >
      <Summary jobId={jobId} shown={shown} against={against} />
      <Suspense fallback={<Skeleton lines={10} />}>
        <Diff jobId={jobId} before={against || null} after={shown} />
      </Suspense>
    </Panel>
  );
}

const MOST = 6;

/** What changed, place by place, in a line. */
function Summary({ jobId, shown, against }: { jobId: number; shown: number; against: number }) {
  const diff = useQuery({ ...jobDiffQuery(jobId, shown, against), enabled: against > 0 });
  if (against === 0)
    return (
      <p className="border-b border-line px-4 py-2 text-sm text-ink-soft">
        The first version: nothing was there before.
      </p>
    );
  const changes = diff.data?.changes ?? [];
  if (diff.data && changes.length === 0)
    return <EmptyState icon={History} title="The same settings" className="py-6" />;
  return (
    <ul
      aria-label="What changed"
      className="flex min-h-10 flex-wrap items-center gap-1.5 border-b border-line px-4 py-2"
    >
      {changes.slice(0, MOST).map((change) => (
        <li
          key={change.path}
          title={`${JSON.stringify(change.before)} → ${JSON.stringify(change.after)}`}
          className="max-w-80 truncate rounded bg-sunken px-1.5 py-0.5 font-mono text-xs text-ink-soft"
        >
          {change.path}
        </li>
      ))}
      {changes.length > MOST && (
        <li className="text-xs text-ink-faint">and {changes.length - MOST} more</li>
      )}
    </ul>
  );
}
