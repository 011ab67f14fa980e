import { useSyncExternalStore } from "react";
import { currentWorkspace } from "@/api/client";
import type { ChartChoice } from "./chart-choice";

/** The tabs of the editor: texts that are being written, kept in this browser, one set a workspace. */

export interface ParameterValue {
  type: ParameterType;
  value: string;
  isNull?: boolean;
}

export type ParameterType =
  | "STRING"
  | "BIGINT"
  | "DOUBLE"
  | "DECIMAL(38,10)"
  | "BOOLEAN"
  | "DATE"
  | "TIMESTAMP";

export interface SentStatement {
  id: string;
  text: string;
  /** Where the statement stood in the draft. */
  from: number;
}

export interface Draft {
  id: string;
  title: string;
  text: string;
  /** The saved query that this is the text of, and that text as it was saved. */
  queryId?: string;
  savedText?: string;
  warehouseId?: string;
  catalog?: string;
  schema?: string;
  parameters: Record<string, ParameterValue>;
  /** Rows that a statement gives at most. */
  limit?: number;
  chart?: ChartChoice;
  /** What was sent last, so that its answer is there again after a reload. */
  sent?: SentStatement[];
}

export interface Drafts {
  drafts: Draft[];
  active?: string;
}

const listeners = new Set<() => void>();
let loadedFor: string | undefined;
let state: Drafts = { drafts: [] };

function key(): string {
  return `openlake.sql.${currentWorkspace() ?? ""}`;
}

function load(): Drafts {
  if (loadedFor === key()) return state;
  loadedFor = key();
  state = { drafts: [] };
  try {
    const kept = JSON.parse(localStorage.getItem(loadedFor) ?? "") as Drafts;
    if (Array.isArray(kept.drafts)) state = kept;
  } catch {
    // Nothing is kept yet.
  }
  return state;
}

function change(next: Drafts): void {
  load();
  state = next;
  try {
    localStorage.setItem(key(), JSON.stringify(state));
  } catch {
    // The browser keeps no more; the tabs live on until the page is closed.
  }
  for (const tell of listeners) tell();
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

export function useDrafts(): Drafts {
  return useSyncExternalStore(subscribe, load);
}

export function readDrafts(): Drafts {
  return load();
}

/** Add a tab, or find the one of the same saved query. */
export function openDraft(wish: Partial<Draft> = {}): Draft {
  const { drafts } = load();
  const known = drafts.find((each) => wish.queryId && each.queryId === wish.queryId);
  if (known) return known;
  const made: Draft = {
    id: newId(),
    title: freeTitle(drafts),
    text: "",
    parameters: {},
    ...lastPlace(drafts),
    ...wish,
  };
  change({ drafts: [...drafts, made], active: made.id });
  return made;
}

/** An id for a tab; browsers give UUIDs on secure pages only. */
export function newId(): string {
  return `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`;
}

function lastPlace(drafts: Draft[]): Partial<Draft> {
  const last = drafts.at(-1);
  return last
    ? {
        warehouseId: last.warehouseId,
        catalog: last.catalog,
        schema: last.schema,
        limit: last.limit,
      }
    : {};
}

function freeTitle(drafts: Draft[]): string {
  for (let number = 1; ; number += 1) {
    const title = `Query ${number}`;
    if (!drafts.some((each) => each.title === title)) return title;
  }
}

export function updateDraft(id: string, part: Partial<Draft>): void {
  const now = load();
  change({
    ...now,
    drafts: now.drafts.map((each) => (each.id === id ? { ...each, ...part } : each)),
  });
}

export function activateDraft(id: string): void {
  const now = load();
  if (now.active !== id) change({ ...now, active: id });
}

/** Close a tab; return the one beside it, if there is one left. */
export function closeDraft(id: string): Draft | undefined {
  const { drafts } = load();
  const place = drafts.findIndex((each) => each.id === id);
  const left = drafts.filter((each) => each.id !== id);
  const next = left[Math.min(place, left.length - 1)];
  change({ drafts: left, active: next?.id });
  return next;
}

/** True when closing the tab would lose something. */
export function isUnsaved(draft: Draft): boolean {
  return draft.queryId ? draft.text !== draft.savedText : draft.text.trim() !== "";
}
