import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/jobs/new")({
  component: () => <Page title="New job">{null}</Page>,
});
