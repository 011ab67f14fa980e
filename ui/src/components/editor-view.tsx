import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { useEffect, useRef } from "react";
import { cx } from "@/lib/cx";
import { useDark } from "@/lib/theme";

export interface EditorProps {
  value: string;
  onChange?: (value: string) => void;
  /** Its name for those who do not see it. */
  label: string;
  /** The language and what it needs (completion, schema); keep it stable between draws. */
  extensions?: Extension;
  /** What is wrong, and where: offsets into `value`. */
  problems?: Diagnostic[];
  readOnly?: boolean;
  /** On Ctrl-Enter (⌘Enter), with the selected text, or all of it. */
  onRun?: (text: string) => void;
  className?: string;
  /** Called with the view once it is there, for what only the view can do. */
  onView?: (view: EditorView) => void;
}

const look = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--live)" },
  {
    tag: [tags.propertyName, tags.definition(tags.propertyName), tags.attributeName],
    color: "var(--accent)",
  },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--warn)" },
  { tag: [tags.comment], color: "var(--ink-faint)", fontStyle: "italic" },
  { tag: [tags.typeName, tags.className], color: "var(--accent)" },
  { tag: [tags.invalid], color: "var(--bad)" },
]);

const frame = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", backgroundColor: "var(--surface)", color: "var(--ink)" },
  ".cm-scroller": { fontFamily: "JetBrains Mono Variable, monospace", lineHeight: "1.55" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--ink-faint)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in oklab, var(--sunken) 60%, transparent)",
  },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused": { outline: "none" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in oklab, var(--accent) 25%, transparent) !important",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    border: "1px solid var(--line-strong)",
    borderRadius: "6px",
    color: "var(--ink)",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--accent-soft)",
    color: "var(--ink)",
  },
  ".cm-completionIcon": { display: "none" },
  ".cm-completionLabel": { marginRight: "24px" },
  ".cm-tooltip-autocomplete > ul > li": { display: "flex", padding: "2px 8px" },
  ".cm-completionDetail": { marginLeft: "auto", fontStyle: "normal", color: "var(--ink-faint)" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)" },
});

/** See `Editor`; this is the part that is loaded late. */
export default function EditorPane(props: EditorProps) {
  const { value, label, extensions, problems, readOnly, className } = props;
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef(props);
  latest.current = props;
  const language = useRef(new Compartment());
  const dark = useDark();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the view is made once; what changes is given to it below
  useEffect(() => {
    if (!box.current) return;
    const made = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          keymap.of([{ key: "Mod-Enter", run: (at) => run(at, latest.current.onRun) }]),
          basicSetup,
          frame,
          syntaxHighlighting(look),
          language.current.of(extensions ?? []),
          EditorState.readOnly.of(readOnly ?? false),
          EditorView.darkTheme.of(dark),
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange?.(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    latest.current.onView?.(made);
    return () => made.destroy();
  }, [dark, readOnly, label]);

  useEffect(() => {
    view.current?.dispatch({ effects: language.current.reconfigure(extensions ?? []) });
  }, [extensions]);

  useEffect(() => {
    const at = view.current;
    // Only what differs is replaced: the cursor, folds and the place that is looked at stay.
    if (at && at.state.doc.toString() !== value)
      at.dispatch({ changes: difference(at.state.doc.toString(), value) });
  }, [value]);

  useEffect(() => {
    const at = view.current;
    if (!at || !problems) return;
    const end = at.state.doc.length;
    const fitting = problems.map((each) => ({
      ...each,
      from: Math.min(each.from, end),
      to: Math.min(each.to, end),
    }));
    at.dispatch(setDiagnostics(at.state, fitting));
  }, [problems]);

  return <div ref={box} className={cx("min-h-0 overflow-hidden", className)} />;
}

/** The one stretch in which two texts differ. */
function difference(before: string, after: string): { from: number; to: number; insert: string } {
  const shorter = Math.min(before.length, after.length);
  let from = 0;
  while (from < shorter && before[from] === after[from]) from += 1;
  let same = 0;
  while (same < shorter - from && before.at(-1 - same) === after.at(-1 - same)) same += 1;
  return { from, to: before.length - same, insert: after.slice(from, after.length - same) };
}

function run(view: EditorView, act?: (text: string) => void): boolean {
  if (!act) return false;
  const { main } = view.state.selection;
  act(main.empty ? view.state.doc.toString() : view.state.sliceDoc(main.from, main.to));
  return true;
}
