import { createFileRoute } from "@tanstack/react-router";
import { useCallback } from "react";
import { DraftPage } from "@/features/sql/sql-page";
import { searchOf } from "@/features/sql/workbench-search";

export const Route = createFileRoute("/_shell/sql/")({
  validateSearch: (search: Record<string, unknown>) => ({
    ...searchOf(search),
    ...(typeof search.draft === "string" ? { draft: search.draft } : {}),
    ...(typeof search.text === "string" ? { text: search.text } : {}),
  }),
  component: SqlRoute,
});

function SqlRoute() {
  const { draft, text, ...search } = Route.useSearch();
  const navigate = Route.useNavigate();
  const onDraft = useCallback(
    (id: string) => void navigate({ search: { draft: id }, replace: true }),
    [navigate],
  );
  const onSaved = useCallback(
    (queryId: string) =>
      void navigate({ to: "/sql/queries/$queryId", params: { queryId }, replace: true }),
    [navigate],
  );
  return (
    <DraftPage
      draftId={draft}
      text={text}
      search={search}
      onSearch={(part) => void navigate({ search: { draft, ...part }, replace: true })}
      onDraft={onDraft}
      onSaved={onSaved}
    />
  );
}
