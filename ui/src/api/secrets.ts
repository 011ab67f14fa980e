import { queryOptions } from "@tanstack/react-query";
import { api, body, data, type Schema } from "./client";
import { useChange } from "./use-change";

export type SecretKey = Schema["SecretMetadata"];
export type ScopeAcl = Schema["AclItem"];

/** The scopes that the caller may read. */
export const scopesQuery = queryOptions({
  queryKey: ["secrets", "scopes"],
  queryFn: async () => (await data(api.GET("/api/2.0/secrets/scopes/list"))).scopes ?? [],
});

/** The names of a scope's secrets; values never leave the server. */
export function secretKeysQuery(scope: string) {
  return queryOptions({
    queryKey: ["secrets", "keys", scope],
    queryFn: async () =>
      (await data(api.GET("/api/2.0/secrets/list", { params: { query: { scope } } }))).secrets ??
      [],
  });
}

/** Who may do what with a scope. */
export function scopeAclsQuery(scope: string) {
  return queryOptions({
    queryKey: ["secrets", "acls", scope],
    queryFn: async () =>
      (await data(api.GET("/api/2.0/secrets/acls/list", { params: { query: { scope } } }))).items ??
      [],
  });
}

export function useCreateScope() {
  return useChange(["secrets"], (scope: string) =>
    data(api.POST("/api/2.0/secrets/scopes/create", { body: body({ scope }) })),
  );
}

export function useDeleteScope() {
  return useChange(["secrets"], (scope: string) =>
    data(api.POST("/api/2.0/secrets/scopes/delete", { body: { scope } })),
  );
}

/** Store a secret; an older value under the same key is replaced. */
export function usePutSecret() {
  return useChange(["secrets"], (body: { scope: string; key: string; string_value: string }) =>
    data(api.POST("/api/2.0/secrets/put", { body })),
  );
}

export function useDeleteSecret() {
  return useChange(["secrets"], (body: { scope: string; key: string }) =>
    data(api.POST("/api/2.0/secrets/delete", { body })),
  );
}

export function usePutAcl() {
  return useChange(
    ["secrets"],
    (body: { scope: string; principal: string; permission: ScopeAcl["permission"] }) =>
      data(api.POST("/api/2.0/secrets/acls/put", { body })),
  );
}

export function useDeleteAcl() {
  return useChange(["secrets"], (body: { scope: string; principal: string }) =>
    data(api.POST("/api/2.0/secrets/acls/delete", { body })),
  );
}
