import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/secrets")({
  component: () => <Page title="Secrets">{null}</Page>,
});
