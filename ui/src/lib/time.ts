/** Instants are milliseconds since 1970 (as in the API); durations are milliseconds. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Spell a duration in its two largest units: `840 ms`, `3.2 s`, `4 m 12 s`, `2 h 5 m`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return two(ms, MINUTE, "m", SECOND, "s");
  if (ms < DAY) return two(ms, HOUR, "h", MINUTE, "m");
  return two(ms, DAY, "d", HOUR, "h");
}

function two(ms: number, large: number, a: string, small: number, b: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${a}${rest ? ` ${rest} ${b}` : ""}`;
}

/** Spell an instant from now: `just now`, `3 m ago`, `in 2 h`. */
export function formatRelative(at: number, now: number): string {
  const distance = Math.abs(at - now);
  if (distance < 10 * SECOND) return at > now ? "in a moment" : "just now";
  const words = largest(distance);
  return at > now ? `in ${words}` : `${words} ago`;
}

function largest(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

/** Spell an instant in the user's zone: the time, with the day unless it is today. */
export function formatInstant(at: number, now: number): string {
  const then = new Date(at);
  const today = new Date(now);
  if (then.toDateString() === today.toDateString()) return clock.format(then);
  const date = then.getFullYear() === today.getFullYear() ? day : dayOfYear;
  return `${date.format(then)}, ${clock.format(then)}`;
}

/** Spell an instant in UTC, whole: `2026-11-23 15:04:05 UTC`. */
export function formatUtc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
