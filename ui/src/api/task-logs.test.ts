import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LogSource, type LogStatus } from "./task-logs";

/** A stand-in for the browser's own, which jsdom has not. */
class Events extends EventTarget {
  static made: Events[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    super();
    Events.made.push(this);
  }

  close(): void {
    this.closed = true;
  }

  say(name: string, data: string, lastEventId: string): void {
    this.dispatchEvent(new MessageEvent(name, { data, lastEventId }));
  }
}

const asked: string[] = [];
let answers: (() => Response)[] = [];
let text = "";
let states: LogStatus[] = [];
let errors: unknown[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Events);
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    const answer = answers.shift();
    return answer ? Promise.resolve(answer()) : Promise.reject(new TypeError("network"));
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  asked.length = 0;
  Events.made.length = 0;
  answers = [];
  text = "";
  states = [];
  errors = [];
});

function source(live: boolean): LogSource {
  const made = new LogSource(7, live, {
    onText: (more) => {
      text += more;
    },
    onStatus: (status) => states.push(status),
    onError: (error) => errors.push(error),
  });
  made.start();
  return made;
}

/** An answer that comes in these pieces, and breaks off if told so. */
function bytes(pieces: Uint8Array[], breaks = false): () => Response {
  return () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          const piece = pieces.shift();
          if (piece) controller.enqueue(piece);
          else if (breaks) controller.error(new TypeError("broken"));
          else controller.close();
        },
      }),
    );
}

const encoded = new TextEncoder().encode("a€b\n");

test("a log that has ended is read once, whole, however its bytes come", async () => {
  answers = [bytes([encoded.slice(0, 2), encoded.slice(2, 3), encoded.slice(3)])];
  const log = source(false);
  await vi.advanceTimersByTimeAsync(10);
  expect(text).toBe("a€b\n");
  expect(log.offset).toBe(encoded.length);
  expect(states.at(-1)).toBe("ended");
  expect(Events.made).toEqual([]);
});

test("an answer that breaks off goes on behind the last whole character", async () => {
  answers = [bytes([encoded.slice(0, 3)], true), bytes([encoded.slice(1)])];
  source(false);
  await vi.advanceTimersByTimeAsync(10);
  expect(states.at(-1)).toBe("lost");
  await vi.advanceTimersByTimeAsync(3000);
  expect(asked.map((path) => path.split("?")[1])).toEqual(["offset=0", "offset=1"]);
  expect(text).toBe("a€b\n");
  expect(states.at(-1)).toBe("ended");
});

test("a server that is away is asked again until it answers", async () => {
  const log = source(false);
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked.length).toBeGreaterThan(2);
  answers = [bytes([encoded])];
  await vi.advanceTimersByTimeAsync(3000);
  expect(text).toBe("a€b\n");
  log.stop();
});

test("a stream that is lost goes on where it was, without a gap or a double", async () => {
  answers = [bytes([encoded])];
  source(true);
  await vi.advanceTimersByTimeAsync(10);
  const [first] = Events.made;
  expect(first?.url).toContain(`offset=${encoded.length}`);
  first?.onopen?.();
  first?.say("log", "more\n", "11");
  first?.onerror?.();
  expect(first?.closed).toBe(true);
  expect(states.at(-1)).toBe("lost");
  await vi.advanceTimersByTimeAsync(3000);
  const second = Events.made[1];
  expect(second?.url).toContain("offset=11");
  second?.say("log", "end\n", "15");
  second?.say("end", "{}", "15");
  expect(text).toBe("a€b\nmore\nend\n");
  expect(states.at(-1)).toBe("ended");
});

test("a stream that has died in silence is found out and opened anew", async () => {
  answers = [bytes([encoded]), bytes([new TextEncoder().encode("late\n")])];
  const log = source(true);
  await vi.advanceTimersByTimeAsync(31_000);
  expect(Events.made[0]?.closed).toBe(true);
  expect(text).toBe("a€b\nlate\n");
  expect(Events.made[1]?.url).toContain(`offset=${encoded.length + 5}`);
  expect(states).not.toContain("lost");
  log.stop();
});

test("what is refused is said, and nothing is asked for any more", async () => {
  answers = [() => new Response('{"error_code":"X","message":"not yours"}', { status: 403 })];
  source(true);
  await vi.advanceTimersByTimeAsync(5000);
  expect(String(errors[0])).toContain("not yours");
  expect(asked).toHaveLength(1);
});

test("a page that is left stops it", async () => {
  answers = [bytes([encoded])];
  const log = source(true);
  await vi.advanceTimersByTimeAsync(10);
  log.stop();
  expect(Events.made[0]?.closed).toBe(true);
});
