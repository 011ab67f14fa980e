import { useQuery } from "@tanstack/react-query";
import { UserPlus, Users } from "lucide-react";
import { useState } from "react";
import { type Member, membersQuery, useAddMember, useRemoveMember } from "@/api/principals";
import { useSession } from "@/api/sessions";
import { Button } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Checkbox, Field, Input, SearchBox } from "@/components/form";
import { FormDialog } from "@/components/form-dialog";
import { Confirm } from "@/components/overlay";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { ShownOnce } from "@/components/shown-once";
import { EmptyState } from "@/components/states";

/** The users and service principals of the workspace. */
export function People() {
  const session = useSession();
  const query = useQuery(membersQuery(session.workspace_id));
  const remove = useRemoveMember(session.workspace_id);
  const [text, setText] = useState("");
  const [adding, setAdding] = useState(false);
  const [token, setToken] = useState<string | null>(null);
  const columns: Column<Member>[] = [
    {
      id: "name",
      header: "Name",
      cell: (member) => (
        <span className="flex flex-col">
          <span className="font-medium">{member.display_name}</span>
          <span className="text-xs text-ink-soft">{member.user_name}</span>
        </span>
      ),
      sort: (member) => member.display_name,
    },
    { id: "kind", header: "Kind", cell: (member) => kindOf(member), sort: kindOf },
    {
      id: "admin",
      header: "Admin",
      cell: (member) => (member.admin ? "Yes" : "–"),
      sort: (member) => (member.admin ? 0 : 1),
    },
    { id: "active", header: "May sign in", cell: (member) => (member.active ? "Yes" : "No") },
    ...(session.is_admin
      ? [
          {
            id: "actions",
            header: <span className="sr-only">Actions</span>,
            align: "right" as const,
            cell: (member: Member) =>
              member.user_name === session.user_name ? null : (
                <Confirm
                  trigger={
                    <Button size="small" kind="danger" aria-label={`Remove ${member.user_name}`}>
                      Remove
                    </Button>
                  }
                  title={`Remove ${member.display_name}?`}
                  action="Remove"
                  onConfirm={() => remove.mutateAsync(member.user_name)}
                >
                  Tokens of {member.user_name} end at once. Jobs that run as {member.display_name}{" "}
                  cannot run until they name somebody else.
                </Confirm>
              ),
          },
        ]
      : []),
  ];
  return (
    <Panel
      className="mt-4"
      flush
      title={<SearchBox value={text} onChange={setText} label="Search people" />}
      actions={
        session.is_admin && (
          <Button size="small" onClick={() => setAdding(true)}>
            <UserPlus aria-hidden />
            Add a person
          </Button>
        )
      }
    >
      <QueryView query={query}>
        {(members) => (
          <DataTable
            label="People"
            rows={members.filter((member) =>
              `${member.user_name} ${member.display_name}`
                .toLowerCase()
                .includes(text.toLowerCase()),
            )}
            columns={columns}
            rowKey={(member) => member.id}
            empty={<EmptyState icon={Users} title="Nobody is called so" />}
          />
        )}
      </QueryView>
      <AddPerson
        open={adding}
        onOpenChange={setAdding}
        onAdded={(value) => {
          setAdding(false);
          setToken(value);
        }}
      />
      <ShownOnce value={token} title="The first token" onDone={() => setToken(null)} />
    </Panel>
  );
}

function kindOf(member: Member): string {
  return member.kind === "user" ? "User" : "Service principal";
}

interface AddPersonProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** With the first token's value, if there is one. */
  onAdded: (token: string | null) => void;
}

function AddPerson({ open, onOpenChange, onAdded }: AddPersonProps) {
  const session = useSession();
  const add = useAddMember(session.workspace_id);
  const [name, setName] = useState("");
  const [shown, setShown] = useState("");
  const [admin, setAdmin] = useState(false);
  function submit(): void {
    add.mutate(
      { user_name: name.trim(), display_name: shown.trim() || undefined, admin, with_token: true },
      {
        onSuccess: (made) => {
          setName("");
          setShown("");
          setAdmin(false);
          onAdded(made.token_value ?? null);
        },
      },
    );
  }
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Add a person"
      lead="They get a first token, which you hand over; they sign in with it."
      action="Add"
      disabled={!name.trim()}
      busy={add.isPending}
      error={add.error}
      onSubmit={submit}
    >
      <Field label="User name" hint="Usually an e-mail address.">
        {(control) => (
          <Input
            {...control}
            autoFocus
            required
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field label="Name to show">
        {(control) => (
          <Input {...control} value={shown} onChange={(event) => setShown(event.target.value)} />
        )}
      </Field>
      <Checkbox
        checked={admin}
        onChange={setAdmin}
        label="An admin of the workspace: may do everything in it"
      />
    </FormDialog>
  );
}
