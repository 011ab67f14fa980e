import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/sql/")({
  component: () => <Page title="SQL">{null}</Page>,
});
