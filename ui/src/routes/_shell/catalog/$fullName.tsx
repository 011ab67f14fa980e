import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

export const Route = createFileRoute("/_shell/catalog/$fullName")({
  component: () => <Page title="Table">{null}</Page>,
});
