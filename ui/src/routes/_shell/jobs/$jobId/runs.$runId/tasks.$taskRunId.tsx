import { createFileRoute } from "@tanstack/react-router";
import { readTaskSearch } from "@/features/task-run/search";
import { TaskRunPage } from "@/features/task-run/task-run-page";

export const Route = createFileRoute("/_shell/jobs/$jobId/runs/$runId/tasks/$taskRunId")({
  validateSearch: readTaskSearch,
  component: TaskRunRoute,
});

function TaskRunRoute() {
  const { jobId, runId, taskRunId } = Route.useParams();
  return <TaskRunPage jobId={Number(jobId)} runId={Number(runId)} taskRunId={Number(taskRunId)} />;
}
