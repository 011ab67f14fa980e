import { useQuery } from "@tanstack/react-query";
import { Plus, UsersRound, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import {
  type Group,
  groupsQuery,
  membersQuery,
  useChangeGroup,
  useCreateGroup,
  useDeleteGroup,
} from "@/api/principals";
import { useSession } from "@/api/sessions";
import { Button } from "@/components/button";
import { Input, Select } from "@/components/form";
import { Confirm } from "@/components/overlay";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState, ErrorNote } from "@/components/states";
import { plural } from "@/lib/numbers";

const BUILT_IN = ["admins", "users"];

/** Groups with their members; admins change them. */
export function Groups() {
  const { is_admin } = useSession();
  const query = useQuery(groupsQuery);
  const create = useCreateGroup();
  const [name, setName] = useState("");
  function submit(event: FormEvent): void {
    event.preventDefault();
    create.mutate(name.trim(), { onSuccess: () => setName("") });
  }
  return (
    <div className="mt-4 flex flex-col gap-4">
      {is_admin && (
        <form onSubmit={submit} className="flex flex-wrap items-center gap-2">
          <Input
            aria-label="Name of a new group"
            placeholder="Name of a new group"
            className="w-64"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <Button type="submit" disabled={!name.trim()} busy={create.isPending}>
            <Plus aria-hidden />
            Create group
          </Button>
          <ErrorNote error={create.error} className="w-full" />
        </form>
      )}
      <QueryView query={query}>
        {(groups) =>
          groups.length === 0 ? (
            <EmptyState icon={UsersRound} title="There are no groups" />
          ) : (
            <div className="grid gap-4 lg:grid-cols-2">
              {groups.map((group) => (
                <GroupPanel key={group.id} group={group} canChange={is_admin} />
              ))}
            </div>
          )
        }
      </QueryView>
    </div>
  );
}

function GroupPanel({ group, canChange }: { group: Group; canChange: boolean }) {
  const session = useSession();
  const { data: people = [] } = useQuery(membersQuery(session.workspace_id));
  const change = useChangeGroup();
  const remove = useDeleteGroup();
  const inside = new Set(group.members.map((member) => member.id));
  const others = people.filter((person) => !inside.has(person.id));
  const everybody = group.name === "users";
  return (
    <Panel
      title={
        <>
          {group.name}{" "}
          <span className="font-normal text-ink-faint">
            {plural(group.members.length, "member")}
          </span>
        </>
      }
      actions={
        canChange &&
        !BUILT_IN.includes(group.name) && (
          <Confirm
            trigger={
              <Button size="small" kind="danger" aria-label={`Delete the group ${group.name}`}>
                Delete
              </Button>
            }
            title={`Delete the group ${group.name}?`}
            action="Delete"
            onConfirm={() => remove.mutateAsync(group.id)}
          >
            Its members stay; what they may do only by this group, they may no longer.
          </Confirm>
        )
      }
    >
      {everybody ? (
        <p className="text-ink-soft">Everybody of the workspace is in this group.</p>
      ) : (
        <ul className="flex flex-wrap gap-1.5">
          {group.members.map((member) => (
            <li
              key={member.id}
              className="inline-flex items-center gap-1 rounded-full bg-sunken py-0.5 pr-1 pl-2.5 text-xs"
            >
              {member.name}
              {canChange && (
                <button
                  type="button"
                  aria-label={`Take ${member.name} out of ${group.name}`}
                  className="rounded-full p-0.5 text-ink-faint hover:text-bad"
                  onClick={() => change.mutate({ groupId: group.id, remove: member.id })}
                >
                  <X aria-hidden className="size-3" />
                </button>
              )}
            </li>
          ))}
          {group.members.length === 0 && <li className="text-ink-soft">Nobody yet</li>}
        </ul>
      )}
      {canChange && !everybody && others.length > 0 && (
        <Select
          label={`Add somebody to ${group.name}`}
          className="mt-3 w-64"
          value={undefined}
          placeholder="Add somebody…"
          onChange={(id) => change.mutate({ groupId: group.id, add: id })}
          options={others.map((person) => ({
            value: person.id,
            label: person.display_name,
            hint: person.user_name,
          }))}
        />
      )}
      <ErrorNote error={change.error} className="mt-3" />
    </Panel>
  );
}
