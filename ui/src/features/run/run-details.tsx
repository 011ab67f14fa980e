import { useQuery } from "@tanstack/react-query";
import { type Run, runSettingsQuery } from "@/api/run";
import { Facts, Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { StateBadge } from "@/components/state-badge";
import { EmptyState } from "@/components/states";
import { Elapsed, Time } from "@/components/time";
import { oneWord } from "@/lib/states";
import { formatDuration } from "@/lib/time";

/** What the run was made from: parameters, version of the settings, its executions. */
export function RunDetails({ run }: { run: Run }) {
  const settings = useQuery(runSettingsQuery(run.run_id));
  return (
    <div className="grid gap-4 pt-4 lg:grid-cols-2">
      <Panel title="Parameters" flush={run.job_parameters.length === 0}>
        {run.job_parameters.length === 0 ? (
          <EmptyState title="No parameters" className="py-6">
            The job declares none.
          </EmptyState>
        ) : (
          <Facts
            items={run.job_parameters.map((each) => [
              each.name,
              <span key={each.name} className="font-mono text-xs">
                {each.value}
                {each.value !== each.default && (
                  <span className="text-ink-faint"> (default: {each.default || "empty"})</span>
                )}
              </span>,
            ])}
          />
        )}
      </Panel>
      <Panel title="Made from">
        <QueryView query={settings}>
          {(found) => (
            <Facts
              items={[
                ["Run", <code key="run">{run.run_id}</code>],
                ["Job version", run.job_version ?? "–"],
                ["Created by", run.creator_user_name],
                [
                  "Settings, SHA-256",
                  <code key="hash" className="break-all">
                    {found.settings_hash}
                  </code>,
                ],
                ["Created", <Time key="created" at={run.start_time} as="instant" />],
                [
                  "Waited in the queue",
                  run.queue_duration ? formatDuration(run.queue_duration) : "not at all",
                ],
              ]}
            />
          )}
        </QueryView>
      </Panel>
      <Panel title="Executions" className="lg:col-span-2">
        <ol className="flex flex-col gap-2 text-sm">
          {(run.repair_history ?? []).map((item, place) => (
            <li key={item.id ?? "original"} className="flex items-center gap-3">
              <span className="w-28">{place ? `Repair ${place}` : "Original"}</span>
              <StateBadge state={oneWord(item.state)} />
              <Time at={item.start_time} as="instant" className="text-ink-soft" />
              <Elapsed from={item.start_time} to={item.end_time} className="text-ink-soft" />
            </li>
          ))}
        </ol>
      </Panel>
    </div>
  );
}
