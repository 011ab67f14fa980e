import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/tokens")({
  component: () => <Page title="Tokens">{null}</Page>,
});
