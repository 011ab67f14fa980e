import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, data, JOBS_VERSION } from "./client";

/** Where the example's table is. */
export const EXAMPLE_TABLE = "example.planets";

const NAME = "Example: planets";

const QUERY = `CREATE SCHEMA IF NOT EXISTS example;
CREATE OR REPLACE TABLE ${EXAMPLE_TABLE} AS
SELECT * FROM (VALUES
  (1, 'Mercury', 0.39, 0), (2, 'Venus', 0.72, 0), (3, 'Earth', 1.00, 1), (4, 'Mars', 1.52, 2),
  (5, 'Jupiter', 5.20, 97), (6, 'Saturn', 9.54, 274), (7, 'Uranus', 19.19, 29), (8, 'Neptune', 30.07, 16)
) AS planets (place, name, distance_au, moons);
`;

/** How far somebody is with the first steps: all of it from what there is. */
export interface FirstSteps {
  /** The example that there is: the flights, or the one that this page makes. */
  example: { jobId: number; name: string } | null;
  hasJob: boolean;
  lastRun: { jobId: number; runId: number } | null;
  hasQuery: boolean;
  /** The example's table is there. */
  hasTable: boolean;
}

/** See `FirstSteps`; asked anew when a run changes. */
export const firstStepsQuery = queryOptions({
  queryKey: ["runs", "first-steps"],
  queryFn: async (): Promise<FirstSteps> => {
    const overview = (search?: string, tag?: string) =>
      data(api.GET("/api/openlake/1.0/jobs", { params: { query: { search, tag, limit: 1 } } }));
    const path = { version: JOBS_VERSION } as const;
    const [flights, planets, any, runs, history, table] = await Promise.all([
      overview(undefined, "example:flights"),
      overview(NAME),
      overview(),
      data(api.GET("/api/{version}/jobs/runs/list", { params: { path, query: { limit: 1 } } })),
      data(api.GET("/api/2.0/sql/history/queries", { params: { query: { max_results: 1 } } })),
      data(
        api.GET("/api/2.1/unity-catalog/tables/{full_name}/exists", {
          params: { path: { full_name: `lakehouse.${EXAMPLE_TABLE}` } },
        }),
      ),
    ]);
    const example = flights.jobs[0] ?? planets.jobs[0];
    const run = runs.runs?.[0];
    return {
      example: example ? { jobId: example.job_id, name: example.name } : null,
      hasJob: any.jobs.length > 0,
      lastRun: run ? { jobId: run.job_id, runId: run.run_id } : null,
      hasQuery: (history.res ?? []).length > 0,
      hasTable: table.table_exists === true,
    };
  },
});

/** Make the example: a saved query that writes a table, and a job that runs and checks it. */
export function useCreateExample() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async (): Promise<number> => {
      const query = await data(
        api.POST("/api/2.0/sql/queries", {
          body: {
            query: { display_name: NAME, query_text: QUERY, warehouse_id: "duckdb" },
          } as never,
        }),
      );
      const settings = {
        name: NAME,
        description: "Writes a small table, and checks that its rows are there",
        tags: { example: "planets" },
        tasks: [
          {
            task_key: "write",
            sql_task: { query: { query_id: query.id }, warehouse_id: "duckdb" },
          },
          {
            task_key: "check",
            depends_on: [{ task_key: "write" }],
            check_task: { table: EXAMPLE_TABLE, min_rows: 8, warehouse_id: "duckdb" },
          },
        ],
      };
      const made = await data(
        api.POST("/api/{version}/jobs/create", {
          params: { path: { version: JOBS_VERSION } },
          body: settings as never,
        }),
      );
      return made.job_id;
    },
    onSuccess: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: ["jobs"] }),
        cache.invalidateQueries({ queryKey: ["runs"] }),
        cache.invalidateQueries({ queryKey: ["queries"] }),
      ]),
  });
}
