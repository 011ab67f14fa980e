import { createFileRoute } from "@tanstack/react-router";
import { Page } from "@/components/page";

interface Search {
  /** The job whose settings a clone begins with. */
  from?: number;
}

export const Route = createFileRoute("/_shell/jobs/new")({
  validateSearch: (search: Record<string, unknown>): Search =>
    Number.isInteger(search.from) ? { from: Number(search.from) } : {},
  component: () => <Page title="New job">{null}</Page>,
});
