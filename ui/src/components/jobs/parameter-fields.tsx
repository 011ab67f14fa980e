import { Braces, Plus, Rows3, Undo2, X } from "lucide-react";
import { useId, useState } from "react";
import type { JobParameter } from "@/lib/job-settings";
import { Button, IconButton } from "../button";
import { Input, Textarea } from "../form";
import { ErrorNote } from "../states";

interface ParameterFieldsProps {
  /** The job's own parameters. */
  declared: JobParameter[];
  /** What differs from their defaults, and parameters beside them. */
  values: Record<string, string>;
  onChange: (values: Record<string, string>) => void;
  onValid: (valid: boolean) => void;
}

/** The values of a run's parameters: a field each, or all of them as JSON. */
export function ParameterFields({ declared, values, onChange, onValid }: ParameterFieldsProps) {
  const [json, setJson] = useState<string | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  function readJson(text: string): void {
    setJson(text);
    const { parameters, problem } = parametersOf(text);
    setWrong(problem);
    onValid(problem === null);
    if (parameters) onChange(parameters);
  }
  function flip(): void {
    setWrong(null);
    onValid(true);
    setJson(json === null ? JSON.stringify(withDefaults(declared, values), null, 2) : null);
  }
  return (
    <fieldset>
      <legend className="sr-only">Parameters</legend>
      <div className="mb-2 flex items-center">
        <span aria-hidden className="flex-1 text-sm font-semibold">
          Parameters
        </span>
        <Button size="small" kind="quiet" onClick={flip} disabled={wrong !== null}>
          {json === null ? <Braces aria-hidden /> : <Rows3 aria-hidden />}
          {json === null ? "As JSON" : "As fields"}
        </Button>
      </div>
      {json === null ? (
        <Fields declared={declared} values={values} onChange={onChange} />
      ) : (
        <>
          <Textarea
            aria-label="Parameters as JSON"
            className="min-h-40 font-mono text-xs"
            value={json}
            aria-invalid={wrong !== null || undefined}
            onChange={(event) => readJson(event.target.value)}
          />
          <ErrorNote error={wrong} className="mt-2" />
        </>
      )}
    </fieldset>
  );
}

type FieldsProps = Pick<ParameterFieldsProps, "declared" | "values" | "onChange">;

function Fields({ declared, values, onChange }: FieldsProps) {
  const id = useId();
  const known = new Set(declared.map((each) => each.name));
  const extra = Object.keys(values).filter((name) => !known.has(name));
  const without = (name: string) =>
    Object.fromEntries(Object.entries(values).filter(([each]) => each !== name));
  return (
    <div className="flex flex-col gap-2">
      {declared.length === 0 && extra.length === 0 && (
        <p className="text-sm text-ink-soft">This job has no parameters.</p>
      )}
      {declared.map(({ name, default: preset }) => (
        <div key={name} className="grid grid-cols-[minmax(7rem,2fr)_5fr_2rem] items-center gap-2">
          <label
            htmlFor={`${id}-${name}`}
            title={name}
            className="truncate font-mono text-xs text-ink-soft"
          >
            {name}
          </label>
          <Input
            id={`${id}-${name}`}
            value={values[name] ?? preset}
            className="font-mono text-xs"
            onChange={(event) => {
              const value = event.target.value;
              onChange(value === preset ? without(name) : { ...values, [name]: value });
            }}
          />
          {name in values ? (
            <IconButton
              label={`Back to the default of ${name}: ${preset || "empty"}`}
              onClick={() => onChange(without(name))}
            >
              <Undo2 />
            </IconButton>
          ) : (
            <span />
          )}
        </div>
      ))}
      {extra.map((name, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the name is what is being typed
        <div key={place} className="grid grid-cols-[minmax(7rem,2fr)_5fr_2rem] items-center gap-2">
          <Input
            aria-label="Name of the parameter"
            placeholder="name"
            className="font-mono text-xs"
            value={name}
            onChange={(event) => onChange(renamed(values, name, event.target.value))}
          />
          <Input
            aria-label={`Value of ${name || "the parameter"}`}
            placeholder="value"
            className="font-mono text-xs"
            value={values[name]}
            onChange={(event) => onChange({ ...values, [name]: event.target.value })}
          />
          <IconButton label={`Remove ${name || "it"}`} onClick={() => onChange(without(name))}>
            <X />
          </IconButton>
        </div>
      ))}
      <div>
        <Button
          size="small"
          kind="quiet"
          disabled={"" in values}
          onClick={() => onChange({ ...values, "": "" })}
        >
          <Plus aria-hidden />
          Add another
        </Button>
      </div>
    </div>
  );
}

/** Rename a key where it stands; a name that is there already is not taken. */
function renamed(values: Record<string, string>, from: string, to: string) {
  if (to in values) return values;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name === from ? to : name, value]),
  );
}

function withDefaults(declared: JobParameter[], values: Record<string, string>) {
  const defaults = Object.fromEntries(declared.map((each) => [each.name, each.default]));
  return { ...defaults, ...values };
}

/** Read parameters from JSON: an object of texts; numbers and truth values are taken as texts. */
export function parametersOf(text: string): {
  parameters: Record<string, string> | null;
  problem: string | null;
} {
  let found: unknown;
  try {
    found = JSON.parse(text || "{}");
  } catch (error) {
    return { parameters: null, problem: `This is no JSON: ${(error as Error).message}` };
  }
  if (typeof found !== "object" || found === null || Array.isArray(found))
    return { parameters: null, problem: 'Write an object: {"name": "value"}' };
  const entries = Object.entries(found);
  const nested = entries.find(([, value]) => typeof value === "object");
  if (nested) return { parameters: null, problem: `“${nested[0]}” must be a text` };
  const parameters = Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
  return { parameters, problem: null };
}
