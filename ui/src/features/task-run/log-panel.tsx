import {
  ArrowDown,
  ArrowUp,
  CircleAlert,
  Columns2,
  Download,
  ListFilter,
  Radio,
  ScrollText,
  TextWrap,
  Unplug,
  X,
} from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { inWorkspaceUrl } from "@/api/client";
import { logPath } from "@/api/task-logs";
import { Button, IconButton } from "@/components/button";
import { CopyButton } from "@/components/copy-button";
import { SearchBox } from "@/components/form";
import { Menu } from "@/components/overlay";
import { StateIcon } from "@/components/state-badge";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { cx } from "@/lib/cx";
import { formatCompact, formatCount, plural } from "@/lib/numbers";
import { LogList, type LogListHandle } from "./log-list";
import { readLines, type TaskSearch, writeLines } from "./search";
import { type Found, type Log, useLog, useLogSearch } from "./use-log";

/** One attempt as the log panel needs it. */
export interface LogAttempt {
  taskRunId: number;
  /** Counted from 1, as people see it. */
  number: number;
  state: string;
  isOpen: boolean;
  hasBegun: boolean;
}

interface LogPanelProps {
  attempt: LogAttempt;
  attempts: LogAttempt[];
  /** Of the downloaded file. */
  name: string;
  search: TaskSearch;
  onSearch: (change: Partial<TaskSearch>) => void;
  /** The log of an open attempt has ended: so has the attempt. */
  onEnded: () => void;
}

const WRAP = "openlake.log.wrap";

/** The log of an attempt, as it is written: searched, filtered, linked to by line, beside another's. */
export function LogPanel(props: LogPanelProps) {
  const { attempt, attempts, name, search, onSearch, onEnded } = props;
  const [text, setText] = useState(search.q ?? "");
  const [wrap, setWrap] = useState(() => localStorage.getItem(WRAP) !== "off");
  const [current, setCurrent] = useState(0);
  const list = useRef<LogListHandle>(null);
  const log = useLog(attempt.hasBegun ? attempt.taskRunId : null, attempt.isOpen);
  const found = useLogSearch(log, text);
  const other = attempts.find((each) => each.taskRunId === search.beside);
  const selected = readLines(search.line);
  const only = Boolean(search.only && found.search);
  const hasEnded = attempt.hasBegun && attempt.isOpen && log.status === "ended";
  // biome-ignore lint/correctness/useExhaustiveDependencies: told once
  useEffect(() => {
    if (hasEnded) onEnded();
  }, [hasEnded]);
  useKeptInAddress(text, search.q ?? "", (q) => onSearch({ q: q || undefined }));
  useFirstLook(log, list, selected?.from ?? null);
  // A line in the address counts more than the search beside it.
  useFirstMatch(found, list, selected && text === search.q ? "" : text, setCurrent);

  function step(by: number): void {
    const matches = found.search?.matches ?? [];
    if (matches.length === 0) return;
    const next = (current + by + matches.length) % matches.length;
    setCurrent(next);
    list.current?.show(matches[next] ?? 0);
  }

  const firstError = log.buffer.firstError;
  return (
    <section
      aria-label="Log"
      className="flex min-h-0 flex-1 flex-col overflow-hidden rounded-lg border border-line bg-surface"
    >
      <div className="flex flex-wrap items-center gap-x-1 gap-y-1.5 border-b border-line px-2 py-1.5">
        <SearchBox
          label="Search the log"
          placeholder="Search, or /expression/"
          value={text}
          onChange={(value) => {
            setText(value);
            setCurrent(0);
          }}
          aria-invalid={found.broken || undefined}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
            if (event.key !== "Enter") return;
            event.preventDefault();
            step(event.shiftKey ? -1 : 1);
          }}
        />
        <IconButton label="Previous match" disabled={!hasMatch(found)} onClick={() => step(-1)}>
          <ArrowUp />
        </IconButton>
        <IconButton label="Next match" disabled={!hasMatch(found)} onClick={() => step(1)}>
          <ArrowDown />
        </IconButton>
        <Toggle
          label="Only lines with a match"
          on={only}
          disabled={!found.search}
          onClick={() => onSearch({ only: search.only ? undefined : true })}
        >
          <ListFilter />
        </Toggle>
        <Toggle
          label="Wrap long lines"
          on={wrap}
          onClick={() => {
            localStorage.setItem(WRAP, wrap ? "off" : "on");
            setWrap(!wrap);
          }}
        >
          <TextWrap />
        </Toggle>
        <MatchCount found={found} current={current} />
        <span className="flex-1" />
        {firstError !== null && (
          <Button
            size="small"
            kind="quiet"
            className="text-bad hover:text-bad"
            onClick={() => {
              onSearch({ line: firstError + 1, only: undefined });
              // After the filter is gone.
              requestAnimationFrame(() => list.current?.show(firstError));
            }}
          >
            <CircleAlert aria-hidden />
            First error
          </Button>
        )}
        <LogStatusWord log={log} isOpen={attempt.isOpen} />
        {attempts.length > 1 && (
          <Menu
            label="Another attempt's log beside"
            trigger={
              <Button size="small" kind="quiet">
                <Columns2 aria-hidden />
                Compare
              </Button>
            }
            items={attempts
              .filter((each) => each.taskRunId !== attempt.taskRunId)
              .map((each) => ({
                label: `Attempt ${each.number}`,
                icon: <StateIcon state={each.state} />,
                onSelect: () => onSearch({ beside: each.taskRunId }),
              }))}
          />
        )}
        <CopyButton
          label={selected ? "Copy the chosen lines" : "Copy the log"}
          text={() =>
            selected ? log.buffer.text(selected.from - 1, selected.to) : log.buffer.text()
          }
        />
        <a
          href={inWorkspaceUrl(logPath(attempt.taskRunId))}
          download={`${name}.log`}
          title="Download the whole log"
          aria-label="Download the whole log"
          className="inline-flex size-8 items-center justify-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink"
        >
          <Download className="size-4" />
        </a>
      </div>
      <div className="flex min-h-0 flex-1 divide-x divide-line">
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          {other && <Side attempt={attempt} />}
          <LogBody attempt={attempt} log={log} found={found} only={only}>
            <LogList
              key={attempt.taskRunId}
              handle={list}
              log={log}
              label={`Log of attempt ${attempt.number}`}
              wrap={wrap}
              found={found}
              only={only}
              current={current}
              selected={selected}
              onSelect={(lines) => onSearch({ line: writeLines(lines) })}
              atEnd={!selected && attempt.state !== "SUCCESS"}
            />
          </LogBody>
        </div>
        {other && (
          <Beside
            key={other.taskRunId}
            attempt={other}
            wrap={wrap}
            text={text}
            only={Boolean(search.only)}
            onClose={() => onSearch({ beside: undefined })}
          />
        )}
      </div>
    </section>
  );
}

interface BesideProps {
  attempt: LogAttempt;
  wrap: boolean;
  text: string;
  only: boolean;
  onClose: () => void;
}

/** Another attempt's log, searched for the same. */
function Beside({ attempt, wrap, text, only, onClose }: BesideProps) {
  const log = useLog(attempt.hasBegun ? attempt.taskRunId : null, attempt.isOpen);
  const found = useLogSearch(log, text);
  const isFiltered = only && found.search !== null;
  return (
    <div className="flex min-h-0 min-w-0 flex-1 flex-col">
      <Side attempt={attempt} onClose={onClose} />
      <LogBody attempt={attempt} log={log} found={found} only={isFiltered}>
        <LogList
          log={log}
          label={`Log of attempt ${attempt.number}`}
          wrap={wrap}
          found={found}
          only={isFiltered}
          current={-1}
          selected={null}
          onSelect={() => undefined}
          atEnd={attempt.state !== "SUCCESS"}
        />
      </LogBody>
    </div>
  );
}

/** Whose log it is, where two are shown. */
function Side({ attempt, onClose }: { attempt: LogAttempt; onClose?: () => void }) {
  return (
    <div className="flex h-8 shrink-0 items-center gap-2 border-b border-line bg-canvas pr-1 pl-3 text-xs font-medium">
      <StateIcon state={attempt.state} className="size-3.5" />
      <span className="flex-1">Attempt {attempt.number}</span>
      {onClose && (
        <IconButton label="Close this log" className="size-6" onClick={onClose}>
          <X />
        </IconButton>
      )}
    </div>
  );
}

interface LogBodyProps {
  attempt: LogAttempt;
  log: Log;
  found: Found;
  only: boolean;
  children: ReactNode;
}

/** What is there instead of lines, while there are none. */
function LogBody({ attempt, log, found, only, children }: LogBodyProps) {
  if (!attempt.hasBegun)
    return (
      <EmptyState icon={ScrollText} title="It has not begun yet" className="flex-1 justify-center">
        Its log appears here by itself, line by line, as soon as it writes.
      </EmptyState>
    );
  if (log.error) return <ErrorState error={log.error} className="flex-1 justify-center" />;
  if (log.buffer.count === 0)
    return log.status === "loading" ? (
      <Skeleton lines={8} className="flex-1" />
    ) : (
      <EmptyState
        icon={ScrollText}
        title={attempt.isOpen ? "Nothing has been written yet" : "It wrote nothing"}
        className="flex-1 justify-center"
      >
        {attempt.isOpen
          ? "Lines appear here as they are written."
          : "What a task prints is its log; this one printed nothing."}
      </EmptyState>
    );
  if (only && found.search?.lines.length === 0 && !found.busy)
    return (
      <EmptyState title="No line fits" className="flex-1 justify-center">
        Switch the filter off to see all {formatCount(log.buffer.count)} lines.
      </EmptyState>
    );
  return (
    <>
      {children}
      {log.status === "cut" && (
        <p className="flex items-center justify-center gap-3 border-t border-line bg-warn-soft px-3 py-1.5 text-sm text-warn">
          The log is very long; {plural(log.buffer.count, "line")} of it are read.
          <Button size="small" onClick={log.readMore}>
            Read on
          </Button>
        </p>
      )}
    </>
  );
}

function MatchCount({ found, current }: { found: Found; current: number }) {
  const { search } = found;
  if (found.broken) return <Count className="text-bad">No such expression</Count>;
  if (!search) return null;
  const count = search.matches.length;
  if (count === 0) return <Count>{found.busy ? "Searching…" : "No match"}</Count>;
  return (
    <Count>
      {formatCount(Math.min(current, count - 1) + 1)} of {formatCount(count)}
      {search.isFull && "+"}
    </Count>
  );
}

function Count({ className, children }: { className?: string; children: ReactNode }) {
  return (
    <span
      role="status"
      className={cx("px-1.5 text-xs whitespace-nowrap text-ink-soft tabular-nums", className)}
    >
      {children}
    </span>
  );
}

/** Whether the log still comes, and how long it is. */
function LogStatusWord({ log, isOpen }: { log: Log; isOpen: boolean }) {
  const lines = log.buffer.count > 0 && (
    <span className="px-1.5 text-xs whitespace-nowrap text-ink-faint tabular-nums">
      {log.buffer.count < 100_000
        ? plural(log.buffer.count, "line")
        : `${formatCompact(log.buffer.count)} lines`}
    </span>
  );
  return (
    <>
      {lines}
      {log.status === "live" && isOpen && (
        <span className="inline-flex items-center gap-1 rounded-full bg-live-soft px-2 py-0.5 text-xs font-medium text-live">
          <Radio aria-hidden className="size-3.5 animate-pulse" />
          Live
        </span>
      )}
      {log.status === "lost" && (
        <span className="inline-flex items-center gap-1 rounded-full bg-warn-soft px-2 py-0.5 text-xs font-medium text-warn">
          <Unplug aria-hidden className="size-3.5" />
          Connecting again
        </span>
      )}
    </>
  );
}

interface ToggleProps {
  label: string;
  on: boolean;
  disabled?: boolean;
  onClick: () => void;
  children: ReactNode;
}

function Toggle({ label, on, disabled, onClick, children }: ToggleProps) {
  return (
    <IconButton
      label={label}
      aria-pressed={on}
      disabled={disabled}
      onClick={onClick}
      className={cx(on && "bg-accent-soft text-accent hover:bg-accent-soft hover:text-accent")}
    >
      {children}
    </IconButton>
  );
}

function hasMatch(found: Found): boolean {
  return (found.search?.matches.length ?? 0) > 0;
}

const TYPING_MS = 400;

/** Write what is typed into the address once it rests. */
function useKeptInAddress(text: string, kept: string, keep: (text: string) => void): void {
  const latest = useRef(keep);
  latest.current = keep;
  useEffect(() => {
    if (text === kept) return;
    const timer = setTimeout(() => latest.current(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, kept]);
}

/** Show the line of the address once it has come. */
function useFirstLook(
  log: Log,
  list: React.RefObject<LogListHandle | null>,
  line: number | null,
): void {
  const [done, setDone] = useState(line === null);
  useEffect(() => {
    if (done || line === null || !list.current) return;
    if (list.current.show(line - 1) || log.status === "ended") setDone(true);
  });
}

/** Go to the first match of what is typed, once. */
function useFirstMatch(
  found: Found,
  list: React.RefObject<LogListHandle | null>,
  text: string,
  setCurrent: (current: number) => void,
): void {
  const shown = useRef(found.search);
  useEffect(() => {
    const first = found.search?.matches[0];
    if (!text || first === undefined || shown.current === found.search) return;
    shown.current = found.search;
    setCurrent(0);
    list.current?.show(first);
  });
}
