import { createFileRoute } from "@tanstack/react-router";
import { readJobSearch } from "@/features/jobs/job-search";
import { JobsPage } from "@/features/jobs/jobs-page";

export const Route = createFileRoute("/_shell/jobs/")({
  validateSearch: readJobSearch,
  component: () => <JobsPage search={Route.useSearch()} />,
});
