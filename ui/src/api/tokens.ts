import { queryOptions } from "@tanstack/react-query";
import { api, body, data, type Schema } from "./client";
import { useChange } from "./use-change";

export type OwnToken = Schema["PublicTokenInfo"];
export type AnyToken = Schema["TokenInfo"];

/** One's own tokens, newest first; never their values. */
export const ownTokensQuery = queryOptions({
  queryKey: ["tokens", "own"],
  queryFn: async () => (await data(api.GET("/api/2.0/token/list"))).token_infos ?? [],
});

/** Everybody's tokens; admins only. */
export const allTokensQuery = queryOptions({
  queryKey: ["tokens", "all"],
  queryFn: async () => (await data(api.GET("/api/2.0/token-management/tokens"))).token_infos ?? [],
});

/** Make a token of one's own; the answer is the only place of its value. */
export function useCreateToken() {
  return useChange(["tokens"], (wish: { comment: string; lifetime_seconds?: number }) =>
    data(api.POST("/api/2.0/token/create", { body: body(wish) })),
  );
}

/** End a token of one's own. */
export function useRevokeOwnToken() {
  return useChange(["tokens"], (token_id: string) =>
    data(api.POST("/api/2.0/token/delete", { body: { token_id } })),
  );
}

/** End anybody's token; admins only. */
export function useRevokeToken() {
  return useChange(["tokens"], (token_id: string) =>
    data(
      api.DELETE("/api/2.0/token-management/tokens/{token_id}", {
        params: { path: { token_id } },
      }),
    ),
  );
}
