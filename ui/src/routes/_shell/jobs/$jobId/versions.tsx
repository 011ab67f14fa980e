import { createFileRoute } from "@tanstack/react-router";
import { readVersionSearch } from "@/features/job-versions/version-search";
import { VersionsPage } from "@/features/job-versions/versions-page";

export const Route = createFileRoute("/_shell/jobs/$jobId/versions")({
  validateSearch: readVersionSearch,
  component: Versions,
});

function Versions() {
  const { jobId } = Route.useParams();
  return <VersionsPage jobId={Number(jobId)} search={Route.useSearch()} />;
}
