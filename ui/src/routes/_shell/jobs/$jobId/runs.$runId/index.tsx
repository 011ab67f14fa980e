import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/jobs/$jobId/runs/$runId/")({
  component: () => <Page title="Run">{null}</Page>,
});
