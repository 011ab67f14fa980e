import { createFileRoute, useNavigate } from "@tanstack/react-router";
import type { AuditFilter } from "@/api/audit";
import { AuditPage } from "@/features/audit/audit-page";

const WORDS = ["actor", "action", "object_type", "object_id"] as const;
const INSTANTS = ["since", "until"] as const;

export const Route = createFileRoute("/_shell/audit")({
  validateSearch: (search: Record<string, unknown>): AuditFilter => filterOf(search),
  component: Audit,
});

function Audit() {
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  return (
    <AuditPage filter={filterOf(search)} onFilter={(next) => void navigate({ search: next })} />
  );
}

function filterOf(search: Record<string, unknown>): AuditFilter {
  const words = WORDS.flatMap((name) => (search[name] ? [[name, String(search[name])]] : []));
  const instants = INSTANTS.flatMap((name) =>
    Number(search[name]) > 0 ? [[name, Number(search[name])]] : [],
  );
  return Object.fromEntries([...words, ...instants]);
}
