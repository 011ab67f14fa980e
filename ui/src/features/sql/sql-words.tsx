import { cx } from "@/lib/cx";
import { type SqlWord, sqlWords } from "@/lib/sql-text";

const COLOURS: Record<SqlWord["kind"], string | undefined> = {
  keyword: "text-live",
  quoted: "text-good",
  number: "text-warn",
  comment: "text-ink-faint italic",
  plain: undefined,
};

const MOST = 20_000;

/** SQL with its words coloured, without an editor: for lists. */
export function SqlText({ text, className }: { text: string; className?: string }) {
  const cut = text.slice(0, MOST);
  return (
    <code className={cx("font-mono text-xs", className)}>
      {sqlWords(cut).map((word) => (
        <span key={word.from} className={COLOURS[word.kind]}>
          {word.text}
        </span>
      ))}
      {text.length > MOST && "…"}
    </code>
  );
}
