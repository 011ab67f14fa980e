import { PostgreSQL } from "@codemirror/lang-sql";
import { MergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { useDark } from "@/lib/theme";

function shown(label: string, dark: boolean): Extension {
  return [
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorView.lineWrapping,
    EditorView.darkTheme.of(dark),
    EditorView.contentAttributes.of({ "aria-label": label, role: "textbox", tabindex: "0" }),
    PostgreSQL.language,
  ];
}

/** Two texts of SQL beside each other, with what differs marked. */
export default function TextDiff({ before, after }: { before: string; after: string }) {
  const box = useRef<HTMLElement>(null);
  const dark = useDark();
  useEffect(() => {
    if (!box.current) return;
    const view = new MergeView({
      parent: box.current,
      a: { doc: before, extensions: shown("Before", dark) },
      b: { doc: after, extensions: shown("After", dark) },
      collapseUnchanged: {},
      gutter: true,
    });
    return () => view.destroy();
  }, [before, after, dark]);
  return (
    <section
      ref={box}
      aria-label="Before and after"
      className="max-h-[50vh] overflow-auto rounded-md border border-line bg-surface text-xs"
    />
  );
}
