/** Reads SQL as far as an editor must: statements, parameters, tables; pure, and never wrong about quotes and comments. */

export interface Span {
  from: number;
  to: number;
}

export interface SqlStatement extends Span {
  text: string;
}

type Kind = "word" | "quoted" | "comment" | "space" | "semicolon" | "marker" | "other";

interface Token extends Span {
  kind: Kind;
  text: string;
}

const TOKEN =
  /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`[^`]*(?:`|$)|\$(\w*)\$[\s\S]*?(?:\$\3\$|$))|(;)|(::)|(:[A-Za-z_]\w*)|(\w+)|(\s+)|([\s\S])/g;
const KINDS: [number, Kind][] = [
  [1, "comment"],
  [2, "quoted"],
  [4, "semicolon"],
  [5, "other"],
  [6, "marker"],
  [7, "word"],
  [8, "space"],
];

function tokens(text: string): Token[] {
  return Array.from(text.matchAll(TOKEN), (found) => ({
    kind: KINDS.find(([group]) => found[group] !== undefined)?.[1] ?? "other",
    text: found[0],
    from: found.index,
    to: found.index + found[0].length,
  }));
}

export interface SqlWord {
  kind: "keyword" | "quoted" | "number" | "comment" | "plain";
  text: string;
  from: number;
}

/** The words that SQL is made of, in lower case. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  `select from where group by order having limit offset join inner left right full outer cross on using
  as and or not in is null between like ilike exists case when then else end distinct union all
  intersect except with recursive insert into values update set delete merge matched create replace
  table view schema drop alter add column rename to if cast try_cast asc desc nulls first last over
  partition rows range window qualify lateral unnest natural explain describe show truncate`.split(
    /\s+/,
  ),
);

/** A text in pieces that are coloured alike; together they are the text. */
export function sqlWords(text: string): SqlWord[] {
  const found: SqlWord[] = [];
  for (const token of tokens(text)) {
    const kind = wordKind(token);
    const last = found.at(-1);
    if (last?.kind === kind) last.text += token.text;
    else found.push({ kind, text: token.text, from: token.from });
  }
  return found;
}

function wordKind(token: Token): SqlWord["kind"] {
  if (token.kind === "comment" || token.kind === "quoted") return token.kind;
  if (token.kind !== "word") return "plain";
  if (/^\d/.test(token.text)) return "number";
  return KEYWORDS.has(token.text.toLowerCase()) ? "keyword" : "plain";
}

/** The statements of a script, without the semicolons between them; each knows where it stands. */
export function splitStatements(script: string): SqlStatement[] {
  const found: SqlStatement[] = [];
  let span: Span | null = null;
  function close(): void {
    if (span) found.push({ ...span, text: script.slice(span.from, span.to) });
    span = null;
  }
  for (const token of tokens(script)) {
    if (token.kind === "semicolon") close();
    else if (token.kind !== "space" && token.kind !== "comment")
      span = { from: (span as Span | null)?.from ?? token.from, to: token.to };
  }
  close();
  return found;
}

/** The statement at a place of the script: the one around it, else the last one before it. */
export function statementAt(script: string, place: number): SqlStatement | undefined {
  const all = splitStatements(script);
  return all.find((each) => place <= each.to + 1) ?? all.at(-1);
}

/** The names of the `:name` markers in a text, each once, in their order. */
export function parameterNames(text: string): string[] {
  const names = new Set<string>();
  let before: Token | undefined;
  for (const token of tokens(text)) {
    // Directly behind a name or a bracket a colon is an operator: a slice, a path into JSON.
    const operator =
      before?.kind === "word" || before?.kind === "quoted" || /[)\]}]/.test(before?.text ?? "");
    if (token.kind === "marker" && !operator) names.add(token.text.slice(1));
    before = token;
  }
  return [...names];
}

export interface TableUse {
  /** Parts of its name, without quotes: one to three. */
  path: string[];
  alias?: string;
}

const NAME = String.raw`(?:\w+|"[^"]+"|\x60[^\x60]+\x60)`;
const USE = new RegExp(
  String.raw`\b(?:from|join|into|update|table)\s+(${NAME}(?:\.${NAME}){0,2})(?:\s+(?:as\s+)?(${NAME}))?`,
  "gi",
);
const MORE = new RegExp(
  String.raw`^\s*,\s*(${NAME}(?:\.${NAME}){0,2})(?:\s+(?:as\s+)?(${NAME}))?`,
  "i",
);
const NO_ALIAS =
  /^(?:where|join|inner|left|right|full|cross|on|using|group|order|having|limit|union|intersect|except|set|values|select|natural|lateral|window|qualify|offset|fetch|tablesample|asof|semi|anti|as|when)$/i;

/** The tables that a statement names behind FROM, JOIN, INTO, UPDATE and TABLE, with their aliases. */
export function tablesIn(statement: string): TableUse[] {
  const plain = tokens(statement)
    .map((token) => {
      const hidden =
        token.kind === "comment" || (token.kind === "quoted" && /^['$]/.test(token.text));
      return hidden ? " ".repeat(token.text.length) : token.text;
    })
    .join("");
  const found: TableUse[] = [];
  for (const use of plain.matchAll(USE)) {
    found.push(usage(use));
    let rest = plain.slice(use.index + use[0].length);
    for (let more = MORE.exec(rest); more; more = MORE.exec(rest)) {
      found.push(usage(more));
      rest = rest.slice(more[0].length);
    }
  }
  return found;
}

function usage(found: RegExpMatchArray): TableUse {
  const alias = found[2];
  return {
    path: pathOf(found[1] ?? ""),
    ...(alias && !NO_ALIAS.test(alias) ? { alias: unquoted(alias) } : {}),
  };
}

/** `a."b c"` as its parts. */
export function pathOf(text: string): string[] {
  return (text.match(new RegExp(NAME, "g")) ?? []).map(unquoted);
}

function unquoted(name: string): string {
  return /^["`]/.test(name) ? name.slice(1, -1) : name;
}

/** A name as SQL takes it: in quotes when it is no plain word. */
export function quotedName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

const DUCKDB_PLACE = /LINE (\d+): (.*)\n( *)\^/;
const TRINO_PLACE = /\bline (\d+):(\d+)/;

/**
 * Where in a statement an engine's message points, if it does.
 *
 * DuckDB shows the line, perhaps cut at both ends, with a caret below; Trino names line and column.
 */
export function errorPlace(message: string, statement: string): Span | null {
  const shown = DUCKDB_PLACE.exec(message);
  if (shown) {
    const [, number = "1", line = "", indent = ""] = shown;
    const head = line.startsWith("...") ? 3 : 0;
    const [excerpt, within] = asWritten(
      line.slice(head).replace(/\.\.\.$/, ""),
      indent.length - `LINE ${number}: `.length - head,
    );
    const start = lineStart(statement, Number(number));
    const near = start < 0 ? -1 : statement.indexOf(excerpt, start);
    const at = near >= 0 ? near : statement.indexOf(excerpt);
    return at < 0 || within < 0 ? null : wordAt(statement, at + within);
  }
  const told = TRINO_PLACE.exec(message);
  if (!told) return null;
  const start = lineStart(statement, Number(told[1]));
  return start < 0 ? null : wordAt(statement, start + Number(told[2]) - 1);
}

const BOUND = /CAST\(\$(\w+) AS [A-Z]+(?:\(\d+,\d+\))?\)|\$(\w+)/g;

/** An excerpt as it was before its markers were bound, and the place in it that is meant. */
function asWritten(excerpt: string, place: number): [string, number] {
  let within = place;
  const text = excerpt.replace(BOUND, (bound, cast, bare, at: number) => {
    const marker = `:${cast ?? bare}`;
    if (at + bound.length <= place) within -= bound.length - marker.length;
    else if (at < place) within = at;
    return marker;
  });
  return [text, within];
}

function lineStart(text: string, line: number): number {
  let at = 0;
  for (let number = 1; number < line; number += 1) {
    at = text.indexOf("\n", at) + 1;
    if (at === 0) return -1;
  }
  return at;
}

function wordAt(text: string, place: number): Span {
  const from = Math.min(place, Math.max(0, text.length - 1));
  const word = /^(?:[\w.]+|"[^"]*"|'[^']*')/.exec(text.slice(from));
  return { from, to: Math.min(text.length, from + (word?.[0].length || 1)) };
}
