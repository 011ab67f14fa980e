import { createFileRoute } from "@tanstack/react-router";
import { WarehousesPage, type WarehousesSearch } from "@/features/warehouses/warehouses-page";

export const Route = createFileRoute("/_shell/warehouses")({
  validateSearch: (search: Record<string, unknown>): WarehousesSearch => ({
    ...(search.search ? { search: String(search.search) } : {}),
    ...(search.monitor ? { monitor: String(search.monitor) } : {}),
  }),
  component: WarehousesRoute,
});

function WarehousesRoute() {
  const navigate = Route.useNavigate();
  return (
    <WarehousesPage
      search={Route.useSearch()}
      onSearch={(search) => void navigate({ search, replace: true })}
    />
  );
}
