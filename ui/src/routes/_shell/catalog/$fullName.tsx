import { createFileRoute } from "@tanstack/react-router";
import { ObjectPage } from "@/features/catalog/object-page";
import { readCatalogSearch } from "@/features/catalog/search";

export const Route = createFileRoute("/_shell/catalog/$fullName")({
  validateSearch: readCatalogSearch,
  component: ObjectPage,
});
