import { queryOptions } from "@tanstack/react-query";
import { api, body, data, type Schema } from "./client";
import { useChange } from "./use-change";

export type Member = Schema["MemberView"];

export interface Group {
  id: string;
  name: string;
  members: { id: string; name: string }[];
}

/** The users and service principals of a workspace, by name. */
export function membersQuery(workspaceId: number) {
  return queryOptions({
    queryKey: ["principals", "members", workspaceId],
    queryFn: async () =>
      (
        await data(
          api.GET("/api/openlake/1.0/workspaces/{workspace_id}/members", {
            params: { path: { workspace_id: workspaceId } },
          }),
        )
      ).members ?? [],
  });
}

const MOST = 1000;

/** The groups of the workspace with their direct members. */
export const groupsQuery = queryOptions({
  queryKey: ["principals", "groups"],
  queryFn: async (): Promise<Group[]> => {
    const page = await data(
      api.GET("/api/2.0/preview/scim/v2/Groups", { params: { query: { count: MOST } } }),
    );
    return (page.Resources ?? []).map((group) => {
      const { id, displayName, members } = group as {
        id: string;
        displayName: string;
        members?: { value: string; display?: string }[];
      };
      return {
        id,
        name: displayName,
        members: (members ?? []).map((each) => ({
          id: each.value,
          name: each.display ?? each.value,
        })),
      };
    });
  },
});

/** Make a user; with a first token when asked, whose value is in the answer alone. */
export function useAddMember(workspaceId: number) {
  return useChange(["principals"], (member: Partial<Schema["AddMember"]>) =>
    data(
      api.POST("/api/openlake/1.0/workspaces/{workspace_id}/members", {
        params: { path: { workspace_id: workspaceId } },
        body: body(member),
      }),
    ),
  );
}

export function useRemoveMember(workspaceId: number) {
  return useChange(["principals"], (user_name: string) =>
    data(
      api.DELETE("/api/openlake/1.0/workspaces/{workspace_id}/members/{user_name}", {
        params: { path: { workspace_id: workspaceId, user_name } },
      }),
    ),
  );
}

const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

export function useCreateGroup() {
  return useChange(["principals"], (displayName: string) =>
    data(
      api.POST("/api/2.0/preview/scim/v2/Groups", {
        body: body({ schemas: [GROUP], displayName }),
      }),
    ),
  );
}

export function useDeleteGroup() {
  return useChange(["principals"], (group_id: string) =>
    data(
      api.DELETE("/api/2.0/preview/scim/v2/Groups/{group_id}", { params: { path: { group_id } } }),
    ),
  );
}

/** Put a principal into a group, or take it out. */
export function useChangeGroup() {
  return useChange(
    ["principals"],
    ({ groupId, add, remove }: { groupId: string; add?: string; remove?: string }) =>
      data(
        api.PATCH("/api/2.0/preview/scim/v2/Groups/{group_id}", {
          params: { path: { group_id: groupId } },
          body: {
            schemas: [PATCH],
            Operations: add
              ? [{ op: "add", path: "members", value: [{ value: add }] }]
              : [{ op: "remove", path: `members[value eq "${remove}"]` }],
          },
        }),
      ),
  );
}
