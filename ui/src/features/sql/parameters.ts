import type { QueryParameter } from "@/api/queries";
import type { ParameterType, ParameterValue } from "./drafts";

/** Parameters between the editor's inputs, the statement's API and saved queries. */

export const TYPES: { value: ParameterType; label: string }[] = [
  { value: "STRING", label: "Text" },
  { value: "BIGINT", label: "Whole number" },
  { value: "DOUBLE", label: "Number" },
  { value: "DECIMAL(38,10)", label: "Decimal" },
  { value: "BOOLEAN", label: "True or false" },
  { value: "DATE", label: "Date" },
  { value: "TIMESTAMP", label: "Time" },
];

/** The type that a parameter's name suggests. */
export function guessType(name: string): ParameterType {
  if (/(?:^|_)(?:day|date)$|^(?:date|day)_|_on$/i.test(name)) return "DATE";
  if (/(?:^|_)(?:time|timestamp)$|_at$/i.test(name)) return "TIMESTAMP";
  if (/^(?:n|limit|count|min|max|top|year|month)$|_(?:count|limit|n)$/i.test(name)) return "BIGINT";
  if (/^is_|^has_/i.test(name)) return "BOOLEAN";
  return "STRING";
}

export function givenValue(name: string, values: Record<string, ParameterValue>): ParameterValue {
  return values[name] ?? { type: guessType(name), value: "" };
}

/** What is sent: NULL where nothing is written, but for text, which may be empty. */
export function sentParameters(
  names: string[],
  values: Record<string, ParameterValue>,
): { name: string; value: string | null; type: string }[] {
  return names.map((name) => {
    const { type, value, isNull } = givenValue(name, values);
    const none = isNull || (value.trim() === "" && type !== "STRING");
    return { name, type, value: none ? null : spelled(type, value) };
  });
}

/** Inputs of the browser spell a time without seconds. */
function spelled(type: ParameterType, value: string): string {
  return type === "TIMESTAMP" && /T\d\d:\d\d$/.test(value) ? `${value}:00` : value;
}

/** Parameters that only the saved query itself can run: choices, ranges, those of another query. */
export function isOwnKind(parameter: QueryParameter): boolean {
  return Boolean(
    parameter.date_range_value || parameter.enum_value || parameter.query_backed_value,
  );
}

/** A saved query's parameters as the editor's inputs. */
export function fromSaved(parameters: QueryParameter[]): Record<string, ParameterValue> {
  return Object.fromEntries(
    parameters.map((each): [string, ParameterValue] => [each.name, savedValue(each)]),
  );
}

function savedValue(parameter: QueryParameter): ParameterValue {
  if (parameter.numeric_value) {
    const value = parameter.numeric_value.value;
    const whole = value === undefined || value === null || Number.isInteger(value);
    return { type: whole ? "BIGINT" : "DOUBLE", value: value == null ? "" : String(value) };
  }
  if (parameter.date_value) {
    const { date_value, dynamic_date_value, precision } = parameter.date_value;
    const day = precision === "DAY_PRECISION";
    return {
      type: day ? "DATE" : "TIMESTAMP",
      value:
        date_value ?? (dynamic_date_value ? new Date().toISOString().slice(0, day ? 10 : 19) : ""),
    };
  }
  const range = parameter.date_range_value;
  if (range)
    return {
      type: "STRING",
      value: range.date_range_value
        ? `${range.date_range_value.start}..${range.date_range_value.end}`
        : (range.dynamic_date_range_value ?? ""),
    };
  const chosen = (parameter.enum_value ?? parameter.query_backed_value)?.values;
  if (chosen)
    return {
      type: "STRING",
      value: chosen.length > 1 ? JSON.stringify(chosen) : (chosen[0] ?? ""),
    };
  return { type: "STRING", value: parameter.text_value?.value ?? "" };
}

/** The editor's inputs as a saved query's parameters; kinds that the editor has no input for stay as they are. */
export function toSaved(
  names: string[],
  values: Record<string, ParameterValue>,
  before: QueryParameter[],
): QueryParameter[] {
  return names.map((name) => {
    const known = before.find((each) => each.name === name);
    if (known && isOwnKind(known)) return known;
    return {
      name,
      title: known?.title ?? name,
      ...savedForm(givenValue(name, values)),
    } as QueryParameter;
  });
}

function savedForm({ type, value, isNull }: ParameterValue): Partial<QueryParameter> {
  const none = isNull || value.trim() === "";
  switch (type) {
    case "BIGINT":
    case "DOUBLE":
    case "DECIMAL(38,10)":
      return { numeric_value: { value: none ? null : Number(value) } };
    case "DATE":
    case "TIMESTAMP":
      return {
        date_value: {
          date_value: none ? null : spelled(type, value),
          precision: type === "DATE" ? "DAY_PRECISION" : "SECOND_PRECISION",
        },
      };
    default:
      return { text_value: { value: isNull ? null : value } };
  }
}
