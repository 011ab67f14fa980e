import Anser from "anser";

/** Colours and styles of a terminal, in lines of a log. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this is about
const STYLE = /\x1b\[([\d;:]*)m/g;
const NOISE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
  /\x1b\[[\d;?]*[A-HJKSTfhlnsu]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/g;

const OFF: Record<number, number[]> = {
  21: [1],
  22: [1, 2],
  23: [3],
  24: [4],
  25: [5],
  27: [7],
  28: [8],
  29: [9],
};

/** Return a line without escape sequences: what a person reads and searches. */
export function plain(line: string): string {
  if (!line.includes("\x1b")) return line;
  return line.replace(STYLE, "").replace(NOISE, "");
}

/**
 * Return the style in force after a line, as an escape sequence, given the one before it.
 *
 * A colour that is not switched off goes on in the next line; nothing is the empty text.
 */
export function styleAfter(before: string, line: string): string {
  if (!line.includes("\x1b[")) return before;
  let codes = before ? before.slice(2, -1).split(";") : [];
  for (const [, given = ""] of line.matchAll(STYLE)) codes = apply(codes, given);
  return codes.length > 0 ? `\x1b[${codes.join(";")}m` : "";
}

/** Codes in force after some more: each slot (foreground, background, each style) holds one. */
function apply(before: string[], given: string): string[] {
  const slots = new Map<string, string[]>();
  for (const code of read(before)) put(slots, code);
  for (const code of read(given ? given.split(/[;:]/) : ["0"])) put(slots, code);
  return [...slots.values()].flat();
}

/** Put codes together that belong together: `38;5;n` and `38;2;r;g;b`. */
function read(codes: string[]): string[][] {
  const found: string[][] = [];
  for (let place = 0; place < codes.length; place += 1) {
    const code = codes[place] || "0";
    const takes = code === "38" || code === "48" ? (codes[place + 1] === "2" ? 4 : 2) : 0;
    found.push([code, ...codes.slice(place + 1, place + 1 + takes)]);
    place += takes;
  }
  return found;
}

function put(slots: Map<string, string[]>, code: string[]): void {
  const number = Number(code[0]);
  const isFront = (number >= 30 && number <= 39) || (number >= 90 && number <= 97);
  const isBack = (number >= 40 && number <= 49) || (number >= 100 && number <= 107);
  if (number === 0) slots.clear();
  else if (number === 39) slots.delete("front");
  else if (number === 49) slots.delete("back");
  else if (isFront) slots.set("front", code);
  else if (isBack) slots.set("back", code);
  else if (OFF[number]) for (const style of OFF[number]) slots.delete(String(style));
  else if (number < 10) slots.set(String(number), code);
}

/** A piece of a line that looks the same all over. */
export interface Span {
  text: string;
  className: string;
  style?: { color?: string; backgroundColor?: string };
}

/** Return a line as spans; only lines that are drawn need it. */
export function spansOf(before: string, line: string): Span[] {
  if (!before && !line.includes("\x1b")) return line ? [{ text: line, className: "" }] : [];
  const parts = Anser.ansiToJson((before + line).replace(NOISE, ""), {
    use_classes: true,
    remove_empty: true,
  });
  return parts.map((part) => {
    const style = {
      ...colour("color", part.fg, part.fg_truecolor),
      ...colour("backgroundColor", part.bg, part.bg_truecolor),
    };
    const names = [
      NAMED.test(part.fg ?? "") && part.fg,
      NAMED.test(part.bg ?? "") && `${part.bg}-back`,
      ...part.decorations.map((each) => `ansi-${each}`),
    ];
    return {
      text: part.content,
      className: names.filter(Boolean).join(" "),
      ...(Object.keys(style).length > 0 ? { style } : {}),
    };
  });
}

const NAMED = /^ansi-(bright-)?(black|red|green|yellow|blue|magenta|cyan|white)$/;

/** A colour of 256 or of millions, drawn towards the ink so that it can be read on our ground. */
function colour(
  what: "color" | "backgroundColor",
  name: string | null,
  rgb: string | null | undefined,
): Span["style"] {
  const known = rgb ?? (name?.startsWith("ansi-palette-") ? palette(Number(name.slice(13))) : null);
  if (!known) return {};
  return {
    [what]:
      what === "color"
        ? `color-mix(in oklab, rgb(${known}) 45%, var(--ink))`
        : `color-mix(in oklab, rgb(${known}) 25%, transparent)`,
  };
}

/** The colours 16 to 255 of a terminal. */
function palette(index: number): string | null {
  if (index < 16 || index > 255) return null;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `${grey}, ${grey}, ${grey}`;
  }
  const cube = index - 16;
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  return [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level).join(", ");
}

/** Cut spans where a highlighted range begins or ends; ranges are offsets into the plain text. */
export function highlight(
  spans: Span[],
  ranges: [from: number, to: number][],
): { span: Span; hit: number | null }[] {
  const cut: { span: Span; hit: number | null }[] = [];
  let place = 0;
  let range = 0;
  for (const span of spans) {
    let text = span.text;
    while (text) {
      while (range < ranges.length && (ranges[range]?.[1] ?? 0) <= place) range += 1;
      const [from, to] = ranges[range] ?? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      const inside = place >= from;
      const length = Math.min(text.length, (inside ? to : from) - place);
      cut.push({
        span: { ...span, text: text.slice(0, length) },
        hit: inside ? range : null,
      });
      text = text.slice(length);
      place += length;
    }
  }
  return cut;
}
