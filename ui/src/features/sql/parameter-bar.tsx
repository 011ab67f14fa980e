import { useId } from "react";
import { Input, Select } from "@/components/form";
import type { ParameterType, ParameterValue } from "./drafts";
import { givenValue, TYPES } from "./parameters";

const INPUTS: Partial<Record<ParameterType, string>> = {
  DATE: "date",
  TIMESTAMP: "datetime-local",
};

interface ParameterBarProps {
  names: string[];
  values: Record<string, ParameterValue>;
  /** Those whose kind the saved query says. */
  fixed: Set<string>;
  onChange: (name: string, value: ParameterValue) => void;
  onRun: () => void;
}

/** An input for each `:name` in the text. */
export function ParameterBar({ names, values, fixed, onChange, onRun }: ParameterBarProps) {
  if (names.length === 0) return null;
  return (
    <ul
      aria-label="Parameters"
      className="flex max-h-32 shrink-0 flex-wrap gap-x-4 gap-y-2 overflow-y-auto border-t border-line bg-canvas px-3 py-2"
    >
      {names.map((name) => (
        <Parameter
          key={name}
          name={name}
          value={givenValue(name, values)}
          fixed={fixed.has(name)}
          onChange={(value) => onChange(name, value)}
          onRun={onRun}
        />
      ))}
    </ul>
  );
}

interface ParameterProps {
  name: string;
  value: ParameterValue;
  fixed: boolean;
  onChange: (value: ParameterValue) => void;
  onRun: () => void;
}

function Parameter({ name, value, fixed, onChange, onRun }: ParameterProps) {
  const id = useId();
  return (
    <li className="flex items-center gap-1.5">
      <label htmlFor={id} className="font-mono text-xs text-ink-soft">
        :{name}
      </label>
      {value.type === "BOOLEAN" && !fixed ? (
        <Select
          id={id}
          className="h-7 w-28"
          value={value.value || "null"}
          onChange={(next) => onChange({ ...value, value: next === "null" ? "" : next })}
          options={["true", "false", "null"].map((each) => ({ value: each, label: each }))}
        />
      ) : (
        <Input
          id={id}
          className="h-7 w-40"
          type={fixed ? "text" : (INPUTS[value.type] ?? "text")}
          step={1}
          inputMode={/INT|DOUBLE|DECIMAL/.test(value.type) ? "decimal" : undefined}
          value={value.value}
          placeholder={value.type === "STRING" ? "empty text" : "null"}
          onChange={(event) => onChange({ ...value, value: event.target.value })}
          onKeyDown={(event) => {
            if (event.key === "Enter") onRun();
          }}
        />
      )}
      {fixed ? (
        <span className="text-xs text-ink-faint">of the saved query</span>
      ) : (
        <Select
          label={`Type of ${name}`}
          className="h-7 w-34 text-xs"
          value={value.type}
          onChange={(type) => onChange({ ...value, type: type as ParameterType })}
          options={TYPES}
        />
      )}
    </li>
  );
}
