import { wholeCharacters } from "@/lib/utf8";
import { fetchRaw, inWorkspaceUrl, OfflineError } from "./client";
import { reportAnswer, reportSilence } from "./connection";

/** How the reading of a log goes. `cut`: there is more, which is read when asked for. */
export type LogStatus = "loading" | "live" | "lost" | "ended" | "cut";

interface Sink {
  onText: (text: string) => void;
  onStatus: (status: LogStatus) => void;
  onError: (error: unknown) => void;
}

const TRY_AGAIN_MS = 2000;
/** A stream that says nothing for so long may be dead without our knowing: it is opened anew. */
const SILENCE_MS = 30_000;
/** So much of a log is read at once; a browser tab holds no gigabyte. */
const ROOM_BYTES = 128 * 1024 * 1024;

export function logPath(taskRunId: number): string {
  return `/api/openlake/1.0/task-runs/${taskRunId}/logs`;
}

/**
 * Reads one log: what is there in one stream of bytes, what comes later as events.
 *
 * Byte offsets say where it goes on after a lost connection, so nothing is missing or doubled.
 */
export class LogSource {
  /** How many bytes of the log have been handed on. */
  offset = 0;
  private readonly stopped = new AbortController();
  private events: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private room = ROOM_BYTES;

  constructor(
    private readonly taskRunId: number,
    private readonly live: boolean,
    private readonly sink: Sink,
  ) {}

  start(): void {
    this.sink.onStatus("loading");
    void this.read();
  }

  /** Read on after `cut`. */
  readMore(): void {
    this.room = ROOM_BYTES;
    void this.read();
  }

  stop(): void {
    this.stopped.abort();
    clearTimeout(this.timer);
    this.events?.close();
  }

  private async read(): Promise<void> {
    try {
      const answer = await fetchRaw(`${logPath(this.taskRunId)}?offset=${this.offset}`, {
        signal: this.stopped.signal,
      });
      reportAnswer();
      const wasCut = await this.take(answer);
      if (this.stopped.signal.aborted) return;
      if (wasCut) this.sink.onStatus("cut");
      else if (this.live) this.follow();
      else this.sink.onStatus("ended");
    } catch (error) {
      if (this.stopped.signal.aborted) return;
      // A stream that breaks off in the middle is a TypeError.
      if (error instanceof OfflineError || error instanceof TypeError)
        this.tryAgain(() => void this.read());
      else this.sink.onError(error);
    }
  }

  /** Hand on what an answer brings; tell whether it was more than there is room for. */
  private async take(answer: Response): Promise<boolean> {
    const reader = answer.body?.getReader();
    if (!reader) return false;
    const decoder = new TextDecoder();
    let held = new Uint8Array();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      const bytes = new Uint8Array(held.length + value.length);
      bytes.set(held);
      bytes.set(value, held.length);
      const whole = wholeCharacters(bytes);
      this.hand(decoder.decode(bytes.subarray(0, whole)), this.offset + whole);
      held = bytes.slice(whole);
      this.room -= value.length;
      if (this.room <= 0) {
        await reader.cancel();
        return true;
      }
    }
  }

  private follow(): void {
    const source = new EventSource(
      inWorkspaceUrl(`${logPath(this.taskRunId)}/stream?offset=${this.offset}`),
    );
    this.events = source;
    const expectMore = () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        source.close();
        void this.read();
      }, SILENCE_MS);
    };
    expectMore();
    source.onopen = () => {
      reportAnswer();
      this.sink.onStatus("live");
    };
    source.addEventListener("log", (event: MessageEvent<string>) => {
      expectMore();
      this.hand(event.data, Number(event.lastEventId));
    });
    source.addEventListener("end", () => {
      clearTimeout(this.timer);
      source.close();
      this.sink.onStatus("ended");
    });
    source.onerror = () => {
      // The browser would go on by itself after some losses and give up after others: we do not rely on it.
      source.close();
      this.tryAgain(() => this.follow());
    };
  }

  private hand(text: string, offset: number): void {
    this.offset = offset;
    if (text) this.sink.onText(text);
  }

  private tryAgain(act: () => void): void {
    reportSilence();
    this.sink.onStatus("lost");
    clearTimeout(this.timer);
    this.timer = setTimeout(act, TRY_AGAIN_MS);
  }
}
