/** Between a Quartz expression and the choices of a form: only what people mean most of the time. */

export type Plan =
  | { kind: "minutes"; every: number }
  | { kind: "hours"; every: number; minute: number }
  | { kind: "days"; at: string }
  | { kind: "weeks"; days: Weekday[]; at: string }
  | { kind: "months"; day: string; at: string }
  | { kind: "custom"; expression: string };

export const WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Write a plan as a Quartz expression. `at` is `HH:MM`. */
export function toQuartz(plan: Plan): string {
  if (plan.kind === "custom") return plan.expression;
  if (plan.kind === "minutes") return `0 0/${plan.every} * * * ?`;
  if (plan.kind === "hours")
    return plan.every === 1 ? `0 ${plan.minute} * * * ?` : `0 ${plan.minute} 0/${plan.every} * * ?`;
  const [hour = "0", minute = "0"] = plan.at.split(":").map((part) => String(Number(part)));
  if (plan.kind === "days") return `0 ${minute} ${hour} * * ?`;
  if (plan.kind === "weeks") return `0 ${minute} ${hour} ? * ${spellDays(plan.days)}`;
  return `0 ${minute} ${hour} ${plan.day} * ?`;
}

function spellDays(days: Weekday[]): string {
  const sorted = WEEKDAYS.filter((day) => days.includes(day));
  if (sorted.join() === "MON,TUE,WED,THU,FRI") return "MON-FRI";
  return sorted.join(",") || "MON";
}

/** Read a Quartz expression; what the form has no choice for is `custom`. */
export function fromQuartz(expression: string): Plan {
  const custom: Plan = { kind: "custom", expression };
  const [second, minute, hour, day, month, weekday, ...rest] = expression.trim().split(/\s+/);
  if (rest.length > 0 || second !== "0" || month !== "*" || !minute || !hour || !day || !weekday)
    return custom;
  const everyDay = isAny(day) && isAny(weekday);
  const step = /^(?:\*|0)\/(\d+)$/;
  if (everyDay && hour === "*" && minute === "*") return { kind: "minutes", every: 1 };
  const minutes = step.exec(minute);
  if (everyDay && hour === "*" && minutes) return { kind: "minutes", every: Number(minutes[1]) };
  if (!/^\d+$/.test(minute)) return custom;
  const hours = step.exec(hour);
  if (everyDay && hour === "*") return { kind: "hours", every: 1, minute: Number(minute) };
  if (everyDay && hours) return { kind: "hours", every: Number(hours[1]), minute: Number(minute) };
  if (!/^\d+$/.test(hour)) return custom;
  const at = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (everyDay) return { kind: "days", at };
  if (isAny(weekday) && /^(\d+|L)$/.test(day)) return { kind: "months", day, at };
  const days = isAny(day) ? readDays(weekday) : null;
  return days ? { kind: "weeks", days, at } : custom;
}

function isAny(field: string): boolean {
  return field === "*" || field === "?";
}

/** Quartz counts from Sunday, which is 1. */
const NUMBERS: Weekday[] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

function readDays(field: string): Weekday[] | null {
  const found = new Set<Weekday>();
  for (const part of field.toUpperCase().split(",")) {
    const [from, to = from] = part.split("-").map(dayOf);
    if (!from || !to || part.split("-").length > 2) return null;
    let place = NUMBERS.indexOf(from);
    for (let count = 0; count < 7; count++, place = (place + 1) % 7) {
      found.add(NUMBERS[place] as Weekday);
      if (NUMBERS[place] === to) break;
    }
  }
  return WEEKDAYS.filter((day) => found.has(day));
}

function dayOf(word: string): Weekday | undefined {
  return NUMBERS.find((day) => day === word) ?? NUMBERS[Number(word) - 1];
}
