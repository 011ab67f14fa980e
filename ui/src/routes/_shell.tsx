import { createFileRoute, redirect } from "@tanstack/react-router";
import { sessionsQuery } from "@/api/sessions";
import { Skeleton } from "@/components/states";
import { Shell } from "@/features/shell/shell";

/** Every page of somebody who is signed in: the frame around it, and the workspace it is about. */
export const Route = createFileRoute("/_shell")({
  beforeLoad: async ({ context, search, location }) => {
    const sessions = await context.queryClient.ensureQueryData(sessionsQuery);
    const first = sessions[0];
    const signedIn = sessions.some((session) => session.workspace_id === search.o);
    if (!first || (search.o !== undefined && !signedIn))
      throw redirect({ to: "/login", search: { next: location.href } });
    if (search.o === undefined)
      throw redirect({
        to: location.pathname,
        search: { ...location.search, o: first.workspace_id },
        replace: true,
      });
  },
  pendingComponent: () => <Skeleton className="m-8" />,
  component: Shell,
});
