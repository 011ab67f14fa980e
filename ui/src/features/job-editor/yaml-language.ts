import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { indentWithTab } from "@codemirror/commands";
import { yaml, yamlLanguage } from "@codemirror/lang-yaml";
import { lintGutter } from "@codemirror/lint";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, hoverTooltip, keymap, type Tooltip } from "@codemirror/view";
import { type JsonSchema, type Resolved, resolve } from "@/lib/job-schema";
import { placeAt, schemaAt, type YamlPlace } from "./yaml-place";

/** YAML with what the job's schema knows: fields and values while typing, words on hover. */
export function jobYaml(): Extension {
  return [
    yaml(),
    yamlLanguage.data.of({ autocomplete: complete }),
    hoverTooltip(explain),
    lintGutter(),
    EditorState.tabSize.of(2),
    keymap.of([indentWithTab]),
    tooltips,
  ];
}

const tooltips = EditorView.theme({
  ".cm-tooltip-hover .cm-field": { padding: "6px 10px", maxWidth: "26rem", fontSize: "12px" },
  ".cm-field-name": { fontFamily: "JetBrains Mono Variable, monospace", fontWeight: "600" },
  ".cm-field-type": { color: "var(--ink-faint)", marginLeft: "8px" },
  ".cm-field p": { margin: "2px 0 0", color: "var(--ink-soft)" },
});

function complete(context: CompletionContext): CompletionResult | null {
  const text = context.state.doc.toString();
  const reference = context.matchBefore(/\{\{[\w.]*$/);
  if (reference)
    return { from: reference.from, options: references(text), validFor: /^\{\{[\w.]*$/ };
  const place = placeAt(text, context.pos);
  const from = context.pos - place.written.length;
  if (!context.explicit && place.written === "" && place.key === null) return null;
  if (!/^[\w.-]*$/.test(place.written)) return null;
  const options = place.key === null ? fields(text, place) : values(text, place);
  return options.length > 0 ? { from, options, validFor: /^[\w.-]*$/ } : null;
}

/** The fields that a mapping may have and has not yet. */
function fields(text: string, place: YamlPlace): Completion[] {
  const schema = schemaAt(place.path);
  const given = new Set(siblings(text, place));
  return Object.entries(schema?.properties ?? {})
    .filter(([name]) => !given.has(name))
    .map(([name, field]) => {
      const { description, ...known } = resolve(field);
      return {
        label: name,
        type: "property",
        detail: typeOf(known),
        info: description ? firstLine(description) : undefined,
        apply: name + behind(known, place.column),
        boost: schema?.required?.includes(name) ? 2 : 0,
      };
    });
}

function siblings(text: string, { column }: YamlPlace): string[] {
  // Near enough: the keys in the same column; those of other tasks are offered again only there.
  if (column > 0) return [];
  return [...text.matchAll(/^([\w-]+):/gm)].map((found) => found[1] ?? "");
}

function behind({ type, items }: Resolved, column: number): string {
  const indent = " ".repeat(column + 2);
  if (type === "object") return `:\n${indent}`;
  if (type === "array" && items && resolve(items).type === "object") return `:\n${indent}- `;
  return ": ";
}

function values(text: string, { path, key }: YamlPlace): Completion[] {
  if (key === null) return [];
  const known = [...named(text, path, key)];
  if (known.length > 0) return known.map((label) => ({ label, type: "variable" }));
  const schema = schemaAt([...path, key]);
  if (schema?.type === "boolean")
    return ["true", "false"].map((label) => ({ label, type: "keyword" }));
  return (schema?.enum ?? []).map((value) => ({ label: String(value), type: "enum" }));
}

/** What a value may refer to in this same text: tasks, environments, clusters. */
function named(text: string, path: string[], key: string): Set<string> {
  const isEdge = path.at(-2) === "depends_on" || path.at(-1) === "audit";
  const isUse = path.at(-1) === "[]" || path.at(-1) === "task";
  const field =
    key === "task_key" && isEdge
      ? "task_key"
      : ["environment_key", "job_cluster_key"].includes(key) && isUse
        ? key
        : null;
  if (!field) return new Set();
  const found = text.matchAll(new RegExp(`^\\s*- ${field}:\\s*([\\w-]+)`, "gm"));
  return new Set([...found].map((each) => each[1] ?? ""));
}

const PLAIN_REFERENCES = [
  "job.id",
  "job.name",
  "job.run_id",
  "job.start_time.iso_date",
  "job.trigger.type",
  "task.name",
  "task.run_id",
  "workspace.id",
  "job.trigger.time.iso_date",
];

function references(text: string): Completion[] {
  const parameters = [...text.matchAll(/^\s*-\s*\{?\s*name:\s*([\w.-]+)/gm)].map(
    (found) => `job.parameters.${found[1]}`,
  );
  const tasks = [...text.matchAll(/^\s*- task_key:\s*([\w-]+)/gm)].map(
    (found) => `tasks.${found[1]}.values.`,
  );
  return [...parameters, ...PLAIN_REFERENCES, ...new Set(tasks)].map((name) => ({
    label: `{{${name}}}`,
    type: "variable",
  }));
}

function explain(view: EditorView, position: number): Tooltip | null {
  const line = view.state.doc.lineAt(position);
  const found = /^(\s*(?:- +)*)(["']?)([\w.-]+)\2\s*:/.exec(line.text);
  if (!found) return null;
  const from = line.from + (found[1]?.length ?? 0);
  const to = from + (found[3]?.length ?? 0);
  if (position < from || position > to) return null;
  const { path } = placeAt(view.state.doc.toString(), from);
  const schema = schemaAt([...path, found[3] ?? ""]);
  if (!schema) return null;
  return { pos: from, end: to, above: true, create: () => ({ dom: card(found[3] ?? "", schema) }) };
}

function card(name: string, schema: Resolved): HTMLElement {
  const box = document.createElement("div");
  box.className = "cm-field";
  const add = (tag: string, className: string, text: string) => {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    box.append(made);
  };
  add("span", "cm-field-name", name);
  add("span", "cm-field-type", typeOf(schema));
  if (schema.description) add("p", "", firstLine(schema.description));
  if (schema.enum) add("p", "", `One of ${schema.enum.join(", ")}.`);
  const preset = schema.default;
  if (preset !== undefined && preset !== null && typeof preset !== "object")
    add("p", "", `Default: ${String(preset)}.`);
  return box;
}

function typeOf(schema: JsonSchema & { name?: string }): string {
  const { type, items } = schema;
  if (schema.enum) return "choice";
  if (type === "array") return items ? `list of ${typeOf(resolve(items))}s` : "list";
  return { string: "text", integer: "whole number", object: "mapping" }[type ?? ""] ?? type ?? "";
}

function firstLine(text: string): string {
  return text.split("\n\n")[0]?.replaceAll("\n", " ") ?? "";
}
