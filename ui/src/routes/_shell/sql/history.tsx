import { createFileRoute } from "@tanstack/react-router";

export const Route = createFileRoute("/_shell/sql/history")({
  component: RouteComponent,
});

function RouteComponent() {
  return <div>Hello "/_shell/sql/history"!</div>;
}
