import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type ScopeAcl, scopeAclsQuery, useDeleteAcl, usePutAcl } from "@/api/secrets";
import { Button } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Select } from "@/components/form";
import { Confirm } from "@/components/overlay";
import { Panel } from "@/components/panel";
import { PrincipalInput } from "@/components/principal-input";
import { QueryView } from "@/components/query-view";
import { ErrorNote } from "@/components/states";

const LEVELS = [
  { value: "READ", label: "Read", hint: "Use the values in tasks" },
  { value: "WRITE", label: "Write", hint: "Store and delete secrets as well" },
  { value: "MANAGE", label: "Manage", hint: "Give and take access as well" },
];

/** Who may use a scope, and how. */
export function ScopeAccess({ scope }: { scope: string }) {
  const query = useQuery(scopeAclsQuery(scope));
  const put = usePutAcl();
  const remove = useDeleteAcl();
  const [principal, setPrincipal] = useState("");
  const [level, setLevel] = useState("READ");
  const columns: Column<ScopeAcl>[] = [
    {
      id: "principal",
      header: "Who",
      cell: (item) => item.principal,
      sort: (item) => item.principal,
    },
    {
      id: "permission",
      header: "May",
      cell: (item) =>
        LEVELS.find((each) => each.value === item.permission)?.label ?? item.permission,
    },
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      align: "right",
      cell: (item) => (
        <Confirm
          trigger={
            <Button size="small" kind="danger" aria-label={`Remove access of ${item.principal}`}>
              Remove
            </Button>
          }
          title={`Take access from ${item.principal}?`}
          action="Remove"
          onConfirm={() => remove.mutateAsync({ scope, principal: item.principal })}
        >
          Their tasks that use secrets of this scope fail from now on.
        </Confirm>
      ),
    },
  ];
  function submit(event: FormEvent): void {
    event.preventDefault();
    put.mutate(
      { scope, principal: principal.trim(), permission: level as ScopeAcl["permission"] },
      { onSuccess: () => setPrincipal("") },
    );
  }
  return (
    <Panel title="Access" flush>
      <QueryView query={query}>
        {(items) => (
          <DataTable
            label={`Access to ${scope}`}
            rows={items}
            columns={columns}
            rowKey={(item) => item.principal}
          />
        )}
      </QueryView>
      <form
        onSubmit={submit}
        className="flex flex-wrap items-center gap-2 border-t border-line p-3"
      >
        <div className="w-72">
          <PrincipalInput
            aria-label="Give access to"
            value={principal}
            onChange={(event) => setPrincipal(event.target.value)}
          />
        </div>
        <Select label="Level" value={level} onChange={setLevel} options={LEVELS} className="w-36" />
        <Button type="submit" disabled={!principal.trim()} busy={put.isPending}>
          Give access
        </Button>
        <ErrorNote error={put.error} className="w-full" />
      </form>
    </Panel>
  );
}
