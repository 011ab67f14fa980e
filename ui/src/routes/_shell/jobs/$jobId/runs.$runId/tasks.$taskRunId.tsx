import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/jobs/$jobId/runs/$runId/tasks/$taskRunId")({
  component: () => <Page title="Task run">{null}</Page>,
});
