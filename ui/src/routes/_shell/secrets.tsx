import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { SecretsPage } from "@/features/secrets/secrets-page";

export const Route = createFileRoute("/_shell/secrets")({
  validateSearch: (search: Record<string, unknown>): { scope?: string } =>
    search.scope === undefined ? {} : { scope: String(search.scope) },
  component: Secrets,
});

function Secrets() {
  const { scope } = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  return (
    <SecretsPage scope={scope} onScope={(next) => void navigate({ search: { scope: next } })} />
  );
}
