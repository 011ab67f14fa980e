import { createFileRoute } from "@tanstack/react-router";
import { RunPage } from "@/features/run/run-page";
import { readRunSearch } from "@/features/run/search";

export const Route = createFileRoute("/_shell/jobs/$jobId/runs/$runId/")({
  validateSearch: readRunSearch,
  component: Shown,
});

function Shown() {
  const { jobId, runId } = Route.useParams();
  return <RunPage key={runId} jobId={Number(jobId)} runId={Number(runId)} />;
}
