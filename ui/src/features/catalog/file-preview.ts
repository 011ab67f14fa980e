/** The first rows of a file as they stand in it, before the server has looked at it; pure. */

export interface Preview {
  header: string[];
  rows: string[][];
}

const MOST_ROWS = 8;
const DELIMITERS = [",", ";", "\t", "|"];

/** The one of comma, semicolon, tab and bar that the first line has most of, as the server guesses. */
export function guessDelimiter(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  const count = (mark: string) => line.split(mark).length;
  return DELIMITERS.reduce((best, mark) => (count(mark) > count(best) ? mark : best), ",");
}

/** Read the beginning of a CSV file; a row that is cut off at the end is left out. */
export function previewCsv(text: string, delimiter: string, hasHeader: boolean): Preview {
  const rows = csvRows(text, delimiter, MOST_ROWS + 1);
  const first = rows[0] ?? [];
  const header = hasHeader ? first : first.map((_, at) => `column ${at + 1}`);
  return { header, rows: rows.slice(hasHeader ? 1 : 0, MOST_ROWS + (hasHeader ? 1 : 0)) };
}

function csvRows(text: string, delimiter: string, most: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const plain = text.startsWith("\ufeff") ? text.slice(1) : text;
  for (let at = 0; at < plain.length && rows.length < most; at += 1) {
    const mark = plain[at] as string;
    if (quoted) {
      if (mark !== '"') cell += mark;
      else if (plain[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (mark === '"' && cell === "") quoted = true;
    else if (mark === delimiter) {
      row.push(cell);
      cell = "";
    } else if (mark === "\n") {
      rows.push([...row, cell.replace(/\r$/, "")]);
      row = [];
      cell = "";
    } else cell += mark;
  }
  // The end of the file needs no line break; the end of what was read is no end.
  if (rows.length < most && !quoted && (cell || row.length > 0)) rows.push([...row, cell]);
  return rows;
}

/** Read the beginning of a JSON file: an object a line, or one array of them when it is whole. */
export function previewJson(text: string): Preview {
  const found: Record<string, unknown>[] = [];
  const take = (value: unknown) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      found.push(value as Record<string, unknown>);
  };
  try {
    const whole: unknown = JSON.parse(text);
    if (Array.isArray(whole)) whole.slice(0, MOST_ROWS).forEach(take);
    else take(whole);
  } catch {
    for (const line of text.split("\n").slice(0, MOST_ROWS)) {
      try {
        take(JSON.parse(line));
      } catch {
        // A line that is cut off, or wrong: the server will say so.
      }
    }
  }
  const header = [...new Set(found.flatMap((each) => Object.keys(each)))];
  return { header, rows: found.map((each) => header.map((name) => shown(each[name]))) };
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A name for the table that a file becomes: `2026 Prices (EU).csv.gz` → `prices_eu`. */
export function tableNameOf(file: string): string {
  const plain = file.replace(/(\.(csv|tsv|json|jsonl|ndjson|parquet|gz))+$/i, "");
  const words = plain.toLowerCase().replace(/[^a-z0-9]+/g, "_");
  return words.replace(/^[_0-9]+|_+$/g, "") || "table_of_file";
}
