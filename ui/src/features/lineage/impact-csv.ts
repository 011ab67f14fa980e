import type { ImpactItem } from "@/api/lineage";

const HEADER = ["kind", "name", "distance", "tasks", "owner", "last", "next_run"];

/** The impact list as CSV, instants in ISO 8601; for spreadsheets, so nothing in it is a formula. */
export function impactCsv(items: ImpactItem[]): string {
  const rows = items.map((item) => [
    item.kind,
    item.hidden ? "(another job)" : item.name,
    String(item.distance),
    (item.task_keys ?? []).join(" "),
    item.owner ?? "",
    iso(item.last_at),
    iso(item.next_run_at),
  ]);
  return [HEADER, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function iso(at: number | null | undefined): string {
  return at ? new Date(at).toISOString() : "";
}

function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
