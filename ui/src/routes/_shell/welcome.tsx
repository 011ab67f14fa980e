import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/welcome")({
  component: () => <Page title="First steps">{null}</Page>,
});
