import { createFileRoute } from "@tanstack/react-router";
import { JobPage } from "@/features/job/job-page";
import { readJobSearch } from "@/features/job/search";

export const Route = createFileRoute("/_shell/jobs/$jobId/")({
  validateSearch: readJobSearch,
  component: Shown,
});

function Shown() {
  const { jobId } = Route.useParams();
  return <JobPage key={jobId} jobId={Number(jobId)} />;
}
