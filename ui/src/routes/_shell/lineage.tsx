import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/lineage")({
  component: () => <Page title="Lineage">{null}</Page>,
});
