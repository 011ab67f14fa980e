import { createFileRoute } from "@tanstack/react-router";
import { HistoryPage, type HistorySearch } from "@/features/sql/history-page";

const WORDS = ["state", "warehouse", "span", "statement"] as const;

export const Route = createFileRoute("/_shell/sql/history")({
  validateSearch: (search: Record<string, unknown>): HistorySearch => {
    const user = Number(search.user);
    const words = WORDS.flatMap((name) =>
      typeof search[name] === "string" ? [[name, search[name]]] : [],
    );
    return {
      ...Object.fromEntries(words),
      ...(Number.isInteger(user) && user > 0 ? { user } : {}),
    };
  },
  component: HistoryRoute,
});

function HistoryRoute() {
  const navigate = Route.useNavigate();
  return (
    <HistoryPage search={Route.useSearch()} onSearch={(search) => void navigate({ search })} />
  );
}
