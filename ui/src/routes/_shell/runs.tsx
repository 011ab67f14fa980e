import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/runs")({
  component: () => <Page title="Runs">{null}</Page>,
});
