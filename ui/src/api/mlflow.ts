import { queryOptions } from "@tanstack/react-query";
import { fetchRaw, inWorkspaceUrl } from "./client";
import { runKey } from "./run";

/** MLflow's own REST API, as the proxy passes it on; it is not in our OpenAPI document. */

export interface Metric {
  key: string;
  value: number;
  timestamp: number;
  step: number;
}

export interface MlflowRun {
  info: {
    run_id: string;
    run_name?: string;
    experiment_id: string;
    status: string;
    start_time?: number;
    end_time?: number;
  };
  data: {
    metrics?: Metric[];
    params?: { key: string; value: string }[];
    tags?: { key: string; value: string }[];
  };
  outputs?: { model_outputs?: { model_id: string }[] };
}

export interface Artifact {
  path: string;
  is_dir: boolean;
  file_size?: number;
}

export interface LoggedModel {
  info: { model_id: string; name: string; model_type?: string; status?: string };
}

const PATH = "/api/2.0/mlflow";
const MOST_EXPERIMENTS = 1000;
const MOST_POINTS = 1000;

async function get<T>(path: string, query: Record<string, string | string[]>): Promise<T> {
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      [value].flat().map((each): [string, string] => [name, each]),
    ),
  );
  return (await (await fetchRaw(`${PATH}/${path}?${search}`)).json()) as T;
}

async function post<T>(path: string, body: unknown): Promise<T> {
  const answer = await fetchRaw(`${PATH}/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as T;
}

/** What the tasks of a run logged to MLflow, whichever experiment they chose; oldest first. */
export function mlflowRunsQuery(runId: number) {
  return queryOptions({
    queryKey: [...runKey(runId), "mlflow"],
    queryFn: async (): Promise<MlflowRun[]> => {
      const { experiments = [] } = await post<{ experiments?: { experiment_id: string }[] }>(
        "experiments/search",
        { max_results: MOST_EXPERIMENTS },
      );
      if (experiments.length === 0) return [];
      const { runs = [] } = await post<{ runs?: MlflowRun[] }>("runs/search", {
        experiment_ids: experiments.map((each) => each.experiment_id),
        filter: `tags.\`openlake.run_id\` = '${runId}'`,
        order_by: ["attributes.start_time ASC"],
        max_results: 1000,
      });
      return runs;
    },
  });
}

/** One metric of some MLflow runs over their steps. */
export function metricQuery(runId: number, mlflowRunIds: string[], metric: string) {
  return queryOptions({
    queryKey: [...runKey(runId), "mlflow", "metric", metric, mlflowRunIds],
    queryFn: async () => {
      const { metrics = [] } = await get<{ metrics?: (Metric & { run_id: string })[] }>(
        "metrics/get-history-bulk-interval",
        { run_ids: mlflowRunIds, metric_key: metric, max_results: String(MOST_POINTS) },
      );
      return metrics;
    },
  });
}

/** The files of an MLflow run in one folder. */
export function mlflowFilesQuery(runId: number, mlflowRunId: string, path: string) {
  return queryOptions({
    queryKey: [...runKey(runId), "mlflow", "files", mlflowRunId, path],
    queryFn: async () => {
      const query: Record<string, string> = { run_id: mlflowRunId };
      if (path) query.path = path;
      return (await get<{ files?: Artifact[] }>("artifacts/list", query)).files ?? [];
    },
  });
}

/** A model that an MLflow run logged. */
export function loggedModelQuery(runId: number, modelId: string) {
  return queryOptions({
    queryKey: [...runKey(runId), "mlflow", "model", modelId],
    queryFn: async () =>
      (await get<{ model: LoggedModel }>(`logged-models/${encodeURIComponent(modelId)}`, {})).model,
  });
}

/** Where the browser gets a file of an MLflow run: as Databricks' clients do, by the run's ids. */
export function mlflowFileUrl(run: MlflowRun, path: string): string {
  const { experiment_id, run_id } = run.info;
  const place = path.split("/").map(encodeURIComponent).join("/");
  return inWorkspaceUrl(
    `/api/2.0/fs/files/WorkspaceInternal/Mlflow/Artifacts/${experiment_id}/Runs/${run_id}/artifacts/${place}`,
  );
}
