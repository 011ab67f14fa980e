import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { childRunQuery } from "@/api/task-runs";
import { Facts, Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { StateBadge } from "@/components/state-badge";
import { Elapsed, Time } from "@/components/time";
import { oneWord } from "@/lib/states";

/** The run that a run_job task made. */
export function ChildRun({ runId }: { runId: number }) {
  const query = useQuery(childRunQuery(runId));
  return (
    <Panel title="The run that it made">
      <QueryView query={query}>
        {(run) => (
          <Facts
            items={[
              [
                "Run",
                <Link
                  key="run"
                  to="/jobs/$jobId/runs/$runId"
                  params={{ jobId: String(run.job_id), runId: String(run.run_id) }}
                  className="font-medium text-accent hover:underline"
                >
                  {run.run_name} · {run.run_id}
                </Link>,
              ],
              ["State", <StateBadge key="state" state={oneWord(run.state)} />],
              ["Began", <Time key="began" at={run.start_time} />],
              ["Took", <Elapsed key="took" from={run.start_time} to={run.end_time || null} />],
            ]}
          />
        )}
      </QueryView>
    </Panel>
  );
}
