import { createFileRoute } from "@tanstack/react-router";
import { SavedQueryPage } from "@/features/sql/sql-page";
import { searchOf } from "@/features/sql/workbench-search";

export const Route = createFileRoute("/_shell/sql/queries/$queryId")({
  validateSearch: (search: Record<string, unknown>) => ({
    ...searchOf(search),
    ...(search.chart === undefined
      ? {}
      : { chart: typeof search.chart === "string" ? search.chart : JSON.stringify(search.chart) }),
  }),
  component: QueryRoute,
});

function QueryRoute() {
  const { queryId } = Route.useParams();
  const { chart, ...search } = Route.useSearch();
  const navigate = Route.useNavigate();
  return (
    <SavedQueryPage
      queryId={queryId}
      chart={chart}
      search={search}
      onSearch={(part) => void navigate({ search: part })}
    />
  );
}
