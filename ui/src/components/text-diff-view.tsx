import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { MergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { cx } from "@/lib/cx";
import { useDark } from "@/lib/theme";

export interface TextDiffProps {
  before: string;
  after: string;
  /** What the two are, for those who do not see them. */
  labels: [string, string];
  /** The language; keep it stable between draws. */
  extensions?: Extension;
  className?: string;
}

const look = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.keyword], color: "var(--live)" },
  { tag: [tags.comment], color: "var(--ink-faint)", fontStyle: "italic" },
]);

const frame = EditorView.theme({
  "&": { fontSize: "12.5px", backgroundColor: "var(--surface)", color: "var(--ink)" },
  ".cm-scroller": { fontFamily: "JetBrains Mono Variable, monospace", lineHeight: "1.55" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--ink-faint)", border: "none" },
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--bad-soft)" },
  "&.cm-merge-b .cm-changedLine": { backgroundColor: "var(--good-soft)" },
  "&.cm-merge-a .cm-changedText": {
    background: "color-mix(in oklab, var(--bad-fill) 18%, transparent)",
  },
  "&.cm-merge-b .cm-changedText": {
    background: "color-mix(in oklab, var(--good-fill) 18%, transparent)",
  },
  // Its own signs are in no font of ours.
  ".cm-collapsedLines::before, .cm-collapsedLines::after": { content: '"···"' },
  ".cm-collapsedLines": {
    background: "var(--sunken)",
    color: "var(--ink-soft)",
    padding: "2px 8px",
  },
});

/** See `TextDiff`; this is the part that is loaded late. */
export default function TextDiffView(props: TextDiffProps) {
  const { before, after, labels, extensions, className } = props;
  const [a, b] = labels;
  const box = useRef<HTMLElement>(null);
  const dark = useDark();
  useEffect(() => {
    if (!box.current) return;
    const shown = (label: string): Extension => [
      EditorState.readOnly.of(true),
      lineNumbers(),
      EditorView.lineWrapping,
      EditorView.darkTheme.of(dark),
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
      syntaxHighlighting(look),
      frame,
      extensions ?? [],
    ];
    const view = new MergeView({
      parent: box.current,
      a: { doc: before, extensions: shown(a) },
      b: { doc: after, extensions: shown(b) },
      collapseUnchanged: { margin: 4, minSize: 6 },
      gutter: true,
    });
    return () => view.destroy();
  }, [before, after, a, b, dark, extensions]);
  return (
    <section
      ref={box}
      aria-label={`${a} and ${b}`}
      className={cx("overflow-auto bg-surface", className)}
    />
  );
}
