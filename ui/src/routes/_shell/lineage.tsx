import { createFileRoute } from "@tanstack/react-router";
import { LineagePage } from "@/features/lineage/lineage-page";
import { readLineageSearch } from "@/features/lineage/search";

export const Route = createFileRoute("/_shell/lineage")({
  validateSearch: readLineageSearch,
  component: LineagePage,
});
