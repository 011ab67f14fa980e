import { Link } from "@tanstack/react-router";
import type { Schema } from "@/api/client";

/** Who made a snapshot, linked to the task run that did. */
export function WriterLink({ writer }: { writer?: Schema["spec__api__tables__Writer"] | null }) {
  if (!writer) return <span className="text-ink-faint">Not known</span>;
  if (writer.elsewhere) return <span className="text-ink-soft">A run of another workspace</span>;
  if (writer.user)
    return (
      <span className="truncate" title={writer.statement_id ? "By an SQL statement" : undefined}>
        {writer.user}
      </span>
    );
  if (!writer.run_id || !writer.job_id) return <span className="text-ink-faint">Not known</span>;
  const params = { jobId: String(writer.job_id), runId: String(writer.run_id) };
  const style = "text-accent hover:underline";
  if (!writer.task_run_id)
    return (
      <Link to="/jobs/$jobId/runs/$runId" params={params} className={style}>
        Run {writer.run_id}
      </Link>
    );
  return (
    <span className="inline-flex min-w-0 items-baseline gap-1.5">
      <Link
        to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
        params={{ ...params, taskRunId: String(writer.task_run_id) }}
        className={`${style} truncate`}
      >
        {writer.task_key ?? writer.task_run_id}
      </Link>
      <span className="text-xs whitespace-nowrap text-ink-faint">
        run{" "}
        <Link
          to="/jobs/$jobId/runs/$runId"
          params={params}
          className="hover:text-accent hover:underline"
        >
          {writer.run_id}
        </Link>
      </span>
    </span>
  );
}
