import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import {
  type AccessControl,
  directGrants,
  type Grant,
  levelsQuery,
  type ObjectRef,
  permissionsQuery,
  useSetPermissions,
} from "@/api/permissions";
import { Button } from "./button";
import { type Column, DataTable } from "./data-table";
import { Select } from "./form";
import { Panel } from "./panel";
import { PrincipalInput, type PrincipalKind, usePrincipals } from "./principal-input";
import { QueryView } from "./query-view";
import { ErrorNote } from "./states";

interface Line {
  name: string;
  level: string;
  /** Where it comes from; nothing when it is given on the object itself. */
  from?: string;
}

/** Who may do what with an object: what it inherits, and what is given on it, which can be changed. */
export function ObjectPermissions({ object }: { object: ObjectRef }) {
  const query = useQuery(permissionsQuery(object));
  return (
    <Panel title="Who has access" flush>
      <QueryView query={query}>{(grants) => <Grants object={object} grants={grants} />}</QueryView>
    </Panel>
  );
}

function Grants({ object, grants }: { object: ObjectRef; grants: Grant[] }) {
  const { data: levels = [] } = useQuery(levelsQuery(object));
  const principals = usePrincipals();
  const save = useSetPermissions(object);
  const [name, setName] = useState("");
  const [level, setLevel] = useState<string>();
  const direct = directGrants(grants);
  const columns: Column<Line>[] = [
    { id: "name", header: "Who", cell: (line) => line.name },
    {
      id: "level",
      header: "May",
      cell: (line) => <code className="font-mono text-xs">{line.level}</code>,
    },
    {
      id: "from",
      header: "From",
      cell: (line) => line.from ?? <span className="text-ink-faint">This object</span>,
    },
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      align: "right",
      cell: (line) =>
        line.from || line.level === "IS_OWNER" ? null : (
          <Button
            size="small"
            kind="danger"
            aria-label={`Remove ${line.level} of ${line.name}`}
            disabled={save.isPending}
            onClick={() => save.mutate(direct.filter((each) => nameOf(each) !== line.name))}
          >
            Remove
          </Button>
        ),
    },
  ];
  function submit(event: FormEvent): void {
    event.preventDefault();
    const given = givenTo(name.trim(), principals.get(name.trim()), level ?? "");
    const others = direct.filter((each) => nameOf(each) !== name.trim());
    save.mutate([...others, given], { onSuccess: () => setName("") });
  }
  return (
    <>
      <DataTable
        label="Permissions"
        rows={linesOf(grants)}
        columns={columns}
        rowKey={(line) => `${line.name} ${line.level} ${line.from ?? ""}`}
      />
      <form
        onSubmit={submit}
        className="flex flex-wrap items-center gap-2 border-t border-line p-3"
      >
        <div className="w-72">
          <PrincipalInput
            aria-label="Give to"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </div>
        <Select
          label="Level"
          className="w-56"
          value={level}
          placeholder="Level"
          onChange={setLevel}
          options={levels
            .filter((each) => each.permission_level !== "IS_OWNER")
            .map((each) => ({
              value: each.permission_level,
              label: each.permission_level,
              hint: each.description,
            }))}
        />
        <Button type="submit" disabled={!name.trim() || !level} busy={save.isPending}>
          Give
        </Button>
        <ErrorNote error={save.error} className="w-full" />
      </form>
    </>
  );
}

function linesOf(grants: Grant[]): Line[] {
  return grants.flatMap((grant) =>
    grant.all_permissions.map((permission) => ({
      name: grant.user_name ?? grant.group_name ?? grant.service_principal_name ?? "",
      level: permission.permission_level,
      from: permission.inherited
        ? (permission.inherited_from_object?.map(placeOf).join(", ") ?? "above")
        : undefined,
    })),
  );
}

/** `/jobs/` stands for all jobs of the workspace; a path of one object stays what it is. */
function placeOf(path: string): string {
  const kind = /^\/([\w-]+)\/$/.exec(path)?.[1];
  return kind ? `All ${kind.replaceAll("-", " ")}` : path;
}

function nameOf(given: AccessControl): string {
  return given.user_name ?? given.group_name ?? given.service_principal_name ?? "";
}

/** A name that the workspace does not know is sent as a user's: the server says that there is none. */
function givenTo(
  name: string,
  kind: PrincipalKind | undefined,
  permission_level: string,
): AccessControl {
  if (kind === "group") return { group_name: name, permission_level };
  if (kind === "service_principal") return { service_principal_name: name, permission_level };
  return { user_name: name, permission_level };
}
