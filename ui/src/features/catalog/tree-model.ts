/** The catalog's tree as rows: pure, so that keys and lazy branches can be tested. */

export type Kind = "catalog" | "schema" | "table" | "view" | "volume";

export interface TreeRow {
  /** `<kind>:<full name>` */
  id: string;
  kind: Kind;
  label: string;
  fullName: string;
  level: number;
  /** Undefined for what has nothing below it. */
  expanded?: boolean;
  /** What stands below it instead of children: they are on their way, failed, or there are none. */
  note?: string;
  place: number;
  size: number;
  parent?: string;
}

export interface Item {
  kind: "table" | "view" | "volume";
  name: string;
}

/** What is known of the children of something: the names, or a word about why there are none. */
export type Children<T> = T[] | string | undefined;

export interface Known {
  catalogs: string[];
  schemas: (catalog: string) => Children<string>;
  items: (catalog: string, schema: string) => Children<Item>;
}

/** The rows in sight, from top to bottom. */
export function flatten(known: Known, expanded: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = [];
  known.catalogs.forEach((catalog, at) => {
    const row = add(rows, "catalog", catalog, catalog, 1, at, known.catalogs.length);
    row.expanded = expanded.has(row.id);
    if (!row.expanded) return;
    const schemas = known.schemas(catalog);
    row.note = noteOf(schemas, "No schemas");
    if (!Array.isArray(schemas)) return;
    schemas.forEach((schema, place) => {
      const full = `${catalog}.${schema}`;
      const below = add(rows, "schema", schema, full, 2, place, schemas.length, row.id);
      below.expanded = expanded.has(below.id);
      if (!below.expanded) return;
      const items = known.items(catalog, schema);
      below.note = noteOf(items, "Nothing in it yet");
      if (!Array.isArray(items)) return;
      items.forEach((item, index) => {
        add(rows, item.kind, item.name, `${full}.${item.name}`, 3, index, items.length, below.id);
      });
    });
  });
  return rows;
}

function add(
  rows: TreeRow[],
  kind: Kind,
  label: string,
  fullName: string,
  level: number,
  at: number,
  size: number,
  parent?: string,
): TreeRow {
  const row: TreeRow = {
    id: `${kind}:${fullName}`,
    kind,
    label,
    fullName,
    level,
    place: at + 1,
    size,
    parent,
  };
  rows.push(row);
  return row;
}

function noteOf(children: Children<unknown>, none: string): string | undefined {
  if (children === undefined) return "Loading…";
  if (typeof children === "string") return children;
  return children.length === 0 ? none : undefined;
}

/** What must be expanded so that something is in sight. */
export function pathTo(fullName: string): string[] {
  const [catalog, schema, ...rest] = fullName.split(".");
  if (!schema) return [];
  const found = [`catalog:${catalog}`];
  return rest.length > 0 ? [...found, `schema:${catalog}.${schema}`] : found;
}

export type Act =
  | { do: "go"; id: string }
  | { do: "expand" | "collapse" | "open"; id: string }
  | null;

/** What a key does at a row, as WAI-ARIA's tree pattern has it. */
export function actOf(rows: TreeRow[], id: string, key: string): Act {
  const at = Math.max(
    0,
    rows.findIndex((row) => row.id === id),
  );
  const row = rows[at];
  if (!row) return null;
  const go = (to?: TreeRow): Act => (to ? { do: "go", id: to.id } : null);
  switch (key) {
    case "ArrowDown":
      return go(rows[at + 1]);
    case "ArrowUp":
      return go(rows[at - 1]);
    case "Home":
      return go(rows[0]);
    case "End":
      return go(rows.at(-1));
    case "ArrowRight":
      if (row.expanded === false) return { do: "expand", id: row.id };
      return row.expanded && rows[at + 1]?.parent === row.id ? go(rows[at + 1]) : null;
    case "ArrowLeft":
      if (row.expanded) return { do: "collapse", id: row.id };
      return row.parent ? { do: "go", id: row.parent } : null;
    case "Enter":
    case " ":
      return { do: "open", id: row.id };
    default:
      return key.length === 1 ? go(byLetter(rows, at, key.toLowerCase())) : null;
  }
}

function byLetter(rows: TreeRow[], at: number, letter: string): TreeRow | undefined {
  const fits = (row: TreeRow) => row.label.toLowerCase().startsWith(letter);
  return rows.slice(at + 1).find(fits) ?? rows.slice(0, at).find(fits);
}
