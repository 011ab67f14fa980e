/** Return the stretch of a text that a message about a line and column (both from 1) is about: the word there, else the rest of the line. */
export function rangeOf(text: string, line: number, column: number): { from: number; to: number } {
  let start = 0;
  for (let at = 1; at < line; at += 1) {
    const end = text.indexOf("\n", start);
    if (end < 0) break;
    start = end + 1;
  }
  const found = text.indexOf("\n", start);
  const end = found < 0 ? text.length : found;
  const from = Math.min(start + column - 1, end);
  const rest = text.slice(from, end);
  const word = /^(?:"[^"]*"|'[^']*'|[^\s:,[\]{}#]+)/.exec(rest)?.[0] ?? rest.trimEnd();
  // An empty place is shown by what stands before it.
  return word.length > 0
    ? { from, to: from + word.length }
    : { from: Math.max(start, from - 1), to: Math.max(from, start) };
}
