import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/compute")({
  component: () => <Page title="Compute profiles">{null}</Page>,
});
