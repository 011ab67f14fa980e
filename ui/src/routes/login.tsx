import { createFileRoute } from "@tanstack/react-router";
import { Login } from "@/features/shell/login";

interface Search {
  /** Where to go after: a path of the console. */
  next?: string;
}

export const Route = createFileRoute("/login")({
  validateSearch: (search: Record<string, unknown>): Search =>
    // Only paths of this site: a link must not send people elsewhere after they sign in.
    typeof search.next === "string" && /^\/(?![/\\])/.test(search.next)
      ? { next: search.next }
      : {},
  component: Login,
});
