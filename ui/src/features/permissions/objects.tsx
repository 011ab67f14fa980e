import { useQuery } from "@tanstack/react-query";
import { ShieldCheck } from "lucide-react";
import { type FormEvent, useState } from "react";
import { objectsQuery, TYPES } from "@/api/permission-objects";
import { Button } from "@/components/button";
import { Field, Input, Select } from "@/components/form";
import { ObjectPermissions } from "@/components/object-permissions";
import { Panel } from "@/components/panel";
import { EmptyState } from "@/components/states";
import type { PermissionsSearch } from "./permissions-page";

interface ObjectsProps {
  search: PermissionsSearch;
  onSearch: (search: PermissionsSearch) => void;
}

/** Choose an object, see and change who may do what with it. */
export function Objects({ search, onSearch }: ObjectsProps) {
  const type = search.type ?? "jobs";
  const query = useQuery(objectsQuery(type));
  const objects = query.data ?? [];
  return (
    <div className="mt-4 grid items-start gap-4 md:grid-cols-[18rem_1fr]">
      <Panel title="Object">
        <div className="flex flex-col gap-3">
          <Field label="Kind">
            {({ id }) => (
              <Select
                id={id}
                value={type}
                onChange={(next) => onSearch({ tab: "objects", type: next })}
                options={TYPES.map(({ type: value, name }) => ({ value, label: name }))}
              />
            )}
          </Field>
          {objects.length > 0 && (
            <Field label="Which">
              {({ id }) => (
                <Select
                  id={id}
                  value={search.id}
                  placeholder="Choose…"
                  onChange={(next) => onSearch({ tab: "objects", type, id: next })}
                  options={objects.map((object) => ({ value: object.id, label: object.name }))}
                />
              )}
            </Field>
          )}
          <ById
            key={`${type} ${search.id}`}
            id={search.id}
            onId={(id) => onSearch({ tab: "objects", type, id })}
          />
        </div>
      </Panel>
      {search.id ? (
        <ObjectPermissions object={{ type, id: search.id }} />
      ) : (
        <Panel>
          <EmptyState icon={ShieldCheck} title="Choose an object">
            Jobs, warehouses, queries and others have permissions of their own; folders give theirs
            to what is in them.
          </EmptyState>
        </Panel>
      )}
    </div>
  );
}

function ById({ id, onId }: { id?: string; onId: (id: string) => void }) {
  const [text, setText] = useState(id ?? "");
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (text.trim()) onId(text.trim());
  }
  return (
    <form onSubmit={submit} className="flex items-end gap-2">
      <Field label="Or by id" className="flex-1">
        {(control) => (
          <Input {...control} value={text} onChange={(event) => setText(event.target.value)} />
        )}
      </Field>
      <Button type="submit">Show</Button>
    </form>
  );
}
