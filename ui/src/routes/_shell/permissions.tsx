import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { PermissionsPage, type PermissionsSearch } from "@/features/permissions/permissions-page";

const TABS = ["people", "groups", "objects"] as const;

export const Route = createFileRoute("/_shell/permissions")({
  validateSearch: (search: Record<string, unknown>): PermissionsSearch => {
    const tab = TABS.find((each) => each === search.tab);
    return {
      ...(tab && { tab }),
      ...(search.type ? { type: String(search.type) } : {}),
      ...(search.id ? { id: String(search.id) } : {}),
    };
  },
  component: Permissions,
});

function Permissions() {
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  return <PermissionsPage search={search} onSearch={(next) => void navigate({ search: next })} />;
}
