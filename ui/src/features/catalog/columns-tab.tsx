import { KeyRound } from "lucide-react";
import { useState } from "react";
import type { TablePage } from "@/api/catalog";
import type { Schema } from "@/api/client";
import { type Column, DataTable } from "@/components/data-table";
import { SearchBox } from "@/components/form";
import { Panel } from "@/components/panel";
import { EmptyState } from "@/components/states";
import { plural } from "@/lib/numbers";

interface Row {
  path: string;
  depth: number;
  field: Schema["Field"];
  place: number;
}

const SEARCH_FROM = 10;

/** The columns, nested ones below what they are part of. */
export function ColumnsTab({ table }: { table: TablePage }) {
  const [text, setText] = useState("");
  const rows = rowsOf(table.fields);
  const wanted = text.trim().toLowerCase();
  const shown = wanted ? rows.filter((row) => row.path.toLowerCase().includes(wanted)) : rows;
  return (
    <Panel
      flush
      title={plural(table.fields.length, "column")}
      actions={
        rows.length >= SEARCH_FROM && (
          <SearchBox value={text} onChange={setText} label="Search columns" className="w-56" />
        )
      }
    >
      <DataTable
        label="Columns"
        rows={shown}
        columns={columnsOf(table)}
        rowKey={(row) => row.path}
        empty={<EmptyState title={wanted ? "No column is called so" : "No columns"} />}
      />
    </Panel>
  );
}

function rowsOf(fields: Schema["Field"][], above = "", depth = 0): Row[] {
  return fields.flatMap((field, place) => {
    const path = above ? `${above}.${field.name}` : field.name;
    return [{ path, depth, field, place }, ...rowsOf(field.fields ?? [], path, depth + 1)];
  });
}

function columnsOf(table: TablePage): Column<Row>[] {
  return [
    {
      id: "name",
      header: "Name",
      className: "max-w-96",
      cell: ({ field, depth }) => (
        <span
          className="flex items-center gap-2 font-mono text-[13px]"
          style={{ paddingLeft: depth * 18 }}
        >
          <span className="truncate">{field.name}</span>
        </span>
      ),
    },
    {
      id: "type",
      header: "Type",
      className: "max-w-96",
      cell: ({ field }) => (
        <span className="block truncate font-mono text-[13px] text-ink-soft" title={field.type}>
          {field.type}
        </span>
      ),
    },
    {
      id: "null",
      header: "Nullable",
      cell: ({ field }) =>
        field.required ? (
          <span className="font-medium">Never null</span>
        ) : (
          <span className="text-ink-faint">Yes</span>
        ),
    },
    { id: "use", header: "Use", cell: (row) => <Uses table={table} path={row.path} /> },
    {
      id: "comment",
      header: "Comment",
      cell: ({ field }) => <span className="text-ink-soft">{field.doc}</span>,
    },
  ];
}

function Uses({ table, path }: { table: TablePage; path: string }) {
  const uses = [
    ...(table.identifier_fields?.includes(path) ? ["Names a row"] : []),
    ...(table.partition_fields ?? [])
      .filter((each) => each.column === path)
      .map((each) => `Partition${each.transform === "identity" ? "" : ` by ${each.transform}`}`),
    ...(table.sort_fields ?? [])
      .filter((each) => each.column === path)
      .map((each) => `Sorted ${each.direction === "desc" ? "down" : "up"}`),
  ];
  return (
    <span className="flex flex-wrap gap-1">
      {uses.map((use) => (
        <span
          key={use}
          className="inline-flex items-center gap-1 rounded-full bg-accent-soft px-2 py-0.5 text-xs text-accent"
        >
          {use === "Names a row" && <KeyRound aria-hidden className="size-3" />}
          {use}
        </span>
      ))}
    </span>
  );
}
