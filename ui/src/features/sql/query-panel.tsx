import { PostgreSQL } from "@codemirror/lang-sql";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useState } from "react";
import {
  queryVersionQuery,
  queryVersionsQuery,
  type SavedQuery,
  useRestoreQuery,
} from "@/api/queries";
import { historyQuery } from "@/api/statements";
import { Button } from "@/components/button";
import { Dialog } from "@/components/overlay";
import { QueryView } from "@/components/query-view";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { Tabs } from "@/components/tabs";
import { TextDiff } from "@/components/text-diff";
import { Time } from "@/components/time";
import { formatCount } from "@/lib/numbers";
import { formatDuration } from "@/lib/time";
import { AlertsOf } from "./alerts";
import { StatementStatus } from "./statement-status";

export type Panel = "versions" | "runs" | "alerts";

interface QueryPanelProps {
  query: SavedQuery;
  panel: Panel;
  columns: string[];
  onPanel: (panel: Panel | undefined) => void;
  /** The query has changed: its tab is to show it as it is now. */
  onRestored: () => void;
  onOpenRun: (statement: { text: string }) => void;
}

/** What belongs to a saved query: its versions, what ran of it, its alerts. */
export function QueryPanel({
  query,
  panel,
  columns,
  onPanel,
  onRestored,
  onOpenRun,
}: QueryPanelProps) {
  return (
    <Dialog open wide onOpenChange={() => onPanel(undefined)} title={query.display_name}>
      <Tabs
        label="Of the query"
        value={panel}
        onChange={onPanel}
        tabs={[
          { value: "versions", label: "Versions" },
          { value: "runs", label: "Runs" },
          { value: "alerts", label: "Alerts" },
        ]}
      >
        <div className="min-h-96 pt-3">
          {panel === "versions" && <Versions query={query} onRestored={onRestored} />}
          {panel === "runs" && <Runs query={query} onOpen={onOpenRun} />}
          {panel === "alerts" && <AlertsOf query={query} columns={columns} />}
        </div>
      </Tabs>
    </Dialog>
  );
}

function Versions({ query, onRestored }: { query: SavedQuery; onRestored: () => void }) {
  const versions = useQuery(queryVersionsQuery(query.id));
  const [chosen, setChosen] = useState<number | null>(null);
  const restore = useRestoreQuery();
  return (
    <QueryView query={versions}>
      {(all) => {
        const newest = all[0]?.version ?? 1;
        const shown = chosen ?? newest;
        return (
          <div className="flex gap-4">
            <ol aria-label="Versions" className="max-h-[60vh] w-60 shrink-0 overflow-y-auto">
              {all.map((each) => (
                <li key={each.version}>
                  <button
                    type="button"
                    aria-current={each.version === shown || undefined}
                    onClick={() => setChosen(each.version)}
                    className="flex w-full flex-col rounded-md px-2.5 py-1.5 text-left hover:bg-sunken aria-[current]:bg-accent-soft"
                  >
                    <span className="text-sm font-medium">
                      Version {each.version}
                      {each.version === newest && (
                        <span className="ml-2 text-xs font-normal text-ink-faint">now</span>
                      )}
                    </span>
                    <span className="truncate text-xs text-ink-faint">
                      {each.editor} · <Time at={Number(each.created_at)} />
                    </span>
                  </button>
                </li>
              ))}
            </ol>
            <div className="flex min-w-0 flex-1 flex-col gap-2">
              <div className="flex h-8 items-center justify-between gap-2">
                <h3 className="text-sm font-semibold">
                  {shown > 1 ? `What version ${shown} changed` : "The first version"}
                </h3>
                {shown !== newest && (
                  <Button
                    size="small"
                    busy={restore.isPending}
                    onClick={() =>
                      restore.mutate(
                        { query_id: query.id, version: shown },
                        {
                          onSuccess: () => {
                            setChosen(null);
                            onRestored();
                          },
                        },
                      )
                    }
                  >
                    <History aria-hidden />
                    Restore version {shown}
                  </Button>
                )}
              </div>
              <VersionDiff queryId={query.id} version={shown} />
            </div>
          </div>
        );
      }}
    </QueryView>
  );
}

type Content = Record<string, unknown>;

function VersionDiff({ queryId, version }: { queryId: string; version: number }) {
  const after = useQuery(queryVersionQuery(queryId, version));
  const before = useQuery({
    ...queryVersionQuery(queryId, version - 1),
    enabled: version > 1,
  });
  if (!after.data || (version > 1 && !before.data && !before.error)) return <Skeleton lines={4} />;
  const now = after.data.query as Content;
  const then = (before.data?.query ?? {}) as Content;
  const fields = [...new Set([...Object.keys(now), ...Object.keys(then)])].filter(
    (field) =>
      field !== "query_text" &&
      version > 1 &&
      JSON.stringify(now[field]) !== JSON.stringify(then[field]),
  );
  return (
    <>
      {fields.map((field) => (
        <p key={field} className="text-xs">
          <span className="text-ink-faint">{field.replaceAll("_", " ")}: </span>
          <del className="text-bad">{wordsOf(then[field])}</del> →{" "}
          <ins className="text-good no-underline">{wordsOf(now[field])}</ins>
        </p>
      ))}
      <TextDiff
        before={String((version > 1 ? then : now).query_text ?? "")}
        after={String(now.query_text ?? "")}
        labels={["Before", "After"]}
        extensions={PostgreSQL.language}
        className="max-h-[50vh]"
      />
    </>
  );
}

function wordsOf(value: unknown): string {
  if (value === undefined || value === null || value === "") return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function Runs({
  query,
  onOpen,
}: {
  query: SavedQuery;
  onOpen: (statement: { text: string }) => void;
}) {
  const history = useInfiniteQuery(historyQuery({ query: query.id }));
  if (history.isError && !history.data)
    return <ErrorState error={history.error} onRetry={() => void history.refetch()} />;
  if (!history.data) return <Skeleton />;
  const found = history.data.pages.flatMap((page) => page.res ?? []);
  if (found.length === 0)
    return (
      <EmptyState title="It has not run yet">
        Each run of it on a warehouse is listed here.
      </EmptyState>
    );
  return (
    <ul aria-label="Runs" className="max-h-[60vh] overflow-y-auto">
      {found.map((each) => (
        <li key={each.query_id}>
          <button
            type="button"
            title="Open this text in a tab of its own"
            onClick={() => onOpen({ text: each.query_text })}
            className="grid w-full grid-cols-[8rem_9rem_1fr_6rem_6rem] items-center gap-3 rounded-md px-2 py-1.5 text-left text-sm hover:bg-sunken"
          >
            <StatementStatus status={each.status} />
            <Time at={each.query_start_time_ms} as="instant" />
            <span className="truncate text-ink-soft">{each.user_name}</span>
            <span className="text-right tabular-nums">{formatDuration(each.duration)}</span>
            <span className="text-right text-ink-faint tabular-nums">
              {each.rows_produced == null ? "" : `${formatCount(each.rows_produced)} rows`}
            </span>
          </button>
        </li>
      ))}
      {history.hasNextPage && (
        <li className="flex justify-center p-2">
          <Button size="small" kind="quiet" onClick={() => void history.fetchNextPage()}>
            Show more
          </Button>
        </li>
      )}
    </ul>
  );
}
