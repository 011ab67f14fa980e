import { queryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";
import { useChange } from "./use-change";

export type Grant = Schema["PrincipalPermissions"];
export type AccessControl = Schema["AccessControl"];

/** An object as the permissions API names it: `jobs`, `1`. */
export interface ObjectRef {
  type: string;
  id: string;
}

function path({ type, id }: ObjectRef) {
  return { params: { path: { object_type: type, object_id: id } } };
}

/** Who may do what with an object, what it inherits included. */
export function permissionsQuery(object: ObjectRef) {
  return queryOptions({
    queryKey: ["permissions", object.type, object.id],
    queryFn: async () =>
      (await data(api.GET("/api/2.0/permissions/{object_type}/{object_id}", path(object))))
        .access_control_list,
  });
}

/** The levels an object can be given on, weakest first. */
export function levelsQuery(object: ObjectRef) {
  return queryOptions({
    queryKey: ["permissions", "levels", object.type, object.id],
    queryFn: async () =>
      (
        await data(
          api.GET("/api/2.0/permissions/{object_type}/{object_id}/permissionLevels", path(object)),
        )
      ).permission_levels,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Replace what is given directly on an object; what it inherits stays. */
export function useSetPermissions(object: ObjectRef) {
  return useChange(
    ["permissions", object.type, object.id],
    (access_control_list: AccessControl[]) =>
      data(
        api.PUT("/api/2.0/permissions/{object_type}/{object_id}", {
          ...path(object),
          body: { access_control_list },
        }),
      ),
  );
}

/** Return what is given directly, as it would be sent back unchanged. */
export function directGrants(grants: Grant[]): AccessControl[] {
  return grants.flatMap((grant) =>
    grant.all_permissions
      .filter((permission) => !permission.inherited)
      .map(({ permission_level }) => ({
        ...(grant.user_name && { user_name: grant.user_name }),
        ...(grant.group_name && { group_name: grant.group_name }),
        ...(grant.service_principal_name && {
          service_principal_name: grant.service_principal_name,
        }),
        permission_level,
      })),
  );
}
