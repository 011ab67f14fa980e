import { createFileRoute } from "@tanstack/react-router";
import { EditJobPage } from "@/features/job-editor/edit-job-page";
import { readEditorSearch } from "@/features/job-editor/editor-search";

export const Route = createFileRoute("/_shell/jobs/$jobId/edit")({
  validateSearch: readEditorSearch,
  component: EditJob,
});

function EditJob() {
  const { jobId } = Route.useParams();
  const navigate = Route.useNavigate();
  return (
    <EditJobPage
      key={jobId}
      jobId={Number(jobId)}
      search={Route.useSearch()}
      onSearch={(part) => void navigate({ search: (old) => ({ ...old, ...part }), replace: true })}
    />
  );
}
