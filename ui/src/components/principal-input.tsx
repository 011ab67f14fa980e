import { useQuery } from "@tanstack/react-query";
import { type ComponentProps, useId } from "react";
import { groupsQuery, membersQuery } from "@/api/principals";
import { useSession } from "@/api/sessions";
import { Input } from "./form";

/** What is known of a principal by its name. */
export type PrincipalKind = "user" | "service_principal" | "group";

/** Return which kind of principal each name of the workspace is. */
export function usePrincipals(): Map<string, PrincipalKind> {
  const { workspace_id } = useSession();
  const { data: members = [] } = useQuery(membersQuery(workspace_id));
  const { data: groups = [] } = useQuery(groupsQuery);
  return new Map<string, PrincipalKind>([
    ...members.map((each) => [each.user_name, each.kind as PrincipalKind] as const),
    ...groups.map((each) => [each.name, "group"] as const),
  ]);
}

/** The name of a user, service principal or group, with those of the workspace to choose from. */
export function PrincipalInput(props: ComponentProps<"input">) {
  const names = useId();
  const principals = usePrincipals();
  return (
    <>
      <Input placeholder="A user, group or service principal" {...props} list={names} />
      <datalist id={names}>
        {[...principals].map(([name, kind]) => (
          <option key={name} value={name}>
            {kind.replace("_", " ")}
          </option>
        ))}
      </datalist>
    </>
  );
}
