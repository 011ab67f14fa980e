import { createFileRoute } from "@tanstack/react-router";
import { readRunSearch } from "@/features/runs/run-search";
import { RunsPage } from "@/features/runs/runs-page";

export const Route = createFileRoute("/_shell/runs")({
  validateSearch: readRunSearch,
  component: () => <RunsPage search={Route.useSearch()} />,
});
