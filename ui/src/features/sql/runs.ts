import { useSyncExternalStore } from "react";
import { OfflineError } from "@/api/client";
import { reportAnswer, reportSilence } from "@/api/connection";
import { runSavedQuery } from "@/api/queries";
import { queryClient } from "@/api/query-client";
import {
  cancelStatement,
  fetchChunk,
  followStatement,
  type StatementOrder,
  type StatementView,
  sendStatement,
} from "@/api/statements";
import { messageOf } from "@/components/states";
import type { SqlStatement } from "@/lib/sql-text";
import { Answer } from "./answers";
import { newId, type SentStatement, updateDraft } from "./drafts";

/** What the editor's tabs have sent: goes on while other pages are looked at. */

export type ItemState =
  | "WAITING"
  | "PENDING"
  | "RUNNING"
  | "SUCCEEDED"
  | "FAILED"
  | "CANCELED"
  | "CLOSED";

export interface Item {
  text: string;
  from: number;
  state: ItemState;
  statementId?: string;
  startedAt?: number;
  endedAt?: number;
  view?: StatementView;
  answer?: Answer;
  message?: string;
}

export interface Run {
  id: number;
  items: Item[];
  /** It is to go no further. */
  stopped?: boolean;
}

/** Everything but the text of a statement. */
export type Wish = Omit<StatementOrder, "statement" | "parameters"> & {
  parametersOf: (text: string) => StatementOrder["parameters"];
  /** Run the saved query itself, for parameters that only it knows. */
  saved?: { id: string; parameters: Record<string, string | null> };
};

const WAIT_S = 20;
const TRY_AGAIN_MS = 2000;
const OVER = new Set<ItemState>(["SUCCEEDED", "FAILED", "CANCELED", "CLOSED"]);

let lastId = 0;
const runs = new Map<string, Run>();
const listeners = new Set<() => void>();

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

export function useRun(draftId: string): Run | undefined {
  return useSyncExternalStore(subscribe, () => runs.get(draftId));
}

export function isRunning(run: Run | undefined): boolean {
  return !!run && !run.stopped && run.items.some((item) => !OVER.has(item.state));
}

function put(draftId: string, run: Run): void {
  runs.set(draftId, run);
  for (const tell of listeners) tell();
}

function patch(draftId: string, run: Run, place: number, part: Partial<Item>): Run | undefined {
  const now = runs.get(draftId);
  // Another run has taken its place.
  if (now?.id !== run.id) return undefined;
  const items = now.items.map((item, at) => (at === place ? { ...item, ...part } : item));
  const next = { ...now, items };
  put(draftId, next);
  return next;
}

/** Run statements one after the other; one that fails ends the run. */
export async function startRun(
  draftId: string,
  statements: SqlStatement[],
  wish: Wish,
): Promise<void> {
  lastId += 1;
  const run: Run = {
    id: lastId,
    items: statements.map(({ text, from }) => ({ text, from, state: "WAITING" })),
  };
  put(draftId, run);
  const sent: SentStatement[] = [];
  for (const [place, { text, from }] of statements.entries()) {
    if (runs.get(draftId)?.stopped || runs.get(draftId)?.id !== run.id) break;
    patch(draftId, run, place, { state: "PENDING", startedAt: Date.now() });
    try {
      const token = newId();
      const view = await persistently(draftId, run, () => send(text, wish, token));
      sent.push({ id: view.statement_id, text, from });
      updateDraft(draftId, { sent: [...sent] });
      patch(draftId, run, place, stateOf(view));
      if (runs.get(draftId)?.stopped) await cancelStatement(view.statement_id);
      if (!(await follow(draftId, run, place, view.statement_id))) break;
    } catch (error) {
      const message = messageOf(error);
      patch(draftId, run, place, { state: "FAILED", message, endedAt: Date.now() });
      break;
    }
  }
  const last = runs.get(draftId);
  if (last?.id === run.id)
    put(draftId, { ...last, items: last.items.filter((item) => item.state !== "WAITING") });
  void queryClient.invalidateQueries({ queryKey: ["statements"] });
}

/** Ask again while the server is silent, as long as the run is the tab's: a statement outlives that. */
async function persistently<T>(draftId: string, run: Run, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      const answer = await ask();
      reportAnswer();
      return answer;
    } catch (error) {
      if (!(error instanceof OfflineError) || runs.get(draftId)?.id !== run.id) throw error;
      reportSilence();
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
    }
  }
}

/** Send a statement; sent again with the same token it is still one. */
function send(text: string, wish: Wish, idempotency_token: string): Promise<StatementView> {
  const { parametersOf, saved, ...order } = wish;
  if (saved)
    return runSavedQuery(saved.id, {
      warehouse_id: order.warehouse_id,
      parameters: saved.parameters,
      row_limit: order.row_limit,
      idempotency_token,
    });
  return sendStatement({
    ...order,
    idempotency_token,
    statement: text,
    parameters: parametersOf(text),
  });
}

/** Wait for a statement's end; true when it has succeeded. */
async function follow(draftId: string, run: Run, place: number, id: string): Promise<boolean> {
  void queryClient.invalidateQueries({ queryKey: ["warehouses"] });
  for (;;) {
    const view = await persistently(draftId, run, () => followStatement(id, WAIT_S));
    const part = stateOf(view);
    const over = OVER.has(part.state);
    if (!patch(draftId, run, place, { ...part, ...(over ? { endedAt: Date.now() } : {}) }))
      return false;
    if (over) return part.state === "SUCCEEDED";
  }
}

function stateOf(view: StatementView): Partial<Item> & { state: ItemState } {
  const id = view.statement_id;
  const answer = view.manifest
    ? new Answer(view.manifest, (index, signal) => fetchChunk(id, index, signal))
    : undefined;
  return {
    view,
    statementId: id,
    state: view.status.state,
    message: view.status.error?.message,
    answer,
  };
}

/** Stop what a tab has running. */
export async function cancelRun(draftId: string): Promise<void> {
  const run = runs.get(draftId);
  if (!run) return;
  put(draftId, { ...run, stopped: true });
  await Promise.all(
    run.items
      .filter((item) => item.statementId && !OVER.has(item.state))
      .map((item) => cancelStatement(item.statementId ?? "")),
  );
}

/** Bring back what a tab has sent before the page was loaded. */
export async function restoreRun(draftId: string, sent: SentStatement[]): Promise<void> {
  if (runs.has(draftId) || sent.length === 0) return;
  lastId += 1;
  const run: Run = {
    id: lastId,
    items: sent.map(({ id, text, from }) => ({
      text,
      from,
      statementId: id,
      state: "PENDING" as const,
    })),
  };
  put(draftId, run);
  await Promise.all(
    sent.map(async ({ id }, place) => {
      try {
        const view = await persistently(draftId, run, () => followStatement(id, 0));
        patch(draftId, run, place, stateOf(view));
        if (!OVER.has(view.status.state)) await follow(draftId, run, place, id);
      } catch (error) {
        patch(draftId, run, place, { state: "CLOSED", message: messageOf(error) });
      }
    }),
  );
}

export function forgetRun(draftId: string): void {
  runs.delete(draftId);
  for (const tell of listeners) tell();
}
