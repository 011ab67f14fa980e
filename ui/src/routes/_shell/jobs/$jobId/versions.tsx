import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/jobs/$jobId/versions")({
  component: () => <Page title="Versions">{null}</Page>,
});
