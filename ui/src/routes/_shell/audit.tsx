import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/audit")({
  component: () => <Page title="Audit">{null}</Page>,
});
