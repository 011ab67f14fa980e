import { Plus, X } from "lucide-react";
import { useState } from "react";
import { Button, IconButton } from "@/components/button";
import { Field, Textarea } from "@/components/form";
import { type JsonSchema, labelOf, type Resolved, resolve } from "@/lib/job-schema";
import { ChoiceField, LinesField, NumberField, PairsField, TextField, ToggleField } from "./fields";
import { useDraft, valueAt } from "./job-draft";
import type { Path } from "./yaml-edit";

/** What is said of a field beside its name: `Definition.field`. */
const HINTS: Record<string, { label?: string; hint?: string; placeholder?: string; mono?: true }> =
  {
    "NotebookTask.notebook_path": {
      label: "Path",
      placeholder: "/Shared/orders/report",
      hint: "In the workspace, or in the job's repository",
      mono: true,
    },
    "NotebookTask.base_parameters": { label: "Parameters" },
    "SparkPythonTask.python_file": {
      label: "File",
      placeholder: "/Shared/orders/load.py",
      hint: "In the workspace, or in the job's repository",
      mono: true,
    },
    "SparkPythonTask.parameters": { label: "Arguments", hint: "One a line" },
    "PythonWheelTask.parameters": { label: "Arguments", hint: "One a line" },
    "PythonWheelTask.named_parameters": { hint: "Arrive as --name=value; instead of arguments" },
    "DbtTask.commands": { placeholder: "dbt deps\ndbt build" },
    "DbtTask.project_directory": { placeholder: "/Shared/dbt/shop", mono: true },
    "AirflowTask.conf": { label: "Conf" },
    "SparkSubmitTask.parameters": { label: "Arguments", hint: "One a line" },
    "TableCareTask.tables": {
      placeholder: "sales.*",
      hint: "schema.table, schema.* or *; one a line",
    },
    "LoadTask.table": { placeholder: "sales.orders", mono: true },
  };

interface ObjectFieldsProps {
  path: Path;
  schema: JsonSchema;
  /** Fields that are shown elsewhere, or only in the YAML. */
  without?: readonly string[];
}

/** A field for each of a mapping's own, as its schema says; those that must be there come first. */
export function ObjectFields({ path, schema, without = [] }: ObjectFieldsProps) {
  const { settings } = useDraft();
  const { properties = {}, required = [], name } = resolve(schema);
  // Where a file comes from is a question only where there is a repository.
  const hidden = settings.git_source ? without : [...without, "source"];
  const fields = Object.entries(properties).filter(([field]) => !hidden.includes(field));
  const rank = ([field]: [string, JsonSchema]) => (required.includes(field) ? 0 : 1);
  return fields
    .sort((a, b) => rank(a) - rank(b))
    .map(([field, inner]) => (
      <SchemaField key={field} path={[...path, field]} schema={inner} owner={name} />
    ));
}

interface SchemaFieldProps {
  path: Path;
  schema: JsonSchema;
  /** The definition that the field belongs to. */
  owner?: string;
}

/** The field that fits a schema. */
export function SchemaField({ path, schema, owner }: SchemaFieldProps) {
  const field = String(path.at(-1));
  const found = resolve(schema);
  const told = HINTS[`${owner}.${field}`] ?? {};
  const shared = { path, label: told.label ?? labelOf(field), hint: told.hint };
  const preset = found.default;
  if (found.enum)
    return (
      <ChoiceField
        {...shared}
        preset={preset === null || preset === undefined ? undefined : String(preset)}
        placeholder="As usual"
        options={found.enum.map((value) => ({
          value: String(value),
          label: wordOf(String(value)),
        }))}
      />
    );
  switch (found.type) {
    case "boolean":
      return <ToggleField {...shared} preset={preset === true} />;
    case "integer":
    case "number":
      return (
        <NumberField
          {...shared}
          min={found.minimum}
          max={found.maximum}
          preset={typeof preset === "number" ? preset : undefined}
        />
      );
    case "array":
      return <ListField {...shared} items={found.items ?? {}} placeholder={told.placeholder} />;
    case "object":
      return <MappingField {...shared} schema={found} />;
    default:
      return (
        <TextField
          {...shared}
          mono={told.mono}
          placeholder={told.placeholder}
          lines={field === "sql" ? 5 : undefined}
        />
      );
  }
}

/** Spell a choice: `ALL_SUCCESS` is "All success"; names and paths stay. */
function wordOf(value: string): string {
  return /^[A-Z_]+$/.test(value) ? labelOf(value.toLowerCase()) : value;
}

interface ListProps {
  path: Path;
  label: string;
  hint?: string;
  placeholder?: string;
  items: JsonSchema;
}

function ListField({ items, ...shared }: ListProps) {
  const { settings, edit } = useDraft();
  const item = resolve(items);
  if (item.type !== "object") return <LinesField {...shared} />;
  const entries = (valueAt(settings, shared.path) as unknown[] | undefined) ?? [];
  const noun = shared.label.toLowerCase().replace(/ies$/, "y").replace(/s$/, "");
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 text-sm font-medium">{shared.label}</legend>
      {entries.map((_, place) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: an entry is its place
          key={place}
          className="flex items-start gap-2 rounded-md border border-line p-3"
        >
          <div className="flex min-w-0 flex-1 flex-col gap-2.5">
            <ObjectFields path={[...shared.path, place]} schema={items} />
          </div>
          <IconButton
            label={`Remove ${noun} ${place + 1}`}
            onClick={() => edit({ path: [...shared.path, place], value: undefined })}
          >
            <X />
          </IconButton>
        </div>
      ))}
      <div>
        <Button
          size="small"
          onClick={() => edit({ path: [...shared.path, entries.length], value: blank(item) })}
        >
          <Plus aria-hidden />
          Add {noun}
        </Button>
      </div>
    </fieldset>
  );
}

/** What a new entry begins with: its first field that must be there, empty. */
function blank({ required = [], properties = {} }: Resolved): Record<string, unknown> {
  const first = required[0] ?? Object.keys(properties)[0];
  return first ? { [first]: resolve(properties[first] ?? {}).type === "object" ? {} : "" } : {};
}

interface MappingProps {
  path: Path;
  label: string;
  hint?: string;
  schema: Resolved;
}

function MappingField({ path, label, hint, schema }: MappingProps) {
  const { settings, edit } = useDraft();
  const free = schema.additionalProperties;
  if (typeof free === "object" && resolve(free).type === "string")
    return <PairsField path={path} label={label} hint={hint} />;
  if (!schema.properties) return <JsonField path={path} label={label} />;
  const value = valueAt(settings, path);
  if (value === undefined)
    return (
      <div>
        <Button size="small" kind="quiet" onClick={() => edit({ path, value: blank(schema) })}>
          <Plus aria-hidden />
          {label}
        </Button>
      </div>
    );
  return (
    <fieldset className="rounded-md border border-line px-3 pt-1 pb-3">
      <legend className="px-1 text-sm font-medium">{label}</legend>
      <div className="flex flex-col gap-2.5">
        <ObjectFields path={path} schema={schema} />
        <div>
          <Button size="small" kind="quiet" onClick={() => edit({ path, value: undefined })}>
            <X aria-hidden />
            Without {label.toLowerCase()}
          </Button>
        </div>
      </div>
    </fieldset>
  );
}

/** A mapping of anything, as JSON. */
function JsonField({ path, label }: { path: Path; label: string }) {
  const { settings, edit } = useDraft();
  const value = valueAt(settings, path);
  const [text, setText] = useState(() => (value ? JSON.stringify(value, null, 2) : ""));
  const [wrong, setWrong] = useState<string>();
  return (
    <Field label={label} hint="A JSON object" error={wrong}>
      {(control) => (
        <Textarea
          {...control}
          className="font-mono text-xs"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            try {
              const read: unknown = event.target.value.trim()
                ? JSON.parse(event.target.value)
                : undefined;
              setWrong(undefined);
              edit({ path, value: read });
            } catch {
              setWrong("This is no JSON yet");
            }
          }}
        />
      )}
    </Field>
  );
}
