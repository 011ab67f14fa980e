import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/jobs/")({
  component: () => <Page title="Jobs">{null}</Page>,
});
