import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Box, Download, FileText, FlaskConical, Folder, FolderOpen } from "lucide-react";
import { useMemo, useState } from "react";
import {
  loggedModelQuery,
  type MlflowRun,
  metricQuery,
  mlflowFilesQuery,
  mlflowFileUrl,
  mlflowRunsQuery,
} from "@/api/mlflow";
import type { Run } from "@/api/run";
import { Chart } from "@/components/chart";
import { CopyButton } from "@/components/copy-button";
import { type Column, DataTable } from "@/components/data-table";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { StateIcon } from "@/components/state-badge";
import { EmptyState, Skeleton } from "@/components/states";
import { Elapsed } from "@/components/time";
import { formatBytes, plural } from "@/lib/numbers";
import {
  formatMetric,
  metricNames,
  metricOption,
  mlflowState,
  steppedNames,
  tagOf,
  titleOf,
} from "./mlflow-metrics";

const MOST_COLUMNS = 6;
const MOST_CHARTS = 6;
const MOST_LINES = 20;

/** What the tasks of a run logged to MLflow: metrics, parameters, files, models. */
export function MlflowPanel({ run }: { run: Run }) {
  const query = useQuery(mlflowRunsQuery(run.run_id));
  return (
    <QueryView query={query}>
      {(found) =>
        found.length === 0 ? (
          <EmptyState icon={FlaskConical} title="Nothing was logged to MLflow">
            A task that says <code className="font-mono">import mlflow</code> logs to the experiment
            of its job without any setting; its runs appear here.
          </EmptyState>
        ) : (
          <Runs run={run} found={found} />
        )
      }
    </QueryView>
  );
}

function Runs({ run, found }: { run: Run; found: MlflowRun[] }) {
  const [chosen, setChosen] = useState(found[0]?.info.run_id ?? "");
  const selected = found.find((each) => each.info.run_id === chosen) ?? found[0];
  const columns = useMemo(() => columnsOf(run, found), [run, found]);
  return (
    <div className="flex flex-col gap-4">
      <Panel title={plural(found.length, "MLflow run")} flush>
        <DataTable
          label="MLflow runs"
          rows={found}
          rowKey={(each) => each.info.run_id}
          columns={columns}
          selected={selected?.info.run_id}
          onOpen={(each) => setChosen(each.info.run_id)}
          maxHeight="40vh"
        />
      </Panel>
      <Charts run={run} found={found} />
      {selected && <Details key={selected.info.run_id} run={run} mlflow={selected} />}
    </div>
  );
}

function columnsOf(run: Run, found: MlflowRun[]): Column<MlflowRun>[] {
  return [
    {
      id: "name",
      header: "Name",
      sort: titleOf,
      cell: (each) => (
        <span className="inline-flex items-center gap-2 font-medium">
          <StateIcon state={mlflowState(each.info.status)} />
          {titleOf(each)}
        </span>
      ),
    },
    {
      id: "task",
      header: "Task",
      sort: (each) => tagOf(each, "openlake.task_key"),
      cell: (each) => (
        <Link
          to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
          params={{
            jobId: String(run.job_id),
            runId: String(run.run_id),
            taskRunId: tagOf(each, "openlake.task_run_id") ?? "",
          }}
          className="text-accent hover:underline"
        >
          {tagOf(each, "openlake.task_key")}
        </Link>
      ),
    },
    ...metricNames(found)
      .slice(0, MOST_COLUMNS)
      .map(
        (name): Column<MlflowRun> => ({
          id: `metric ${name}`,
          header: name,
          align: "right",
          sort: (each) => lastOf(each, name),
          cell: (each) => (
            <span className="font-mono text-[0.92em]">{formatMetric(lastOf(each, name))}</span>
          ),
        }),
      ),
    {
      id: "took",
      header: "Took",
      align: "right",
      width: "6rem",
      sort: (each) => (each.info.end_time ?? 0) - (each.info.start_time ?? 0),
      cell: (each) => <Elapsed from={each.info.start_time} to={each.info.end_time ?? null} />,
    },
  ];
}

function lastOf(run: MlflowRun, metric: string): number | undefined {
  return run.data.metrics?.find((each) => each.key === metric)?.value;
}

/** The metrics that make a line, a chart each. */
function Charts({ run, found }: { run: Run; found: MlflowRun[] }) {
  const names = useMemo(() => steppedNames(found), [found]);
  const shown = useMemo(() => found.slice(0, MOST_LINES), [found]);
  const ids = useMemo(() => shown.map((each) => each.info.run_id), [shown]);
  const queries = useQueries({
    queries: names.slice(0, MOST_CHARTS).map((name) => metricQuery(run.run_id, ids, name)),
  });
  if (names.length === 0) return null;
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      {names.slice(0, MOST_CHARTS).map((name, place) => (
        <Panel key={name} title={name} flush>
          {queries[place]?.data ? (
            <Line name={name} runs={shown} points={queries[place].data} />
          ) : (
            <Skeleton lines={4} className="h-56" />
          )}
        </Panel>
      ))}
    </div>
  );
}

interface LineProps {
  name: string;
  runs: MlflowRun[];
  points: Parameters<typeof metricOption>[1];
}

function Line({ name, runs, points }: LineProps) {
  const option = useMemo(() => metricOption(runs, points), [runs, points]);
  return <Chart option={option} label={`${name} over the steps`} className="h-56 p-2" />;
}

/** One MLflow run: its parameters, all its metrics, its models and files. */
function Details({ run, mlflow }: { run: Run; mlflow: MlflowRun }) {
  const params = mlflow.data.params ?? [];
  const metrics = mlflow.data.metrics ?? [];
  const models = mlflow.outputs?.model_outputs ?? [];
  return (
    <section aria-label={titleOf(mlflow)} className="grid gap-4 lg:grid-cols-2">
      <div className="flex flex-col gap-4">
        <Panel title={`Parameters of ${titleOf(mlflow)}`} flush>
          <DataTable
            label="Parameters"
            rows={params}
            rowKey={(each) => each.key}
            maxHeight="20rem"
            empty={<EmptyState title="No parameters" className="py-8" />}
            columns={[
              { id: "name", header: "Name", sort: (each) => each.key, cell: (each) => each.key },
              {
                id: "value",
                header: "Value",
                cell: (each) => (
                  <span className="font-mono text-[0.92em] break-all">{each.value}</span>
                ),
              },
            ]}
          />
        </Panel>
        <Panel title="Last metrics" flush>
          <DataTable
            label="Metrics"
            rows={metrics}
            rowKey={(each) => each.key}
            maxHeight="20rem"
            empty={<EmptyState title="No metrics" className="py-8" />}
            columns={[
              { id: "name", header: "Name", sort: (each) => each.key, cell: (each) => each.key },
              {
                id: "step",
                header: "Step",
                align: "right",
                width: "6rem",
                sort: (each) => each.step,
                cell: (each) => each.step,
              },
              {
                id: "value",
                header: "Value",
                align: "right",
                sort: (each) => each.value,
                cell: (each) => (
                  <span title={String(each.value)} className="font-mono text-[0.92em]">
                    {formatMetric(each.value)}
                  </span>
                ),
              },
            ]}
          />
        </Panel>
        {models.map(({ model_id }) => (
          <Model key={model_id} run={run} modelId={model_id} />
        ))}
      </div>
      <Files run={run} mlflow={mlflow} />
    </section>
  );
}

function Model({ run, modelId }: { run: Run; modelId: string }) {
  const { data } = useQuery(loggedModelQuery(run.run_id, modelId));
  const address = `models:/${modelId}`;
  return (
    <Panel title="Model">
      <div className="flex items-center gap-3">
        <Box aria-hidden className="size-5 shrink-0 text-accent" />
        <div className="min-w-0 flex-1">
          <p className="font-medium">{data?.info.name ?? "Model"}</p>
          <p className="truncate font-mono text-xs text-ink-soft">{address}</p>
        </div>
        <CopyButton text={address} label="Copy the address for mlflow.load_model" />
      </div>
    </Panel>
  );
}

const PICTURE = /\.(png|jpe?g|gif|webp|svg)$/i;

/** The files of an MLflow run, folder by folder; pictures are shown. */
function Files({ run, mlflow }: { run: Run; mlflow: MlflowRun }) {
  const [open, setOpen] = useState("");
  return (
    <Panel title="Files" flush className="self-start">
      <Folded run={run} mlflow={mlflow} path="" onShow={setOpen} shown={open} />
    </Panel>
  );
}

interface FoldedProps {
  run: Run;
  mlflow: MlflowRun;
  path: string;
  shown: string;
  onShow: (path: string) => void;
}

function Folded({ run, mlflow, path, shown, onShow }: FoldedProps) {
  const query = useQuery(mlflowFilesQuery(run.run_id, mlflow.info.run_id, path));
  return (
    <QueryView query={query} loading={<Skeleton lines={2} />}>
      {(files) =>
        files.length === 0 && path === "" ? (
          <EmptyState icon={FileText} title="No files" className="py-8" />
        ) : (
          <ul className={path ? "ml-5 border-l border-line" : "py-1"}>
            {files.map((file) => {
              const name = file.path.split("/").at(-1) ?? file.path;
              const url = mlflowFileUrl(mlflow, file.path);
              if (file.is_dir) {
                const isOpen = shown === file.path || shown.startsWith(`${file.path}/`);
                const Icon = isOpen ? FolderOpen : Folder;
                return (
                  <li key={file.path}>
                    <button
                      type="button"
                      aria-expanded={isOpen}
                      className="flex w-full items-center gap-2.5 px-4 py-1.5 text-left text-sm hover:bg-sunken"
                      onClick={() => onShow(isOpen ? path : file.path)}
                    >
                      <Icon aria-hidden className="size-4 text-ink-faint" />
                      {name}
                    </button>
                    {isOpen && (
                      <Folded
                        run={run}
                        mlflow={mlflow}
                        path={file.path}
                        shown={shown}
                        onShow={onShow}
                      />
                    )}
                  </li>
                );
              }
              return (
                <li key={file.path}>
                  <a
                    href={url}
                    download={name}
                    className="flex items-center gap-2.5 px-4 py-1.5 text-sm hover:bg-sunken [&_svg]:size-4 [&_svg]:text-ink-faint"
                  >
                    <FileText aria-hidden />
                    <span className="min-w-0 flex-1 truncate">{name}</span>
                    {file.file_size !== undefined && (
                      <span className="text-xs text-ink-faint tabular-nums">
                        {formatBytes(Number(file.file_size))}
                      </span>
                    )}
                    <Download aria-hidden />
                  </a>
                  {PICTURE.test(name) && (
                    <img
                      src={url}
                      alt={name}
                      loading="lazy"
                      className="mx-4 my-2 max-h-96 max-w-[calc(100%-2rem)] rounded border border-line bg-white"
                    />
                  )}
                </li>
              );
            })}
          </ul>
        )
      }
    </QueryView>
  );
}
