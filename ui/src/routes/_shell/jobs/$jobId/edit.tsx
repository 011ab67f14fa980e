import { createFileRoute } from "@tanstack/react-router";

export const Route = createFileRoute("/_shell/jobs/$jobId/edit")({
  component: RouteComponent,
});

function RouteComponent() {
  return <div>Hello "/_shell/jobs/$jobId/edit"!</div>;
}
