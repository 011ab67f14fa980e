import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import {
  ChevronRight,
  Database,
  Eye,
  FolderClosed,
  HardDrive,
  type LucideIcon,
  RefreshCw,
  Table2,
} from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { volumesQuery } from "@/api/catalog";
import {
  catalogNamesQuery,
  schemaNamesQuery,
  tableNamesQuery,
  tableSearchQuery,
} from "@/api/catalog-names";
import { IconButton } from "@/components/button";
import { SearchBox } from "@/components/form";
import { messageOf, Skeleton } from "@/components/states";
import { cx } from "@/lib/cx";
import { useDebounced } from "@/lib/use-debounced";
import { actOf, flatten, type Item, type Kind, pathTo, type TreeRow } from "./tree-model";

const KEPT = "openlake.catalog.open";
const ICONS: Record<Kind, LucideIcon> = {
  catalog: Database,
  schema: FolderClosed,
  table: Table2,
  view: Eye,
  volume: HardDrive,
};
const MOST_FOUND = 200;

/** Every catalog, schema, table and volume; what is below something is asked for when it opens. */
export function CatalogTree({ current }: { current?: string }) {
  const [text, setText] = useState("");
  const wanted = useDebounced(text.trim(), 250);
  const cache = useQueryClient();
  return (
    <nav
      aria-label="Catalog"
      className="flex h-full w-72 shrink-0 flex-col border-r border-line bg-surface"
    >
      <div className="flex items-center gap-1 p-3 pb-2">
        <SearchBox
          value={text}
          onChange={setText}
          label="Search all tables"
          className="w-auto flex-1"
        />
        <IconButton
          label="Look again"
          onClick={() => {
            void cache.invalidateQueries({ queryKey: ["catalog-names"] });
            void cache.invalidateQueries({ queryKey: ["volumes"] });
          }}
        >
          <RefreshCw />
        </IconButton>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-3">
        {wanted ? <Found text={wanted} current={current} /> : <Whole current={current} />}
      </div>
    </nav>
  );
}

function Whole({ current }: { current?: string }) {
  const catalogs = useQuery(catalogNamesQuery);
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(kept);
  useEffect(() => {
    if (current) setExpanded((before) => new Set([...before, ...pathTo(current)]));
  }, [current]);
  useEffect(() => {
    sessionStorage.setItem(KEPT, JSON.stringify([...expanded]));
  }, [expanded]);
  const names = useMemo(() => catalogs.data ?? [], [catalogs.data]);
  // A single catalog is open from the start: nobody wants to click twice for the only thing there.
  useEffect(() => {
    if (names.length === 1) setExpanded((before) => new Set([...before, `catalog:${names[0]}`]));
  }, [names]);
  const openCatalogs = names.filter((name) => expanded.has(`catalog:${name}`));
  const schemas = useQueries({ queries: openCatalogs.map((name) => schemaNamesQuery(name)) });
  const openSchemas = openCatalogs.flatMap((catalog, at) =>
    (schemas[at]?.data ?? [])
      .filter((schema) => expanded.has(`schema:${catalog}.${schema}`))
      .map((schema) => ({ catalog, schema })),
  );
  const tables = useQueries({
    queries: openSchemas.map(({ catalog, schema }) => tableNamesQuery(catalog, schema)),
  });
  const volumes = useQueries({
    queries: openSchemas.map(({ catalog, schema }) => volumesQuery(catalog, schema)),
  });
  const rows = flatten(
    {
      catalogs: names,
      schemas: (catalog) => {
        const found = schemas[openCatalogs.indexOf(catalog)];
        return found?.error ? messageOf(found.error) : found?.data;
      },
      items: (catalog, schema) => {
        const at = openSchemas.findIndex(
          (each) => each.catalog === catalog && each.schema === schema,
        );
        const [listed, kept] = [tables[at], volumes[at]];
        if (listed?.error) return messageOf(listed.error);
        if (!listed?.data) return undefined;
        const items: Item[] = listed.data.map((table) => ({
          kind: table.type === "VIEW" ? "view" : "table",
          name: table.name,
        }));
        return [
          ...items,
          ...(kept?.data ?? []).map((volume): Item => ({ kind: "volume", name: volume.name })),
        ];
      },
    },
    expanded,
  );
  if (catalogs.isPending) return <Skeleton lines={5} />;
  if (catalogs.error) return <p className="p-3 text-sm text-bad">{messageOf(catalogs.error)}</p>;
  return (
    <Tree
      rows={rows}
      current={current}
      onExpand={(id, open) =>
        setExpanded((before) => {
          const after = new Set(before);
          if (open) after.add(id);
          else after.delete(id);
          return after;
        })
      }
    />
  );
}

function kept(): ReadonlySet<string> {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    return new Set(Array.isArray(found) ? found.map(String) : []);
  } catch {
    return new Set();
  }
}

function Found({ text, current }: { text: string; current?: string }) {
  const { data: catalogs = [] } = useQuery(catalogNamesQuery);
  const asked = useQueries({ queries: catalogs.map((name) => tableSearchQuery(name, text)) });
  const found = asked.flatMap((each) => each.data ?? []).slice(0, MOST_FOUND);
  if (asked.some((each) => each.isPending)) return <Skeleton lines={4} />;
  const failed = asked.find((each) => each.error);
  if (found.length === 0)
    return (
      <p className="px-2 py-6 text-center text-sm text-ink-soft">
        {failed ? messageOf(failed.error) : `No table has “${text}” in its name.`}
      </p>
    );
  const rows = found.map(
    (table, at): TreeRow => ({
      id: `table:${table.full_name}`,
      kind: table.type === "VIEW" ? "view" : "table",
      label: `${table.schema}.${table.name}`,
      fullName: table.full_name,
      level: 1,
      place: at + 1,
      size: found.length,
    }),
  );
  return <Tree rows={rows} current={current} onExpand={() => undefined} />;
}

interface TreeProps {
  rows: TreeRow[];
  current?: string;
  onExpand: (id: string, open: boolean) => void;
}

function Tree({ rows, current, onExpand }: TreeProps) {
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const stop =
    rows.find((row) => row.id === focused)?.id ??
    rows.find((row) => row.fullName === current)?.id ??
    rows[0]?.id;

  function open(row: TreeRow): void {
    if (row.expanded !== undefined) onExpand(row.id, !row.expanded || row.fullName !== current);
    void navigate({
      to: "/catalog/$fullName",
      params: { fullName: row.fullName },
      search: row.kind === "volume" ? { volume: true } : {},
    });
  }

  function press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || !stop) return;
    const act = actOf(rows, stop, event.key);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    const row = rows.find((each) => each.id === act.id);
    if (act.do === "expand" || act.do === "collapse") onExpand(act.id, act.do === "expand");
    else if (act.do === "open" && row) open(row);
    else {
      setFocused(act.id);
      box.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(act.id)}"]`)?.focus();
    }
  }

  return (
    <div ref={box} role="tree" aria-label="Catalogs, schemas and tables" onKeyDown={press}>
      {rows.map((row) => (
        <Row
          key={row.id}
          row={row}
          selected={row.fullName === current}
          stop={row.id === stop}
          onFocus={() => setFocused(row.id)}
          onOpen={() => open(row)}
          onToggle={() => onExpand(row.id, !row.expanded)}
        />
      ))}
    </div>
  );
}

interface RowProps {
  row: TreeRow;
  selected: boolean;
  stop: boolean;
  onFocus: () => void;
  onOpen: () => void;
  onToggle: () => void;
}

function Row({ row, selected, stop, onFocus, onOpen, onToggle }: RowProps) {
  const Icon = ICONS[row.kind];
  const inset = 4 + (row.level - 1) * 16;
  return (
    <>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys of all of its rows */}
      <div
        role="treeitem"
        data-row={row.id}
        aria-level={row.level}
        aria-posinset={row.place}
        aria-setsize={row.size}
        aria-expanded={row.expanded}
        aria-selected={selected}
        tabIndex={stop ? 0 : -1}
        title={row.fullName}
        onFocus={onFocus}
        onClick={onOpen}
        style={{ paddingLeft: inset }}
        className={cx(
          "flex h-7.5 cursor-pointer items-center gap-1.5 rounded-md pr-2 text-sm hover:bg-sunken",
          selected && "bg-accent-soft font-medium text-accent hover:bg-accent-soft",
        )}
      >
        {row.expanded === undefined ? (
          <span className="w-4 shrink-0" />
        ) : (
          // biome-ignore lint/a11y/noStaticElementInteractions: by key it is the arrows of the tree
          // biome-ignore lint/a11y/useKeyWithClickEvents: see above
          <span
            className="shrink-0 rounded text-ink-faint hover:text-ink"
            onClick={(event) => {
              event.stopPropagation();
              onToggle();
            }}
          >
            <ChevronRight
              aria-hidden
              className={cx("size-4 transition-transform", row.expanded && "rotate-90")}
            />
          </span>
        )}
        <Icon
          aria-hidden
          className={cx("size-4 shrink-0", selected ? "text-accent" : "text-ink-faint")}
        />
        <span className="min-w-0 truncate">{row.label}</span>
      </div>
      {row.note && (
        <p
          role="presentation"
          className="truncate py-1 text-xs text-ink-faint"
          style={{ paddingLeft: inset + 42 }}
        >
          {row.note}
        </p>
      )}
    </>
  );
}
