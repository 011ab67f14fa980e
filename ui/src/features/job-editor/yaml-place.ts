import { JOB_SCHEMA, type JsonSchema, type Resolved, resolve } from "@/lib/job-schema";

/** Where the cursor stands in a YAML text, also in one that is being written and cannot be read yet. */
export interface YamlPlace {
  /** The mapping that the line belongs to; `[]` is an entry of a list. */
  path: string[];
  /** Column at which the mapping's keys stand. */
  column: number;
  /** The key of the line, when the cursor is behind its colon. */
  key: string | null;
  /** What is written of the key or value up to the cursor. */
  written: string;
}

const LINE = /^(\s*)((?:- +)*)(?:(["']?)([\w.-]+)\3\s*:(?=\s|$)\s*)?/;

interface Line {
  /** Column of each dash, outermost first. */
  dashes: number[];
  /** Column at which the content begins. */
  column: number;
  key: string | null;
  /** Where the value begins. */
  value: number;
  blank: boolean;
}

function read(text: string): Line {
  const bare = text.replace(/^(\s*)-$/, "$1- ");
  const found = LINE.exec(bare);
  const indent = found?.[1]?.length ?? 0;
  const markers = found?.[2] ?? "";
  const dashes = [...markers.matchAll(/-/g)].map((dash) => indent + (dash.index ?? 0));
  return {
    dashes,
    column: indent + markers.length,
    key: found?.[4] ?? null,
    value: found?.[0].length ?? 0,
    blank: bare.trim() === "" || bare.trimStart().startsWith("#"),
  };
}

/** Say where an offset of the text stands. Only block style is understood: `key: value`, a line each. */
export function placeAt(text: string, offset: number): YamlPlace {
  const before = text.slice(0, offset).split("\n");
  const current = before.pop() ?? "";
  const line = read(current);
  const behindColon = line.key !== null && current.length >= line.value;
  const path: string[] = [];
  let column = line.column;
  for (const dash of [...line.dashes].reverse()) {
    path.unshift("[]");
    column = dash;
  }
  // A list may stand in the same column as the key that it belongs to.
  let inList = line.dashes.length > 0;
  for (const each of before.reverse()) {
    const above = read(each);
    if (above.blank) continue;
    const dash = above.dashes.at(-1);
    if (above.key !== null && (above.column < column || (inList && above.column === column))) {
      const isSibling = inList && dash !== undefined && above.column > column;
      if (!isSibling) {
        path.unshift(above.key);
        column = above.column;
        inList = false;
      }
    }
    for (const place of [...above.dashes].reverse()) {
      if (place >= column) continue;
      path.unshift("[]");
      column = place;
      inList = true;
    }
  }
  const start = behindColon ? line.value : line.column;
  return {
    path,
    column: line.column,
    key: behindColon ? line.key : null,
    written: current.slice(start),
  };
}

/** The schema of what is at a path; undefined when nothing is known of it. */
export function schemaAt(path: string[]): Resolved | undefined {
  let schema: Resolved | undefined = resolve(JOB_SCHEMA);
  for (const step of path) {
    if (!schema) return undefined;
    const inner: JsonSchema | undefined = step === "[]" ? schema.items : propertyOf(schema, step);
    schema = inner && resolve(inner);
  }
  return schema;
}

function propertyOf(schema: Resolved, name: string): JsonSchema | undefined {
  const free = schema.additionalProperties;
  return schema.properties?.[name] ?? (typeof free === "object" ? free : undefined);
}
