import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  Link,
  Outlet,
  retainSearchParams,
} from "@tanstack/react-router";
import { Toaster } from "sonner";
import { TooltipProvider } from "@/components/overlay";
import { EmptyState } from "@/components/states";
import { useDark } from "@/lib/theme";

interface Search {
  /** The workspace, as in Databricks' URLs. */
  o?: number;
}

export const Route = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  validateSearch: (search: Record<string, unknown>): Search => {
    const o = Number(search.o);
    return Number.isInteger(o) && o > 0 ? { o } : {};
  },
  search: { middlewares: [retainSearchParams(["o"])] },
  component: Root,
  notFoundComponent: NotFound,
});

function Root() {
  const dark = useDark();
  return (
    <TooltipProvider delayDuration={350}>
      <Outlet />
      <Toaster theme={dark ? "dark" : "light"} position="bottom-right" closeButton />
    </TooltipProvider>
  );
}

function NotFound() {
  return (
    <EmptyState
      title="There is no such page"
      action={
        <Link to="/jobs" className="text-accent underline">
          Go to the jobs
        </Link>
      }
    >
      The address may be mistyped, or what it led to is gone.
    </EmptyState>
  );
}
