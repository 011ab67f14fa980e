import { createFileRoute } from "@tanstack/react-router";
import { type EditorSearch, readEditorSearch } from "@/features/job-editor/editor-search";
import { NewJobPage } from "@/features/job-editor/new-job-page";

interface Search extends EditorSearch {
  /** The job whose settings a copy begins with. */
  from?: number;
}

export const Route = createFileRoute("/_shell/jobs/new")({
  validateSearch: (search: Record<string, unknown>): Search => ({
    ...readEditorSearch(search),
    ...(Number.isInteger(search.from) ? { from: Number(search.from) } : {}),
  }),
  component: NewJob,
});

function NewJob() {
  const { from, ...search } = Route.useSearch();
  const navigate = Route.useNavigate();
  return (
    <NewJobPage
      from={from}
      search={search}
      onSearch={(part) => void navigate({ search: (old) => ({ ...old, ...part }), replace: true })}
    />
  );
}
