import {
  useCallback,
  useDeferredValue,
  useEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "react";
import { LogSource, type LogStatus } from "@/api/task-logs";
import { LogBuffer } from "./log-buffer";
import { LogSearch, patternOf } from "./log-search";

const LINES_A_STEP = 20_000;

/** A log as far as it has come. */
export interface Log {
  buffer: LogBuffer;
  /** Grows whenever the buffer has; at most once a frame. */
  version: number;
  status: LogStatus;
  error: unknown;
  /** Reads on after `cut`. */
  readMore: () => void;
}

/** Read a task run's log, and follow it while the task run is open. Nothing is asked for without an id. */
export function useLog(taskRunId: number | null, live: boolean): Log {
  const [buffer, setBuffer] = useState(() => new LogBuffer());
  const [version, bump] = useReducer((count: number) => count + 1, 0);
  const [status, setStatus] = useState<LogStatus>("loading");
  const [error, setError] = useState<unknown>(null);
  const source = useRef<LogSource | null>(null);
  // The stream itself says when the log ends: that the task has ended meanwhile changes nothing.
  const begunLive = useRef(live);
  begunLive.current = live;
  useEffect(() => {
    if (taskRunId === null) return;
    let frame = 0;
    const fresh = new LogBuffer();
    setBuffer(fresh);
    const reading = new LogSource(taskRunId, begunLive.current, {
      onText: (text) => {
        fresh.append(text);
        frame ||= requestAnimationFrame(() => {
          frame = 0;
          bump();
        });
      },
      onStatus: setStatus,
      onError: setError,
    });
    source.current = reading;
    setError(null);
    reading.start();
    return () => {
      reading.stop();
      cancelAnimationFrame(frame);
    };
  }, [taskRunId]);
  const readMore = useCallback(() => {
    setStatus("loading");
    source.current?.readMore();
  }, []);
  return { buffer, version, status, error, readMore };
}

export interface Found {
  /** Nothing is searched for, or the expression is broken. */
  search: LogSearch | null;
  /** Grows as more is found. */
  version: number;
  /** What was typed is no expression. */
  broken: boolean;
  /** Looking is still under way. */
  busy: boolean;
}

/** Search a log while it grows, without holding up what is drawn. */
export function useLogSearch(log: Log, text: string): Found {
  const wanted = useDeferredValue(text.trim());
  const pattern = useMemo(() => (wanted ? patternOf(wanted) : null), [wanted]);
  const search = useMemo(
    () => (pattern ? new LogSearch(log.buffer, pattern) : null),
    [pattern, log.buffer],
  );
  const [version, bump] = useReducer((count: number) => count + 1, 0);
  const [busy, setBusy] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version is new lines to look at
  useEffect(() => {
    if (!search) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    function look(): void {
      const more = search?.step(LINES_A_STEP) ?? false;
      bump();
      setBusy(more);
      if (more) timer = setTimeout(look);
    }
    look();
    return () => clearTimeout(timer);
  }, [search, log.version]);
  return { search, version, broken: Boolean(wanted) && !pattern, busy };
}
