import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/jobs/$jobId/")({
  component: () => <Page title="Job">{null}</Page>,
});
