import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  parseDocument,
  Scalar,
  stringify,
  type YAMLMap,
} from "yaml";
import type { JobSettings } from "@/lib/job-settings";

/** A place in a job's settings: `["tasks", 2, "max_retries"]`. */
export type Path = (string | number)[];

/** One change: the value that a place is to have; undefined takes it out. */
export interface Edit {
  path: Path;
  value: unknown;
}

const READING = { merge: true, prettyErrors: false } as const;

/** The text cannot be changed by the form: it is no YAML, or says it by an anchor. */
export class UneditableError extends Error {
  constructor() {
    super(
      "The form cannot change this place: the YAML says it in a way of its own. Edit it there.",
    );
    this.name = "UneditableError";
  }
}

/** Read a job's settings from YAML; null when it is none, or no mapping. */
export function readYaml(text: string): JobSettings | null {
  const document = parseDocument(text, READING);
  if (document.errors.length > 0) return null;
  try {
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return {};
    return typeof value === "object" && !Array.isArray(value) ? (value as JobSettings) : null;
  } catch {
    return null;
  }
}

/**
 * Change places of a YAML text, and nothing else: comments, order and spelling stay.
 *
 * A value that replaces another is written over it in the text itself. Where something comes or
 * goes, the document is written anew: only then may its white space change.
 */
export function editYaml(text: string, ...edits: Edit[]): string {
  return edits.reduce(editOne, text);
}

function editOne(text: string, { path, value }: Edit): string {
  const document = parseDocument(text, READING);
  if (document.errors.length > 0) throw new UneditableError();
  const spliced = splice(text, document, path, value);
  if (spliced !== null) return spliced;
  try {
    if (value === undefined) remove(document, path);
    else put(document, path, value);
  } catch (error) {
    throw error instanceof UneditableError ? error : new UneditableError();
  }
  return write(document, text);
}

/** Write a plain value over another one in the text; null where that cannot be done. */
function splice(text: string, document: Document, path: Path, value: unknown): string | null {
  if (!isPlain(value)) return null;
  const node = document.getIn(path, true);
  if (!isScalar(node) || !node.range || node.anchor || node.tag) return null;
  if (node.type === Scalar.BLOCK_FOLDED || node.type === Scalar.BLOCK_LITERAL) return null;
  if (node.range[0] === node.range[1]) return null;
  const spelled = spell(value, node);
  if (spelled.includes("\n")) return null;
  const [from, to] = node.range;
  const changed = text.slice(0, from) + spelled + text.slice(to);
  const after = parseDocument(changed, READING);
  if (after.errors.length > 0) return null;
  // Whatever else the words might mean in this place of the text, it must be what was meant.
  document.setIn(path, value);
  return same(after.toJS(), document.toJS()) ? changed : null;
}

function isPlain(value: unknown): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

function spell(value: string | number | boolean, old: Scalar): string {
  if (typeof value === "string") {
    if (old.type === Scalar.QUOTE_DOUBLE) return JSON.stringify(value);
    if (old.type === Scalar.QUOTE_SINGLE) return `'${value.replaceAll("'", "''")}'`;
  }
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function put(document: Document, path: Path, value: unknown): void {
  if (document.contents === null || (isScalar(document.contents) && !document.contents.value))
    document.contents = document.createNode({}) as unknown as typeof document.contents;
  // `tasks:` with nothing behind it is null: what is put below makes it a list or a mapping.
  for (let depth = 1; depth < path.length; depth++) {
    const above = document.getIn(path.slice(0, depth), true);
    if (above === undefined) break;
    if (isScalar(above) && above.value === null) {
      const made = document.createNode(typeof path[depth] === "number" ? [] : {});
      document.setIn(path.slice(0, depth), made);
    } else if (!isCollection(above)) throw new UneditableError();
  }
  const old = document.getIn(path, true);
  const node = document.createNode(value);
  if (isScalar(old) && isScalar(node)) {
    node.comment = old.comment;
    node.commentBefore = old.commentBefore;
  }
  document.setIn(path, node);
}

const KEPT_EMPTY = /_task$/;

/** Take a place out, and what is empty then above it. */
function remove(document: Document, path: Path): void {
  if (!document.hasIn(path)) return;
  keepComment(document, path);
  document.deleteIn(path);
  const above = path.slice(0, -1);
  const owner = document.getIn(above, true);
  const name = String(above.at(-1) ?? "");
  const isEmpty = isCollection(owner) && owner.items.length === 0;
  if (isEmpty && above.length > 0 && typeof above.at(-1) === "string" && !KEPT_EMPTY.test(name))
    remove(document, above);
}

/** A comment at the end of a document's or mapping's first entry belongs to the file: keep it. */
function keepComment(document: Document, path: Path): void {
  const owner = document.getIn(path.slice(0, -1), true);
  if (!isMap(owner)) return;
  const [first, second] = (owner as YAMLMap<Scalar, unknown>).items;
  if (!first || !second || path.length !== 1 || first.key.value !== path.at(-1)) return;
  const about = first.key.commentBefore;
  if (about)
    second.key.commentBefore = [about, second.key.commentBefore].filter(Boolean).join("\n");
}

function write(document: Document, text: string): string {
  return document.toString({
    lineWidth: 0,
    indentSeq: !/^([ ]*)[^\s#-][^\n]*:[ ]*\n\1- /m.test(text),
    flowCollectionPadding: /\{ /.test(text),
    singleQuote: /: '/.test(text) && !/: "/.test(text),
  });
}

/** Write settings as YAML, as the console shows a job that has no text of its own yet. */
export function writeYaml(settings: JobSettings): string {
  return stringify(settings, { lineWidth: 0, defaultStringType: "PLAIN" });
}
