import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/permissions")({
  component: () => <Page title="Permissions">{null}</Page>,
});
