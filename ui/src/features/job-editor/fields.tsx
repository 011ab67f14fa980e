import { Plus, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Button, IconButton } from "@/components/button";
import { Checkbox, Field, Input, type Option, Select, Textarea } from "@/components/form";
import { cx } from "@/lib/cx";
import { useProblem } from "./job-check";
import { useDraft, valueAt } from "./job-draft";
import type { Path } from "./yaml-edit";

/** Fields of the form: each shows one place of the job's settings, and changes that alone. */

interface FieldProps {
  path: Path;
  label: ReactNode;
  hint?: ReactNode;
  className?: string;
}

interface TextProps extends FieldProps {
  placeholder?: string;
  mono?: boolean;
  /** So many lines high. */
  lines?: number;
  /** Names to choose from; anything else may be typed. */
  choices?: string[];
  /** What to do with a new value instead of putting it into its place. */
  onValue?: (value: string) => void;
}

export function TextField({ path, label, hint, className, ...props }: TextProps) {
  const { settings, edit } = useDraft();
  const error = useProblem(path);
  const value = String(valueAt(settings, path) ?? "");
  const change = (next: string) =>
    props.onValue ? props.onValue(next) : edit({ path, value: next === "" ? undefined : next });
  return (
    <Field label={label} hint={hint} error={error} className={className}>
      {(control) =>
        props.lines ? (
          <Textarea
            {...control}
            rows={props.lines}
            placeholder={props.placeholder}
            className={cx("min-h-0", props.mono && "font-mono text-xs")}
            value={value}
            onChange={(event) => change(event.target.value)}
          />
        ) : (
          <>
            <Input
              {...control}
              list={props.choices ? `${control.id}-choices` : undefined}
              placeholder={props.placeholder}
              className={cx(props.mono && "font-mono text-xs")}
              value={value}
              onChange={(event) => change(event.target.value)}
            />
            {props.choices && (
              <datalist id={`${control.id}-choices`}>
                {props.choices.map((each) => (
                  <option key={each} value={each} />
                ))}
              </datalist>
            )}
          </>
        )
      }
    </Field>
  );
}

interface NumberProps extends FieldProps {
  /** What holds when nothing is written. */
  preset?: number;
  min?: number;
  max?: number;
  /** The field shows the value divided by this: minutes of seconds. */
  per?: number;
}

export function NumberField({ path, label, hint, className, ...props }: NumberProps) {
  const { settings, edit } = useDraft();
  const error = useProblem(path);
  const { preset, per = 1 } = props;
  const value = valueAt(settings, path);
  const shown = typeof value === "number" ? String(value / per) : String(value ?? "");
  return (
    <Field label={label} hint={hint} error={error} className={className}>
      {(control) => (
        <Input
          {...control}
          type="number"
          min={props.min}
          max={props.max}
          placeholder={preset === undefined ? undefined : String(preset / per)}
          className="tabular-nums"
          value={shown}
          onChange={(event) => {
            const text = event.target.value;
            const number = Math.round(Number(text) * per);
            edit({ path, value: text === "" || number === preset ? undefined : number });
          }}
        />
      )}
    </Field>
  );
}

interface ChoiceProps extends FieldProps {
  options: Option[];
  /** What holds when nothing is written: it is shown, and choosing it takes the field out. */
  preset?: string;
  placeholder?: string;
}

const NOTHING = "\u0000";

export function ChoiceField({ path, label, hint, className, ...props }: ChoiceProps) {
  const { settings, edit } = useDraft();
  const error = useProblem(path);
  const value = valueAt(settings, path) as string | undefined;
  const known = props.options.some((option) => option.value === value);
  const options =
    value === undefined || known ? props.options : [...props.options, { value, label: value }];
  return (
    <Field label={label} hint={hint} error={error} className={className}>
      {({ id }) => (
        <Select
          id={id}
          value={value ?? props.preset ?? NOTHING}
          placeholder={props.placeholder ?? "Choose"}
          options={options}
          onChange={(next) => edit({ path, value: next === props.preset ? undefined : next })}
        />
      )}
    </Field>
  );
}

export function ToggleField({
  path,
  label,
  preset = false,
  className,
}: FieldProps & { preset?: boolean }) {
  const { settings, edit } = useDraft();
  return (
    <Checkbox
      className={className}
      checked={Boolean(valueAt(settings, path) ?? preset)}
      onChange={(on) => edit({ path, value: on === preset ? undefined : on })}
      label={label}
    />
  );
}

/** A list of texts, one a line. */
export function LinesField({
  path,
  label,
  hint,
  className,
  placeholder,
}: FieldProps & { placeholder?: string }) {
  const { settings, edit } = useDraft();
  const error = useProblem(path);
  const value = (valueAt(settings, path) as unknown[] | undefined) ?? [];
  const joined = value.map(String).join("\n");
  const [typed, setTyped] = useState(joined);
  // An empty line that has just been begun is no entry yet, and must not be lost.
  const shown = lines(typed).join("\n") === joined ? typed : joined;
  return (
    <Field label={label} hint={hint ?? "One a line"} error={error} className={className}>
      {(control) => (
        <Textarea
          {...control}
          rows={Math.min(8, Math.max(2, shown.split("\n").length))}
          placeholder={placeholder}
          className="min-h-0 font-mono text-xs"
          value={shown}
          onChange={(event) => {
            setTyped(event.target.value);
            const next = lines(event.target.value);
            edit({ path, value: next.length > 0 ? next : undefined });
          }}
        />
      )}
    </Field>
  );
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

/** A mapping of names to texts. */
export function PairsField({ path, label, hint, className }: FieldProps) {
  const { settings, edit } = useDraft();
  const error = useProblem(path);
  const given = (valueAt(settings, path) as Record<string, unknown> | undefined) ?? {};
  const [begun, setBegun] = useState(false);
  const rows = [...Object.entries(given), ...(begun ? [["", ""] as const] : [])];
  const write = (next: (readonly [string, unknown])[]) => {
    const named = next.filter(([name]) => name !== "");
    edit({ path, value: named.length > 0 ? Object.fromEntries(named) : undefined });
  };
  return (
    <fieldset className={cx("flex min-w-0 flex-col gap-1.5", className)}>
      <legend className="mb-1 text-sm font-medium">{label}</legend>
      {rows.map(([name, value], place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the name is what is being typed
        <div key={place} className="flex gap-1.5">
          <Input
            aria-label="Name"
            placeholder="name"
            className="w-2/5 font-mono text-xs"
            value={name}
            onChange={(event) => {
              const next = event.target.value;
              if (next in given) return;
              if (name === "" && next !== "") setBegun(false);
              write(rows.map((row, at) => (at === place ? [next, value] : row)));
            }}
          />
          <Input
            aria-label={`Value of ${name || "the new one"}`}
            placeholder="value"
            className="font-mono text-xs"
            value={String(value ?? "")}
            disabled={name === ""}
            onChange={(event) => edit({ path: [...path, name], value: event.target.value })}
          />
          <IconButton
            label={`Remove ${name || "it"}`}
            onClick={() => {
              if (name === "") setBegun(false);
              else write(rows.filter((_, at) => at !== place));
            }}
          >
            <X />
          </IconButton>
        </div>
      ))}
      <div>
        <Button size="small" kind="quiet" disabled={begun} onClick={() => setBegun(true)}>
          <Plus aria-hidden />
          Add
        </Button>
      </div>
      {(error || hint) && (
        <p className={cx("text-xs", error ? "text-bad" : "text-ink-faint")}>{error ?? hint}</p>
      )}
    </fieldset>
  );
}

/** Fields that most jobs do not need: folded until they are wanted, open when something is set. */
export function Fold({
  title,
  summary,
  open,
  children,
}: {
  title: string;
  /** What is set, in a few words. */
  summary?: ReactNode;
  open?: boolean;
  children: ReactNode;
}) {
  return (
    <details open={open} className="group rounded-md border border-line">
      <summary className="flex cursor-pointer list-none items-center gap-2 px-3 py-2 text-sm font-medium marker:content-none hover:bg-sunken/60">
        <span
          aria-hidden
          className="text-ink-faint transition-transform group-open:rotate-90 [&::before]:content-['›']"
        />
        {title}
        {summary && <span className="min-w-0 truncate font-normal text-ink-faint">{summary}</span>}
      </summary>
      <div className="flex flex-col gap-3 border-t border-line px-3 py-3">{children}</div>
    </details>
  );
}
