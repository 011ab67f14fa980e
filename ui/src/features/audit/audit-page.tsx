import { useInfiniteQuery } from "@tanstack/react-query";
import { FileClock } from "lucide-react";
import { useState } from "react";
import { type AuditEntry, type AuditFilter, auditQuery } from "@/api/audit";
import { Button } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Field, Input } from "@/components/form";
import { Dialog } from "@/components/overlay";
import { Page } from "@/components/page";
import { Facts, Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";
import { Time } from "@/components/time";

interface AuditPageProps {
  filter: AuditFilter;
  onFilter: (filter: AuditFilter) => void;
}

const COLUMNS: Column<AuditEntry>[] = [
  {
    id: "at",
    header: "When",
    cell: (entry) => <Time at={Date.parse(entry.at)} as="instant" />,
    width: "11rem",
  },
  { id: "actor", header: "Who", cell: (entry) => entry.actor },
  {
    id: "action",
    header: "Did",
    cell: (entry) => <code className="font-mono text-xs">{entry.action}</code>,
  },
  {
    id: "object",
    header: "To",
    cell: (entry) => (
      <span className="break-all">
        {entry.object_type} <span className="text-ink-soft">{entry.object_id}</span>
      </span>
    ),
  },
];

/** The audit trail, searched by who, what, to which object and when. */
export function AuditPage({ filter, onFilter }: AuditPageProps) {
  const [chosen, setChosen] = useState<AuditEntry | null>(null);
  const query = useInfiniteQuery(auditQuery(filter));
  const isFiltered = Object.values(filter).some(Boolean);
  return (
    <Page
      title="Audit"
      lead="Every change, who made it and when. Entries can be added, never changed."
    >
      <FilterForm key={JSON.stringify(filter)} filter={filter} onFilter={onFilter} />
      <Panel flush>
        <QueryView query={query}>
          {(found) => (
            <DataTable
              label="Audit trail"
              rows={found.pages.flatMap((page) => page.entries ?? [])}
              columns={COLUMNS}
              rowKey={(entry) => String(entry.audit_id)}
              onOpen={setChosen}
              onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
              loadingMore={query.isFetchingNextPage}
              empty={
                <EmptyState
                  icon={FileClock}
                  title={isFiltered ? "Nothing of the kind was done" : "Nothing was done yet"}
                  action={
                    isFiltered && <Button onClick={() => onFilter({})}>Clear the filter</Button>
                  }
                />
              }
            />
          )}
        </QueryView>
      </Panel>
      <Dialog
        open={chosen !== null}
        onOpenChange={() => setChosen(null)}
        title={chosen?.action}
        wide
      >
        {chosen && <Entry entry={chosen} />}
      </Dialog>
    </Page>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  return (
    <div className="flex flex-col gap-4">
      <Facts
        items={[
          ["When", <Time key="at" at={Date.parse(entry.at)} as="instant" />],
          ["Who", entry.actor],
          ["Object", `${entry.object_type} ${entry.object_id}`],
          [
            "Request",
            <code key="request" className="font-mono text-xs">
              {entry.request_id || "–"}
            </code>,
          ],
        ]}
      />
      <pre className="max-h-96 overflow-auto rounded-md bg-sunken p-3 font-mono text-xs">
        {JSON.stringify(entry.details, null, 2)}
      </pre>
    </div>
  );
}

const FIELDS: { name: keyof AuditFilter; label: string; placeholder?: string; type?: string }[] = [
  { name: "actor", label: "Who", placeholder: "user@example.com" },
  { name: "action", label: "Action", placeholder: "job.created" },
  { name: "object_type", label: "Kind of object", placeholder: "job" },
  { name: "object_id", label: "Object" },
  { name: "since", label: "From", type: "datetime-local" },
  { name: "until", label: "Until", type: "datetime-local" },
];

function FilterForm({ filter, onFilter }: AuditPageProps) {
  function submit(form: FormData): void {
    const next: AuditFilter = {};
    for (const { name, type } of FIELDS) {
      const value = String(form.get(name) ?? "").trim();
      if (value) Object.assign(next, { [name]: type ? Date.parse(value) : value });
    }
    onFilter(next);
  }
  return (
    <form action={submit} className="flex flex-wrap items-end gap-3">
      {FIELDS.map(({ name, label, placeholder, type }) => (
        <Field key={name} label={label} className={type ? "w-48" : "w-40"}>
          {({ id }) => (
            <Input
              id={id}
              name={name}
              type={type}
              placeholder={placeholder}
              defaultValue={
                typeof filter[name] === "number" ? localInput(filter[name]) : filter[name]
              }
            />
          )}
        </Field>
      ))}
      <Button type="submit" kind="primary">
        Search
      </Button>
      <Button kind="quiet" onClick={() => onFilter({})}>
        Clear
      </Button>
    </form>
  );
}

/** An instant as the browser's input for date and time wants it, in the user's zone. */
function localInput(at: number): string {
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
