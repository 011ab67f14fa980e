import type { Diagnostic } from "@codemirror/lint";
import type { Extension } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { CircleCheck, CircleX, LoaderCircle, TriangleAlert } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { Editor } from "@/components/editor";
import { ErrorNote } from "@/components/states";
import { plural } from "@/lib/numbers";
import type { Problem } from "./job-check";
import { useDraft } from "./job-draft";
import { rangeOf } from "./text-range";

interface YamlPaneProps {
  problems: Problem[];
  warnings: Problem[];
  /** What is said is of an older text. */
  stale: boolean;
  error: unknown;
}

/** The text itself, with what is wrong on its lines, and a list of it below that leads there. */
export function YamlPane({ problems, warnings, stale, error }: YamlPaneProps) {
  const { text, setText } = useDraft();
  const [language, setLanguage] = useState<Extension>();
  const view = useRef<EditorView>(null);
  useEffect(() => {
    void import("./yaml-language").then(({ jobYaml }) => setLanguage(jobYaml()));
  }, []);
  // Squiggles stay where they are while the text is being typed; the next answer moves them.
  // biome-ignore lint/correctness/useExhaustiveDependencies: places are those of the text that was checked
  const marks = useMemo<Diagnostic[]>(
    () => [
      ...problems.map((each) => mark(text, each, "error")),
      ...warnings.map((each) => mark(text, each, "warning")),
    ],
    [problems, warnings],
  );

  function show({ line, column }: Problem): void {
    const at = view.current;
    if (!at) return;
    const { from } = rangeOf(at.state.doc.toString(), line, column);
    at.dispatch({ selection: { anchor: from }, scrollIntoView: true });
    at.focus();
  }

  return (
    <section
      aria-label="YAML"
      className="flex min-h-0 min-w-0 flex-col overflow-hidden rounded-lg border border-line bg-surface"
    >
      <Editor
        label="The job as YAML. Escape, then Tab leaves it."
        className="min-h-0 flex-1"
        value={text}
        onChange={setText}
        extensions={language}
        problems={marks}
        onView={(made) => {
          view.current = made;
        }}
      />
      <div className="max-h-[34%] shrink-0 overflow-y-auto border-t border-line">
        <Verdict problems={problems} warnings={warnings} stale={stale} />
        <ErrorNote error={error} className="m-2" />
        <ul aria-label="Problems">
          {[...problems, ...warnings].map((each, place) => (
            <li key={`${each.line}:${each.column}:${each.message}`}>
              <button
                type="button"
                onClick={() => show(each)}
                className="flex w-full items-start gap-2 px-3 py-1.5 text-left text-xs hover:bg-sunken"
              >
                {place < problems.length ? (
                  <CircleX aria-label="Problem" className="mt-px size-3.5 shrink-0 text-bad" />
                ) : (
                  <TriangleAlert
                    aria-label="Warning"
                    className="mt-px size-3.5 shrink-0 text-warn"
                  />
                )}
                <span className="w-12 shrink-0 text-ink-faint tabular-nums">line {each.line}</span>
                <span className="min-w-0">{each.message}</span>
              </button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function mark(text: string, problem: Problem, severity: "error" | "warning"): Diagnostic {
  return { ...rangeOf(text, problem.line, problem.column), severity, message: problem.message };
}

function Verdict({ problems, warnings, stale }: Omit<YamlPaneProps, "error">) {
  const count = problems.length;
  return (
    <p role="status" className="flex items-center gap-2 px-3 py-2 text-xs font-medium">
      {stale ? (
        <LoaderCircle aria-hidden className="size-3.5 animate-spin text-ink-faint" />
      ) : count > 0 ? (
        <CircleX aria-hidden className="size-3.5 text-bad" />
      ) : (
        <CircleCheck aria-hidden className="size-3.5 text-good" />
      )}
      {stale && count === 0
        ? "Checking…"
        : count > 0
          ? plural(count, "problem")
          : warnings.length > 0
            ? plural(warnings.length, "warning")
            : "No problems"}
    </p>
  );
}
