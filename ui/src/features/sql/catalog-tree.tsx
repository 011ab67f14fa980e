import { useQuery } from "@tanstack/react-query";
import { ChevronRight, Database, Eye, Folder, RefreshCw, Table2 } from "lucide-react";
import { type ReactNode, useDeferredValue, useState } from "react";
import {
  catalogNamesQuery,
  columnNamesQuery,
  schemaNamesQuery,
  type TableName,
  tableNamesQuery,
  tableSearchQuery,
} from "@/api/catalog-names";
import { queryClient } from "@/api/query-client";
import { IconButton } from "@/components/button";
import { SearchBox } from "@/components/form";
import { messageOf } from "@/components/states";
import { cx } from "@/lib/cx";
import { formatCount } from "@/lib/numbers";
import { quotedName } from "@/lib/sql-text";

const MOST = 300;

/** Everything that can be queried, opened level by level; a click writes the name into the text. */
export function CatalogTree({ onInsert }: { onInsert: (text: string) => void }) {
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search.trim());
  const catalogs = useQuery(catalogNamesQuery);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex items-center gap-1 p-2">
        <SearchBox
          value={search}
          onChange={setSearch}
          label="Find a table"
          className="w-full min-w-0 flex-1"
        />
        <IconButton
          label="Read the catalog again"
          onClick={() => void queryClient.invalidateQueries({ queryKey: ["catalog-names"] })}
        >
          <RefreshCw />
        </IconButton>
      </div>
      <ul aria-label="Catalogs" className="min-h-0 flex-1 overflow-auto px-1.5 pb-3 text-[13px]">
        {wanted
          ? catalogs.data?.map((catalog) => (
              <Found key={catalog} catalog={catalog} text={wanted} onInsert={onInsert} />
            ))
          : catalogs.data?.map((catalog) => (
              <Catalog
                key={catalog}
                catalog={catalog}
                onInsert={onInsert}
                open={catalogs.data.length === 1}
              />
            ))}
        <Told query={catalogs} none="There are no catalogs." depth={0} />
      </ul>
    </div>
  );
}

interface NodeProps {
  depth: number;
  icon: ReactNode;
  label: string;
  hint?: string;
  open: boolean;
  onToggle: () => void;
  /** Written into the text by a click on the name. */
  insert?: string;
  onInsert: (text: string) => void;
  children: ReactNode;
}

function Node({ depth, icon, label, hint, open, onToggle, insert, onInsert, children }: NodeProps) {
  return (
    <li>
      <div
        className="group flex h-7 items-center rounded hover:bg-sunken"
        style={{ paddingLeft: depth * 14 }}
      >
        <button
          type="button"
          aria-expanded={open}
          aria-label={`${open ? "Close" : "Open"} ${label}`}
          onClick={onToggle}
          className="flex size-7 shrink-0 items-center justify-center text-ink-faint hover:text-ink"
        >
          <ChevronRight
            aria-hidden
            className={cx("size-3.5 transition-transform", open && "rotate-90")}
          />
        </button>
        <button
          type="button"
          title={insert ? `${label}: click to write it` : label}
          onClick={() => (insert ? onInsert(insert) : onToggle())}
          className="flex min-w-0 flex-1 items-center gap-1.5 text-left [&_svg]:size-3.5 [&_svg]:shrink-0 [&_svg]:text-ink-faint"
        >
          {icon}
          <span className="truncate">{label}</span>
          {hint && (
            <span className="ml-auto truncate pr-1.5 pl-2 text-xs text-ink-faint">{hint}</span>
          )}
        </button>
      </div>
      {open && <ul>{children}</ul>}
    </li>
  );
}

function Catalog({
  catalog,
  open: first,
  onInsert,
}: {
  catalog: string;
  open: boolean;
  onInsert: (text: string) => void;
}) {
  const [open, setOpen] = useState(first);
  const schemas = useQuery({ ...schemaNamesQuery(catalog), enabled: open });
  return (
    <Node
      depth={0}
      icon={<Database aria-hidden />}
      label={catalog}
      open={open}
      onToggle={() => setOpen(!open)}
      onInsert={onInsert}
    >
      {schemas.data?.map((schema) => (
        <SchemaNode key={schema} catalog={catalog} schema={schema} onInsert={onInsert} />
      ))}
      <Told query={schemas} none="No schemas yet." depth={1} />
    </Node>
  );
}

function SchemaNode({
  catalog,
  schema,
  onInsert,
}: {
  catalog: string;
  schema: string;
  onInsert: (text: string) => void;
}) {
  const [open, setOpen] = useState(false);
  const tables = useQuery({ ...tableNamesQuery(catalog, schema), enabled: open });
  return (
    <Node
      depth={1}
      icon={<Folder aria-hidden />}
      label={schema}
      open={open}
      onToggle={() => setOpen(!open)}
      onInsert={onInsert}
    >
      {tables.data?.slice(0, MOST).map((table) => (
        <TableNode key={table.full_name} table={table} depth={2} onInsert={onInsert} />
      ))}
      {tables.data && tables.data.length > MOST && (
        <Note depth={2}>{formatCount(tables.data.length - MOST)} more; search for them</Note>
      )}
      <Told query={tables} none="No tables yet." depth={2} />
    </Node>
  );
}

function Found({
  catalog,
  text,
  onInsert,
}: {
  catalog: string;
  text: string;
  onInsert: (text: string) => void;
}) {
  const tables = useQuery(tableSearchQuery(catalog, text));
  return (
    <>
      {tables.data?.slice(0, MOST).map((table) => (
        <TableNode
          key={table.full_name}
          table={table}
          depth={0}
          hint={table.schema}
          onInsert={onInsert}
        />
      ))}
      <Told query={tables} none={`No table in ${catalog} has “${text}” in its name.`} depth={0} />
    </>
  );
}

function TableNode({
  table,
  depth,
  hint,
  onInsert,
}: {
  table: TableName;
  depth: number;
  hint?: string;
  onInsert: (text: string) => void;
}) {
  const [open, setOpen] = useState(false);
  const columns = useQuery({ ...columnNamesQuery(table.full_name), enabled: open });
  return (
    <Node
      depth={depth}
      icon={table.type === "VIEW" ? <Eye aria-hidden /> : <Table2 aria-hidden />}
      label={table.name}
      hint={hint}
      open={open}
      onToggle={() => setOpen(!open)}
      insert={table.full_name.split(".").map(quotedName).join(".")}
      onInsert={onInsert}
    >
      {columns.data?.map((column) => (
        <li key={column.name}>
          <button
            type="button"
            title={`${column.name}: click to write it`}
            onClick={() => onInsert(quotedName(column.name))}
            style={{ paddingLeft: (depth + 1) * 14 + 26 }}
            className="flex h-7 w-full items-center gap-2 rounded text-left hover:bg-sunken"
          >
            <span className="truncate">{column.name}</span>
            <span className="ml-auto max-w-24 truncate pr-1.5 text-xs text-ink-faint lowercase">
              {column.type}
            </span>
          </button>
        </li>
      ))}
      <Told query={columns} none="No columns." depth={depth + 1} />
    </Node>
  );
}

function Note({ depth, children }: { depth: number; children: ReactNode }) {
  return (
    <li className="py-1 text-xs text-ink-faint" style={{ paddingLeft: depth * 14 + 26 }}>
      {children}
    </li>
  );
}

/** That a level is on its way, empty, or could not be read. */
function Told({
  query,
  none,
  depth,
}: {
  query: { isPending: boolean; error: unknown; data?: unknown[] };
  none: string;
  depth: number;
}) {
  if (query.error) return <Note depth={depth}>{messageOf(query.error)}</Note>;
  if (query.isPending) return <Note depth={depth}>Loading…</Note>;
  return query.data?.length === 0 ? <Note depth={depth}>{none}</Note> : null;
}
