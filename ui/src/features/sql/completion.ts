import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  completeFromList,
  ifNotIn,
} from "@codemirror/autocomplete";
import { PostgreSQL } from "@codemirror/lang-sql";
import { LanguageSupport } from "@codemirror/language";
import {
  catalogNamesQuery,
  columnNamesQuery,
  schemaNamesQuery,
  tableNamesQuery,
} from "@/api/catalog-names";
import { queryClient } from "@/api/query-client";
import { KEYWORDS, pathOf, quotedName, statementAt, type TableUse, tablesIn } from "@/lib/sql-text";

/** Where names without a catalog or schema are looked for. */
export interface Place {
  catalog?: string;
  schema?: string;
}

const PATH = /(?:(?:\w+|"[^"]*"|`[^`]*`)\.)*(?:\w*|"[^"]*|`[^`]*)$/;

const NOT_CODE = ["String", "LineComment", "BlockComment"];

/** What both engines have. */
const FUNCTIONS =
  `abs array_agg avg ceil coalesce concat count current_date current_timestamp date_diff
  date_trunc dense_rank extract first_value floor greatest if lag last_value lead least length lower
  lpad ltrim max min mod now nullif power rank regexp_extract regexp_replace replace round row_number
  rtrim split_part sqrt stddev strpos substring sum trim upper variance`.split(/\s+/);

const WORDS: Completion[] = [
  ...[...KEYWORDS].map((label) => ({ label, type: "keyword", boost: -1 })),
  ...FUNCTIONS.map((label) => ({
    label,
    type: "function",
    detail: "function",
    boost: -2,
    apply: label.startsWith("current_") ? label : `${label}(`,
  })),
];

/** SQL with completion of what there is in the catalogs, asked for as one types and kept. */
export function sqlWithCatalog(place: () => Place): LanguageSupport {
  const { language } = PostgreSQL;
  return new LanguageSupport(language, [
    language.data.of({ autocomplete: ifNotIn(NOT_CODE, completeFromList(WORDS)) }),
    language.data.of({
      autocomplete: ifNotIn(NOT_CODE, (context) => complete(context, place())),
    }),
  ]);
}

async function complete(
  context: CompletionContext,
  place: Place,
): Promise<CompletionResult | null> {
  const written = context.matchBefore(PATH);
  if (!written || (written.text === "" && !context.explicit)) return null;
  const dot = written.text.lastIndexOf(".");
  const parents = dot < 0 ? [] : pathOf(written.text.slice(0, dot));
  const statement = statementAt(context.state.doc.toString(), context.pos);
  const tables = tablesIn(statement?.text ?? "");
  const options = await (parents.length === 0
    ? topNames(tables, place)
    : namesBelow(parents, tables, place));
  if (options.length === 0) return null;
  return {
    from: written.from + dot + 1,
    options,
    validFor: /^(?:\w*|"[^"]*|`[^`]*)$/,
  };
}

/** Columns of the statement's tables, their aliases, tables of the schema, schemas and catalogs. */
async function topNames(tables: TableUse[], place: Place): Promise<Completion[]> {
  const [columns, near, inCatalog, top] = await Promise.all([
    Promise.all(tables.map((table) => columnsOf(table, place))),
    place.catalog && place.schema ? tablesOf(place.catalog, place.schema) : [],
    place.catalog ? schemasOf(place.catalog) : [],
    catalogs(),
  ]);
  const aliases = tables.flatMap((table) =>
    table.alias ? [option(table.alias, "variable", table.path.join("."), 3)] : [],
  );
  return unique([...columns.flat(), ...aliases, ...near, ...inCatalog, ...named(top, "catalog")]);
}

async function namesBelow(
  parents: string[],
  tables: TableUse[],
  place: Place,
): Promise<Completion[]> {
  const [first = "", second = "", third] = parents;
  if (third !== undefined) return columnsOf({ path: parents.slice(0, 3) }, place);
  if (parents.length === 2) {
    if ((await catalogs())?.includes(first)) return tablesOf(first, second);
    return columnsOf({ path: parents }, place);
  }
  const used = tables.find((each) => each.alias === first || each.path.at(-1) === first);
  const [columns, inCatalog, near] = await Promise.all([
    used ? columnsOf(used, place) : [],
    (await catalogs())?.includes(first) ? schemasOf(first) : [],
    place.catalog && (await schemas(place.catalog))?.includes(first)
      ? tablesOf(place.catalog, first)
      : [],
  ]);
  return unique([...columns, ...inCatalog, ...near]);
}

async function columnsOf(table: TableUse, place: Place): Promise<Completion[]> {
  const path = [place.catalog, place.schema].slice(0, 3 - table.path.length).concat(table.path);
  if (path.some((part) => !part)) return [];
  const columns = await known(queryClient.fetchQuery(columnNamesQuery(path.join("."))));
  return (columns ?? []).map((column) => option(column.name, "property", column.type, 4));
}

async function tablesOf(catalog: string, schema: string): Promise<Completion[]> {
  const tables = await known(queryClient.fetchQuery(tableNamesQuery(catalog, schema)));
  return (tables ?? []).map((table) =>
    option(table.name, "class", table.type === "VIEW" ? "view" : "table", 2),
  );
}

async function schemasOf(catalog: string): Promise<Completion[]> {
  return named(await schemas(catalog), "schema");
}

function named(found: string[] | null, what: string): Completion[] {
  return (found ?? []).map((name) => option(name, "namespace", what, 1));
}

/** What is not there, or may not be seen, completes nothing. */
async function known<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch {
    return null;
  }
}

function catalogs(): Promise<string[] | null> {
  return known(queryClient.fetchQuery(catalogNamesQuery));
}

function schemas(catalog: string): Promise<string[] | null> {
  return known(queryClient.fetchQuery(schemaNamesQuery(catalog)));
}

function option(label: string, type: string, detail: string, boost: number): Completion {
  return { label, type, detail, boost, apply: quotedName(label) };
}

function unique(options: Completion[]): Completion[] {
  return [...new Map(options.map((each) => [`${each.type} ${each.label}`, each])).values()];
}
