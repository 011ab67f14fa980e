import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/warehouses")({
  component: () => <Page title="Warehouses">{null}</Page>,
});
