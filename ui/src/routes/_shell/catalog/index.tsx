import { createFileRoute } from "@tanstack/react-router";
import { CatalogHome } from "@/features/catalog/catalog-home";
import { readUpload } from "@/features/catalog/search";

export const Route = createFileRoute("/_shell/catalog/")({
  validateSearch: readUpload,
  component: CatalogHome,
});
