import { useQuery } from "@tanstack/react-query";
import { Braces } from "lucide-react";
import { useMemo } from "react";
import { stringify } from "yaml";
import type { Schema } from "@/api/client";
import { runSettingsQuery } from "@/api/run";
import { attemptTablesQuery } from "@/api/run-tables";
import type { TaskRunEntry } from "@/api/task-runs";
import { CopyButton } from "@/components/copy-button";
import { DataTable } from "@/components/data-table";
import { Facts, Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { ReadTables, WrittenTables } from "@/components/run-tables";
import { EmptyState } from "@/components/states";
import { type JobSettings, taskTypeOf } from "@/lib/job-settings";
import { computeOf, resolvedRows } from "./facts";

interface InputsPanelProps {
  runId: number;
  taskRunId: number;
  entry: TaskRunEntry;
  run: Schema["RunView"];
}

/** What an attempt was given: parameters, settings, environment, and the tables it met. */
export function InputsPanel({ runId, taskRunId, entry }: InputsPanelProps) {
  const settings = useQuery(runSettingsQuery(runId));
  const tables = useQuery(attemptTablesQuery(runId, taskRunId));
  const type = taskTypeOf(entry);
  const rows = resolvedRows(entry, type ? entry.resolved_values?.[type] : undefined);
  return (
    <div className="grid min-h-0 auto-rows-max grid-cols-1 items-start gap-4 overflow-y-auto pb-4 xl:grid-cols-2">
      <Panel title="Tables it read" flush>
        <QueryView query={tables}>{({ reads }) => <ReadTables reads={reads} />}</QueryView>
      </Panel>
      <Panel title="Tables it changed" flush>
        <QueryView query={tables}>{({ writes }) => <WrittenTables writes={writes} />}</QueryView>
      </Panel>
      <Panel title="Parameters" flush>
        <DataTable
          label="Parameters"
          rows={rows}
          rowKey={(row) => row.name}
          empty={
            <EmptyState icon={Braces} title="No parameters">
              The task was given none.
            </EmptyState>
          }
          columns={[
            {
              id: "name",
              header: "Name",
              width: "11rem",
              cell: (row) => <span className="font-medium">{row.name}</span>,
            },
            {
              id: "value",
              header: "Value",
              cell: (row) => (
                <span className="line-clamp-3 font-mono text-[0.92em] break-all">{row.value}</span>
              ),
            },
            {
              id: "written",
              header: "As written",
              cell: (row) => (
                <span className="line-clamp-3 font-mono text-[0.92em] break-all text-ink-faint">
                  {row.written === row.value ? "" : row.written}
                </span>
              ),
            },
          ]}
        />
      </Panel>
      <Panel title="Where it ran">
        <QueryView query={settings}>
          {(found) => <Environment entry={entry} settings={found.settings as JobSettings} />}
        </QueryView>
      </Panel>
      <QueryView query={settings}>
        {(found) => (
          <Settings
            entry={entry}
            settings={found.settings as JobSettings}
            version={found.job_version ?? null}
          />
        )}
      </QueryView>
    </div>
  );
}

interface Declared {
  environment_key?: string;
  job_cluster_key?: string;
  spec?: { environment_version?: string; client?: string; dependencies?: string[] };
  new_cluster?: unknown;
}

function Environment({ entry, settings }: { entry: TaskRunEntry; settings: JobSettings }) {
  const compute = computeOf(entry);
  const environment = ((settings.environments ?? []) as Declared[]).find(
    (each) => each.environment_key === entry.environment_key,
  );
  const cluster = ((settings.job_clusters ?? []) as Declared[]).find(
    (each) => each.job_cluster_key === entry.job_cluster_key,
  );
  const items: [string, React.ReactNode][] = [
    ["Compute", compute ? `${compute.kind} ${compute.name}` : "The worker's own"],
  ];
  if (environment?.spec?.environment_version)
    items.push(["Version", environment.spec.environment_version]);
  if (environment)
    items.push([
      "Packages",
      environment.spec?.dependencies?.length ? (
        <ul key="packages" className="font-mono text-[0.92em]">
          {environment.spec.dependencies.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      ) : (
        "The worker's own"
      ),
    ]);
  const made = cluster?.new_cluster ?? entry.new_cluster;
  if (made)
    items.push([
      "Cluster",
      <pre key="cluster" className="font-mono text-[0.92em] whitespace-pre-wrap">
        {stringify(made)}
      </pre>,
    ]);
  if (entry.timeout_seconds) items.push(["Timeout", `${entry.timeout_seconds} s`]);
  items.push(["Retries", entry.max_retries ? `at most ${entry.max_retries}` : "none"]);
  return <Facts items={items} />;
}

interface SettingsProps {
  entry: TaskRunEntry;
  settings: JobSettings;
  version: number | null;
}

/** The task as the job's settings had it, which the run keeps whatever becomes of the job. */
function Settings({ entry, settings, version }: SettingsProps) {
  const text = useMemo(() => {
    const task = settings.tasks?.find((each) => each.task_key === entry.task_key);
    return task ? stringify(task) : "";
  }, [settings, entry.task_key]);
  if (!text) return null;
  return (
    <Panel
      className="xl:col-span-2"
      flush
      title={
        <>
          Settings of the task
          {version !== null && (
            <span className="ml-2 font-normal text-ink-faint">version {version} of the job</span>
          )}
        </>
      }
      actions={<CopyButton text={text} label="Copy the settings" />}
    >
      <pre
        tabIndex={0}
        className="max-h-96 overflow-auto px-4 py-3 font-mono text-[12.5px] leading-5"
      >
        {text}
      </pre>
    </Panel>
  );
}
