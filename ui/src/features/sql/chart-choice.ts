import { type Cell, kindOf, type ResultColumn } from "@/lib/cells";

/** What a chart of a result shows; columns by name. */

export type ChartType = "bar" | "line" | "scatter";
export type Aggregation = "none" | "sum" | "average" | "count" | "min" | "max";

export interface ChartChoice {
  type: ChartType;
  x: string;
  y: string[];
  /** One series for each value of this column. */
  group?: string;
  aggregation: Aggregation;
}

export interface Series {
  name: string;
  points: [string | number, number | null][];
}

const SAMPLE = 2000;
const FEW = 50;

/** The chart that suits a result's columns best; null when there is nothing to draw. */
export function suggestChart(columns: ResultColumn[], rows: Cell[][]): ChartChoice | null {
  const numbers = columns.filter((column) => kindOf(column) === "number" && !isKey(column.name));
  const fallback = columns.filter((column) => kindOf(column) === "number");
  const time = columns.find((column) => ["date", "instant"].includes(kindOf(column)));
  const words = columns.filter((column) => ["text", "boolean"].includes(kindOf(column)));
  const y = (numbers.length ? numbers : fallback).slice(0, time || words.length ? 2 : 3);
  if (y.length === 0) {
    const word = words[0] ?? time;
    return word ? { type: "bar", x: word.name, y: [], aggregation: "count" } : null;
  }
  const first = y[0]?.name ?? "";
  if (time) {
    const group = words.find((word) => fewValues(columns, rows, word.name, 8));
    return finish(columns, rows, {
      type: "line",
      x: time.name,
      y: group ? [first] : y.map((column) => column.name),
      ...(group ? { group: group.name } : {}),
      aggregation: "none",
    });
  }
  const word = words.find((each) => fewValues(columns, rows, each.name, FEW)) ?? words[0];
  if (word)
    return finish(columns, rows, { type: "bar", x: word.name, y: [first], aggregation: "none" });
  const x = fallback.find((column) => column.name !== first);
  if (!x) return { type: "bar", x: first, y: [first], aggregation: "none" };
  return { type: "scatter", x: x.name, y: [first], aggregation: "none" };
}

/** Keep what of a choice fits a result's columns; names go by letters, not by case. */
export function fitting(choice: ChartChoice, columns: ResultColumn[]): ChartChoice | null {
  const names = new Set(columns.map((column) => column.name));
  const y = choice.y.filter((name) => names.has(name));
  if (!names.has(choice.x) || (y.length === 0 && choice.aggregation !== "count")) return null;
  const { group, ...rest } = choice;
  return { ...rest, y, ...(group && names.has(group) ? { group } : {}) };
}

function isKey(name: string): boolean {
  return /(?:^|_)(?:id|key|no|year|month|day)$/i.test(name);
}

function fewValues(columns: ResultColumn[], rows: Cell[][], name: string, most: number): boolean {
  const place = columns.findIndex((column) => column.name === name);
  const values = new Set(rows.slice(0, SAMPLE).map((row) => row[place]));
  return values.size > 1 && values.size <= most;
}

/** Sum up where several rows fall on one place of the axis. */
function finish(columns: ResultColumn[], rows: Cell[][], choice: ChartChoice): ChartChoice {
  const places = [choice.x, choice.group].map((name) =>
    columns.findIndex((column) => column.name === name),
  );
  const seen = new Set<string>();
  for (const row of rows.slice(0, SAMPLE)) {
    const key = places.map((place) => row[place] ?? "").join("\u0000");
    if (seen.has(key)) return { ...choice, aggregation: "sum" };
    seen.add(key);
  }
  return choice;
}

/** The points of a chart, one series for each y column and group, in the order of the rows or of time. */
export function seriesOf(columns: ResultColumn[], rows: Cell[][], choice: ChartChoice): Series[] {
  const place = (name: string) => columns.findIndex((column) => column.name === name);
  const x = place(choice.x);
  const group = choice.group ? place(choice.group) : -1;
  const xColumn = columns[x];
  const numeric = xColumn !== undefined && kindOf(xColumn) === "number" && choice.type !== "bar";
  const measures = choice.y.length ? choice.y : [""];
  const series = new Map<string, Map<string, number[]>>();
  for (const row of rows) {
    const at = row[x] ?? "null";
    for (const measure of measures) {
      const value = measure === "" ? 1 : Number(row[place(measure)] ?? Number.NaN);
      if (Number.isNaN(value) && choice.aggregation !== "count") continue;
      const name = nameOf(choice, measure, group < 0 ? null : (row[group] ?? "null"));
      const points = series.get(name) ?? new Map<string, number[]>();
      series.set(name, points);
      const values = points.get(at);
      if (values) values.push(value);
      else points.set(at, [value]);
    }
  }
  const ordered = xColumn && ["date", "instant", "number"].includes(kindOf(xColumn));
  return [...series].map(([name, points]) => {
    const places = [...points].flatMap(([at, values]) =>
      aggregated(values, choice.aggregation).map((value): [string | number, number] => [
        numeric ? Number(at) : at,
        value,
      ]),
    );
    if (ordered) places.sort(([a], [b]) => comparePlaces(a, b));
    return { name, points: places };
  });
}

function nameOf(choice: ChartChoice, measure: string, group: string | null): string {
  if (group === null) return measure || "Rows";
  return choice.y.length > 1 ? `${group} · ${measure}` : group;
}

function comparePlaces(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return String(a) < String(b) ? -1 : 1;
}

function aggregated(values: number[], how: Aggregation): number[] {
  const total = () => values.reduce((sum, value) => sum + value, 0);
  switch (how) {
    case "none":
      return values;
    case "sum":
      return [total()];
    case "average":
      return [total() / values.length];
    case "count":
      return [values.length];
    case "min":
      return [values.reduce((least, value) => Math.min(least, value))];
    case "max":
      return [values.reduce((most, value) => Math.max(most, value))];
  }
}

/** A choice as text for an address, and back; null for what is none. */
export function spellChoice(choice: ChartChoice): string {
  return JSON.stringify(choice);
}

export function readChoice(text: string | undefined): ChartChoice | null {
  try {
    const found = JSON.parse(text ?? "") as ChartChoice;
    return typeof found.x === "string" && Array.isArray(found.y) ? found : null;
  } catch {
    return null;
  }
}
