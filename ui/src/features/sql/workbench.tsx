import { closeCompletion } from "@codemirror/autocomplete";
import type { Diagnostic } from "@codemirror/lint";
import type { EditorView } from "@codemirror/view";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import {
  BellRing,
  CircleStop,
  Ellipsis,
  FilePlus,
  GitCompare,
  History,
  Link2,
  Pencil,
  Play,
  Plus,
  Save,
  ShieldCheck,
  SquareTerminal,
  Trash2,
  X,
} from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { toast } from "sonner";
import { catalogNamesQuery, schemaNamesQuery } from "@/api/catalog-names";
import { type SavedQuery, savedQueryQuery, useSaveQuery, useTrashQuery } from "@/api/queries";
import { warehousesQuery } from "@/api/warehouses";
import { Button, IconButton } from "@/components/button";
import { Editor } from "@/components/editor";
import { Select } from "@/components/form";
import { Menu } from "@/components/overlay";
import { EmptyState, messageOf } from "@/components/states";
import { Tabs } from "@/components/tabs";
import { Elapsed } from "@/components/time";
import { cx } from "@/lib/cx";
import { formatCount } from "@/lib/numbers";
import { errorPlace, parameterNames, splitStatements } from "@/lib/sql-text";
import { useShortcuts } from "@/lib/use-shortcuts";
import { CatalogTree } from "./catalog-tree";
import { spellChoice } from "./chart-choice";
import { sqlWithCatalog } from "./completion";
import {
  activateDraft,
  closeDraft,
  type Draft,
  isUnsaved,
  newId,
  openDraft,
  updateDraft,
  useDrafts,
} from "./drafts";
import { ParameterBar } from "./parameter-bar";
import { fromSaved, givenValue, isOwnKind, sentParameters } from "./parameters";
import { QueryList } from "./query-list";
import { type Panel, QueryPanel } from "./query-panel";
import { ResultPane, type ResultView } from "./result-pane";
import { cancelRun, forgetRun, type Item, isRunning, restoreRun, startRun, useRun } from "./runs";
import { contentOf, SaveDialog } from "./save-dialog";
import { Splitter, useSplit } from "./splitter";
import { WarehousePicker, waitingWords } from "./warehouse-picker";

const LIMITS = [1_000, 10_000, 100_000, 1_000_000];
const USUAL_LIMIT = 10_000;
const NO_LIMIT = "none";
const DEFAULT_PLACE = "\u0000default";

/** What of the page is in its address. */
export interface WorkbenchSearch {
  view?: ResultView;
  /** Which of several results, from 1. */
  result?: number;
  panel?: Panel;
}

interface WorkbenchProps {
  draft: Draft;
  query?: SavedQuery;
  search: WorkbenchSearch;
  onSearch: (part: WorkbenchSearch) => void;
}

/** The SQL editor: what there is, what is written, and what it gives. */
export function Workbench({ draft, query, search, onSearch }: WorkbenchProps) {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const { drafts } = useDrafts();
  const run = useRun(draft.id);
  const view = useRef<EditorView | null>(null);
  const [saving, setSaving] = useState<"new" | "details" | null>(null);
  const { data: warehouses = [] } = useQuery(warehousesQuery);
  const save = useSaveQuery();
  const trash = useTrashQuery();
  const split = useSplit();
  const warehouse =
    warehouses.find((each) => each.id === draft.warehouseId) ??
    warehouses.find((each) => each.engine === "duckdb") ??
    warehouses[0];
  const { data: catalogs = [] } = useQuery(catalogNamesQuery);
  const place = {
    catalog: draft.catalog ?? warehouse?.catalog ?? catalogs[0],
    schema: draft.schema ?? warehouse?.schema ?? undefined,
  };
  const placeNow = useRef(place);
  placeNow.current = place;
  const language = useMemo(() => sqlWithCatalog(() => placeNow.current), []);
  const names = useMemo(() => parameterNames(draft.text), [draft.text]);
  const own = new Set((query?.parameters ?? []).filter(isOwnKind).map((each) => each.name));
  const running = isRunning(run);
  const unsaved = isUnsaved(draft);

  useEffect(() => {
    document.title = `${draft.title} · SQL · OpenLake`;
  }, [draft.title]);
  useEffect(() => {
    activateDraft(draft.id);
    if (draft.sent) void restoreRun(draft.id, draft.sent);
  }, [draft.id, draft.sent]);

  function start(): void {
    if (running || !warehouse) return;
    const at = view.current;
    if (at) closeCompletion(at);
    const range = at?.state.selection.main;
    const chosen = at && range && !range.empty;
    const from = chosen ? range.from : 0;
    const text = at
      ? chosen
        ? at.state.sliceDoc(range.from, range.to)
        : at.state.doc.toString()
      : draft.text;
    const statements = splitStatements(text).map((each) => ({
      ...each,
      from: each.from + from,
      to: each.to + from,
    }));
    if (statements.length === 0) {
      toast.info("There is nothing to run yet: write a statement.");
      return;
    }
    const needsSaved = statements.some((each) =>
      parameterNames(each.text).some((name) => own.has(name)),
    );
    if (needsSaved && (unsaved || chosen)) {
      toast.info("Save the query first: its choices and ranges are part of what is saved.");
      return;
    }
    onSearch({ ...search, result: undefined });
    void startRun(draft.id, statements, {
      warehouse_id: warehouse.id,
      catalog: draft.catalog,
      schema: draft.schema,
      row_limit: draft.limit === 0 ? undefined : (draft.limit ?? USUAL_LIMIT),
      query_id: draft.queryId,
      parametersOf: (each) => sentParameters(parameterNames(each), draft.parameters),
      ...(needsSaved && query
        ? {
            saved: {
              id: query.id,
              parameters: Object.fromEntries(
                names.map((name) => [name, givenValue(name, draft.parameters).value]),
              ),
            },
          }
        : {}),
    });
  }

  async function saveNow(): Promise<void> {
    if (!query) {
      setSaving("new");
      return;
    }
    try {
      const saved = await save.mutateAsync({ id: query.id, wish: contentOf(draft, query) });
      updateDraft(draft.id, { savedText: saved.query_text });
      toast.success("Saved");
    } catch (error) {
      toast.error(messageOf(error));
    }
  }

  const shortcuts = useRef({ start, saveNow });
  shortcuts.current = { start, saveNow };
  useShortcuts(
    useMemo(
      () => ({
        "mod+s": () => void shortcuts.current.saveNow(),
        "mod+enter": () => shortcuts.current.start(),
      }),
      [],
    ),
  );

  const insert = useCallback((text: string) => {
    const at = view.current;
    if (!at) return;
    at.dispatch(at.state.replaceSelection(text));
    at.focus();
  }, []);

  function show(next: Draft | undefined): void {
    if (next?.queryId)
      void navigate({
        to: "/sql/queries/$queryId",
        params: { queryId: next.queryId },
        search: next.id === draft.id ? search : {},
      });
    else void navigate({ to: "/sql", search: next ? { draft: next.id } : {} });
  }

  function close(closing: Draft): void {
    if (isUnsaved(closing) && !confirmLoss(closing)) return;
    void cancelRun(closing.id).catch(() => undefined);
    forgetRun(closing.id);
    const next = closeDraft(closing.id);
    if (closing.id === draft.id) show(next);
  }

  async function share(): Promise<void> {
    const url = new URL(location.href);
    if (draft.chart) url.searchParams.set("chart", spellChoice(draft.chart));
    await navigator.clipboard.writeText(url.toString());
    toast.success("The link is copied", {
      description: query
        ? "Whoever may see the query can open it."
        : "Only a saved query can be opened by others.",
    });
  }

  const problems = useMemo(
    () => problemsOf(run?.items ?? [], draft.text),
    [run?.items, draft.text],
  );
  const items = run?.items ?? [];
  const chosen = Math.min(Math.max((search.result ?? 0) - 1, -1), items.length - 1);
  const item = chosen >= 0 ? items[chosen] : lastShown(items);

  return (
    <div className="flex h-full min-h-0">
      <SidePanel onInsert={insert} />
      <div className="flex min-w-0 flex-1 flex-col">
        <h1 className="sr-only">SQL: {draft.title}</h1>
        <DraftTabs
          drafts={drafts}
          active={draft.id}
          onClose={close}
          onNew={() => show(openDraft())}
        />
        <div className="flex flex-wrap items-center gap-2 border-b border-line bg-surface px-3 py-2">
          {running ? (
            <Button
              kind="danger"
              className="h-8 min-w-24"
              onClick={() =>
                void cancelRun(draft.id).catch((error) => toast.error(messageOf(error)))
              }
            >
              <CircleStop aria-hidden />
              Cancel
            </Button>
          ) : (
            <Button
              kind="primary"
              className="h-8 min-w-24"
              title="Ctrl Enter; runs the selection when there is one"
              onClick={start}
              disabled={!warehouse}
            >
              <Play aria-hidden />
              Run
            </Button>
          )}
          <Select
            label="Rows at most"
            className="h-8 w-32"
            value={draft.limit === 0 ? NO_LIMIT : String(draft.limit ?? USUAL_LIMIT)}
            onChange={(value) =>
              updateDraft(draft.id, { limit: value === NO_LIMIT ? 0 : Number(value) })
            }
            options={[
              ...LIMITS.map((limit) => ({
                value: String(limit),
                label: `${formatCount(limit)} rows`,
              })),
              { value: NO_LIMIT, label: "All rows" },
            ]}
          />
          <WarehousePicker
            value={warehouse?.id}
            onChange={(warehouseId) => updateDraft(draft.id, { warehouseId })}
          />
          <PlacePicker draft={draft} catalogs={catalogs} standard={place} />
          <div className="ml-auto flex items-center gap-1">
            <Button
              className="h-8"
              onClick={() => void saveNow()}
              busy={save.isPending}
              disabled={!!query && !unsaved}
            >
              <Save aria-hidden />
              {query && !unsaved ? "Saved" : "Save"}
            </Button>
            <IconButton label="Copy a link to this page" onClick={() => void share()}>
              <Link2 />
            </IconButton>
            <Menu
              label="More of this query"
              trigger={
                <IconButton label="More">
                  <Ellipsis />
                </IconButton>
              }
              items={[
                ...(query
                  ? [
                      {
                        label: "Versions",
                        icon: <GitCompare aria-hidden />,
                        onSelect: () => onSearch({ ...search, panel: "versions" }),
                      },
                      {
                        label: "Runs",
                        icon: <History aria-hidden />,
                        onSelect: () => onSearch({ ...search, panel: "runs" }),
                      },
                      {
                        label: "Alerts",
                        icon: <BellRing aria-hidden />,
                        onSelect: () => onSearch({ ...search, panel: "alerts" }),
                      },
                      {
                        label: "Rename, describe, tag",
                        icon: <Pencil aria-hidden />,
                        onSelect: () => setSaving("details"),
                      },
                      {
                        label: "Save as a new query",
                        icon: <FilePlus aria-hidden />,
                        onSelect: () => setSaving("new"),
                      },
                      {
                        label: "Permissions",
                        icon: <ShieldCheck aria-hidden />,
                        onSelect: () =>
                          void navigate({
                            to: "/permissions",
                            search: { tab: "objects", type: "queries", id: query.id },
                          }),
                      },
                      null,
                      {
                        label: "Move to the trash",
                        icon: <Trash2 aria-hidden />,
                        danger: true,
                        onSelect: () =>
                          trash.mutate(query.id, {
                            onSuccess: () => {
                              toast.success(`“${query.display_name}” is in the trash`);
                              show(closeDraft(draft.id));
                            },
                            onError: (error) => toast.error(messageOf(error)),
                          }),
                      },
                    ]
                  : []),
                {
                  label: "History of all statements",
                  icon: <History aria-hidden />,
                  onSelect: () => void navigate({ to: "/sql/history" }),
                },
              ]}
            />
          </div>
        </div>
        <div className="flex min-h-0 flex-1 flex-col" ref={split.frame}>
          <div className="min-h-24 shrink-0" style={{ height: `${split.share}%` }}>
            <Editor
              key={draft.id}
              label="SQL"
              value={draft.text}
              onChange={(text) => updateDraft(draft.id, { text })}
              extensions={language}
              problems={problems}
              onRun={start}
              onView={(made) => {
                view.current = made;
              }}
              className="h-full"
            />
          </div>
          <ParameterBar
            names={names}
            values={draft.parameters}
            fixed={own}
            onRun={start}
            onChange={(name, value) =>
              updateDraft(draft.id, { parameters: { ...draft.parameters, [name]: value } })
            }
          />
          <Splitter split={split} />
          <section aria-label="Results" className="flex min-h-0 flex-1 flex-col bg-surface">
            {items.length > 1 && (
              <ResultTabs
                items={items}
                chosen={items.indexOf(item as Item)}
                onChoose={(index) => onSearch({ ...search, result: index + 1 })}
              />
            )}
            <div className="min-h-0 flex-1">
              {item ? (
                <ResultPane
                  item={item}
                  view={search.view ?? "table"}
                  onView={(next) => onSearch({ ...search, view: next })}
                  chart={draft.chart ?? null}
                  onChart={(chart) => updateDraft(draft.id, { chart })}
                  chartKept="Kept in this browser; the copied link carries it to others."
                  waiting={waitingWords(warehouse)}
                  onShowError={
                    problems.length > 0
                      ? () => {
                          const at = view.current;
                          const found = problems[0];
                          if (!at || !found) return;
                          at.dispatch({
                            selection: { anchor: found.from, head: found.to },
                            scrollIntoView: true,
                          });
                          at.focus();
                        }
                      : undefined
                  }
                />
              ) : (
                <EmptyState
                  icon={SquareTerminal}
                  title="Results appear here"
                  className="h-full justify-center py-4"
                >
                  Ctrl Enter runs the text, or what is selected of it. Names complete as you type;
                  write <code className="font-mono">:name</code> for a parameter.
                </EmptyState>
              )}
            </div>
          </section>
        </div>
      </div>
      {saving && (
        <SaveDialog
          draft={draft}
          query={saving === "details" ? query : undefined}
          onClose={() => setSaving(null)}
          onSaved={(saved) => {
            setSaving(null);
            toast.success("Saved");
            cache.setQueryData(savedQueryQuery(saved.id).queryKey, saved);
            const fresh = {
              queryId: saved.id,
              title: saved.display_name,
              savedText: saved.query_text,
            };
            if (query && saving === "new") show(openDraft({ ...draft, ...fresh, id: newId() }));
            else {
              updateDraft(draft.id, fresh);
              show({ ...draft, ...fresh });
            }
          }}
        />
      )}
      {query && search.panel && (
        <QueryPanel
          query={query}
          panel={search.panel}
          columns={item?.answer?.manifest.schema.columns.map((column) => column.name) ?? []}
          onPanel={(panel) => onSearch({ ...search, panel })}
          onRestored={() =>
            void cache.fetchQuery({ ...savedQueryQuery(query.id), staleTime: 0 }).then((now) => {
              updateDraft(draft.id, {
                text: now.query_text,
                savedText: now.query_text,
                title: now.display_name,
                parameters: fromSaved(now.parameters),
              });
              toast.success("Restored, as a new version");
            })
          }
          onOpenRun={({ text }) => show(openDraft({ text }))}
        />
      )}
    </div>
  );
}

function confirmLoss(draft: Draft): boolean {
  return window.confirm(`Close “${draft.title}”? What is not saved of it is lost.`);
}

/** The statement that is worth looking at: the one that runs or failed, else the last one. */
function lastShown(items: Item[]): Item | undefined {
  return (
    items.find((item) => ["PENDING", "RUNNING", "FAILED"].includes(item.state)) ?? items.at(-1)
  );
}

/** Where the failed statements' messages point, as long as their text still stands there. */
function problemsOf(items: Item[], text: string): Diagnostic[] {
  return items.flatMap((item) => {
    if (item.state !== "FAILED" || !item.message) return [];
    if (text.slice(item.from, item.from + item.text.length) !== item.text) return [];
    const place = errorPlace(item.message, item.text);
    if (!place) return [];
    return [
      {
        from: item.from + place.from,
        to: item.from + place.to,
        severity: "error" as const,
        message: item.message.split("\n\nLINE")[0] ?? item.message,
      },
    ];
  });
}

function SidePanel({ onInsert }: { onInsert: (text: string) => void }) {
  const [shown, setShown] = useState<"catalog" | "queries">("catalog");
  return (
    <aside
      aria-label="Catalog and saved queries"
      className="hidden w-66 shrink-0 flex-col border-r border-line bg-surface md:flex"
    >
      <div className="px-2 pt-1">
        <Tabs
          label="Side panel"
          value={shown}
          onChange={setShown}
          tabs={[
            { value: "catalog", label: "Tables" },
            { value: "queries", label: "Queries" },
          ]}
          actions={
            <Link
              to="/sql/history"
              title="History of all statements"
              aria-label="History of all statements"
              className="mr-1 inline-flex size-7 items-center justify-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink"
            >
              <History aria-hidden className="size-4" />
            </Link>
          }
        />
      </div>
      {shown === "catalog" ? <CatalogTree onInsert={onInsert} /> : <QueryList />}
    </aside>
  );
}

interface DraftTabsProps {
  drafts: Draft[];
  active: string;
  onClose: (draft: Draft) => void;
  onNew: () => void;
}

function DraftTabs({ drafts, active, onClose, onNew }: DraftTabsProps) {
  return (
    <nav
      aria-label="Open queries"
      className="flex h-9 shrink-0 items-stretch overflow-x-auto border-b border-line bg-canvas"
    >
      <ul className="flex items-stretch">
        {drafts.map((draft) => (
          <li
            key={draft.id}
            className={cx(
              "group relative flex max-w-56 items-center border-r border-line pr-1",
              draft.id === active
                ? "bg-surface text-ink shadow-[inset_0_2px_0_var(--accent)]"
                : "text-ink-soft hover:text-ink",
            )}
          >
            <Link
              {...(draft.queryId
                ? { to: "/sql/queries/$queryId", params: { queryId: draft.queryId } }
                : { to: "/sql", search: { draft: draft.id } })}
              aria-current={draft.id === active ? "page" : undefined}
              title={draft.title}
              className="flex h-full min-w-0 items-center gap-2 pl-3 text-[13px]"
            >
              <span className="truncate">{draft.title}</span>
              {draft.queryId && isUnsaved(draft) && (
                <span
                  title="Changed since it was saved"
                  className="size-1.5 shrink-0 rounded-full bg-warn-fill"
                />
              )}
            </Link>
            <button
              type="button"
              aria-label={`Close ${draft.title}`}
              onClick={() => onClose(draft)}
              className="ml-1 flex size-7 items-center justify-center rounded text-ink-faint hover:bg-sunken hover:text-ink"
            >
              <X aria-hidden className="size-3.5" />
            </button>
          </li>
        ))}
      </ul>
      <IconButton label="New query" className="m-0.5" onClick={onNew}>
        <Plus />
      </IconButton>
    </nav>
  );
}

interface PlacePickerProps {
  draft: Draft;
  catalogs: string[];
  standard: { catalog?: string; schema?: string };
}

/** Where names without catalog and schema are looked for. */
function PlacePicker({ draft, catalogs, standard }: PlacePickerProps) {
  const catalog = draft.catalog ?? standard.catalog;
  const { data: schemas = [] } = useQuery({
    ...schemaNamesQuery(catalog ?? ""),
    enabled: !!catalog,
  });
  return (
    <span className="flex items-center gap-1">
      <Select
        label="Catalog"
        className="h-8 w-34"
        value={catalog}
        placeholder="Catalog"
        onChange={(next) => updateDraft(draft.id, { catalog: next, schema: undefined })}
        options={catalogs.map((each) => ({ value: each, label: each }))}
      />
      <span aria-hidden className="text-ink-faint">
        .
      </span>
      <Select
        label="Schema"
        className="h-8 w-36"
        value={draft.schema ?? DEFAULT_PLACE}
        onChange={(next) =>
          updateDraft(draft.id, {
            catalog,
            schema: next === DEFAULT_PLACE ? undefined : next,
          })
        }
        options={[
          { value: DEFAULT_PLACE, label: standard.schema ?? "Usual schema" },
          ...schemas.map((each) => ({ value: each, label: each })),
        ]}
      />
    </span>
  );
}

interface ResultTabsProps {
  items: Item[];
  chosen: number;
  onChoose: (index: number) => void;
}

const MARKS: Record<string, string> = {
  SUCCEEDED: "bg-good-fill",
  FAILED: "bg-bad-fill",
  RUNNING: "bg-live-fill animate-pulse",
  PENDING: "bg-live-fill animate-pulse",
};

function ResultTabs({ items, chosen, onChoose }: ResultTabsProps) {
  return (
    <Tabs
      label="Results of the statements"
      value={String(chosen)}
      onChange={(value) => onChoose(Number(value))}
      tabs={items.map((item, index) => ({
        value: String(index),
        label: (
          <span className="flex max-w-48 items-center gap-1.5 text-xs">
            <span
              aria-hidden
              className={cx("size-2 shrink-0 rounded-full bg-calm-fill", MARKS[item.state])}
            />
            <span className="shrink-0 text-ink-faint tabular-nums">{index + 1}</span>
            <span className="truncate font-mono">{item.text.replace(/\s+/g, " ")}</span>
            {item.state === "RUNNING" && item.startedAt && <Elapsed from={item.startedAt} />}
          </span>
        ),
      }))}
    />
  );
}
