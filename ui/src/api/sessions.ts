import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { currentWorkspace, fetchRaw } from "./client";

/** The browser's sign-in to one workspace. */
export interface Session {
  workspace_id: number;
  workspace_name: string;
  user_name: string;
  display_name: string;
  is_admin: boolean;
  expires_at: number | null;
}

const PATH = "/api/openlake/1.0/sessions";

/** The workspaces that this browser is signed in to; none when nobody is. */
export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: async (): Promise<Session[]> => {
    const answer = await fetchRaw(PATH);
    return ((await answer.json()) as { sessions: Session[] }).sessions;
  },
  staleTime: 60_000,
});

/** The session of this page's workspace. Only for pages inside the shell, which has it loaded. */
export function useSession(): Session {
  const { data = [] } = useQuery(sessionsQuery);
  const wanted = currentWorkspace();
  const session = data.find((each) => String(each.workspace_id) === wanted) ?? data[0];
  if (!session) throw new Error("useSession is for pages of somebody who is signed in");
  return session;
}

/** Sign in by an access token, or by the one-time code of a link. */
export function useSignIn() {
  const cache = useQueryClient();
  return useMutation({
    meta: { quiet: true },
    mutationFn: async (proof: { token: string } | { code: string }): Promise<Session> => {
      const answer = await fetchRaw(PATH, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(proof),
      });
      return (await answer.json()) as Session;
    },
    // Pages ask the cache before the server: it must know of this sign-in.
    onSuccess: () => cache.fetchQuery({ ...sessionsQuery, staleTime: 0 }),
  });
}

/** Forget one workspace's sign-in. What the cache holds is to be cleared once its pages are left. */
export function useSignOut() {
  return useMutation({
    mutationFn: async (workspaceId: number) => {
      await fetchRaw(`${PATH}/${workspaceId}`, { method: "DELETE" });
    },
  });
}
