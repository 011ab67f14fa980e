import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, History, RotateCcw, Square } from "lucide-react";
import { useState } from "react";
import { type Backfill, backfillQuery, backfillsQuery, useBackfillAction } from "@/api/backfills";
import { cx } from "@/lib/cx";
import { formatCount } from "@/lib/numbers";
import { Button } from "../button";
import { QueryView } from "../query-view";
import { StateBadge } from "../state-badge";
import { EmptyState } from "../states";
import { Time } from "../time";

const STATES: Record<string, string> = { SUCCEEDED: "SUCCESS" };

/** A job's backfills: how far each is, what can be done about it, and its dates. */
export function BackfillProgress({ jobId, onLeave }: { jobId: number; onLeave: () => void }) {
  const backfills = useQuery(backfillsQuery(jobId));
  const [open, setOpen] = useState<number | null>(null);
  return (
    <QueryView query={backfills}>
      {(found) =>
        found.length === 0 ? (
          <EmptyState icon={History} title="No backfill yet">
            Begin one to run the job for dates that have passed.
          </EmptyState>
        ) : (
          <ul className="flex flex-col gap-2">
            {found.map((each) => (
              <Entry
                key={each.backfill_id}
                jobId={jobId}
                backfill={each}
                isOpen={open === each.backfill_id}
                onToggle={() =>
                  setOpen(open === each.backfill_id ? null : (each.backfill_id ?? null))
                }
                onLeave={onLeave}
              />
            ))}
          </ul>
        )
      }
    </QueryView>
  );
}

interface EntryProps {
  jobId: number;
  backfill: Backfill;
  isOpen: boolean;
  onToggle: () => void;
  onLeave: () => void;
}

function Entry({ jobId, backfill, isOpen, onToggle, onLeave }: EntryProps) {
  const act = useBackfillAction(jobId);
  const id = backfill.backfill_id ?? 0;
  const running = backfill.state === "RUNNING";
  const Arrow = isOpen ? ChevronDown : ChevronRight;
  return (
    <li className="rounded-md border border-line">
      <div className="flex flex-wrap items-center gap-3 px-3 py-2.5">
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={onToggle}
          className="flex min-w-0 flex-1 items-center gap-2 text-left"
        >
          <Arrow aria-hidden className="size-4 shrink-0 text-ink-faint" />
          <span className="min-w-0">
            <span className="block truncate text-sm font-medium tabular-nums">
              {backfill.from.slice(0, 10)} – {backfill.to.slice(0, 10)}
              <span className="font-normal text-ink-soft"> · every {backfill.every}</span>
            </span>
            <span className="block text-xs text-ink-faint">
              <Time at={Date.parse(backfill.created_at ?? "")} /> by {backfill.creator_user_name}
            </span>
          </span>
        </button>
        <StateBadge state={STATES[backfill.state] ?? backfill.state} />
        {running ? (
          <Button
            size="small"
            kind="danger"
            busy={act.isPending}
            onClick={() => act.mutate({ id, action: "cancel" })}
          >
            <Square aria-hidden />
            Stop
          </Button>
        ) : (
          backfill.succeeded < backfill.total && (
            <Button
              size="small"
              busy={act.isPending}
              onClick={() => act.mutate({ id, action: "rerun" })}
            >
              <RotateCcw aria-hidden />
              Run the rest again
            </Button>
          )
        )}
      </div>
      <Bar backfill={backfill} />
      {isOpen && <Dates jobId={jobId} id={id} onLeave={onLeave} />}
    </li>
  );
}

function Bar({ backfill }: { backfill: Backfill }) {
  const { total, succeeded, failed, active } = backfill;
  const part = (count: number) => `${(count / Math.max(1, total)) * 100}%`;
  return (
    <div className="px-3 pb-2.5">
      <div aria-hidden className="flex h-1.5 overflow-hidden rounded-full bg-sunken">
        <span className="bg-good-fill" style={{ width: part(succeeded) }} />
        <span className="bg-bad-fill" style={{ width: part(failed) }} />
        <span className="animate-pulse bg-live-fill" style={{ width: part(active) }} />
      </div>
      <p className="mt-1 text-xs text-ink-soft tabular-nums">
        {formatCount(succeeded)} of {formatCount(total)} succeeded
        {failed > 0 && <span className="text-bad"> · {formatCount(failed)} did not</span>}
        {active > 0 && <span className="text-live"> · {formatCount(active)} under way</span>}
      </p>
    </div>
  );
}

function Dates({ jobId, id, onLeave }: { jobId: number; id: number; onLeave: () => void }) {
  const backfill = useQuery(backfillQuery(jobId, id));
  return (
    <div className="max-h-64 overflow-y-auto border-t border-line">
      <QueryView query={backfill}>
        {({ dates }) => (
          <table className="w-full text-xs">
            <caption className="sr-only">Dates of the backfill</caption>
            <tbody>
              {(dates ?? []).map((date) => (
                <tr key={date.at} className="border-b border-line/60 last:border-0">
                  <th
                    scope="row"
                    className="px-3 py-1.5 text-left font-normal whitespace-nowrap tabular-nums"
                  >
                    {date.at.replace("T", " ").replace(/(:00)?(Z|\+00:00)$/, " UTC")}
                  </th>
                  <td className="px-3 py-1.5">
                    <StateBadge state={date.state} />
                  </td>
                  <td className={cx("px-3 py-1.5 text-right", date.error && "text-left text-bad")}>
                    {date.error ??
                      (date.run_id && (
                        <Link
                          to="/jobs/$jobId/runs/$runId"
                          params={{ jobId: String(jobId), runId: String(date.run_id) }}
                          onClick={onLeave}
                          className="text-accent hover:underline"
                        >
                          Run {date.run_id}
                        </Link>
                      ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </QueryView>
    </div>
  );
}
