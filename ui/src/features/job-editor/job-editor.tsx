import { Columns2, FileCode2, FormInput, GitCompareArrows, Save } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { Button } from "@/components/button";
import { Page } from "@/components/page";
import { Tabs } from "@/components/tabs";
import { cx } from "@/lib/cx";
import type { JobSettings } from "@/lib/job-settings";
import { plural } from "@/lib/numbers";
import { useShortcuts } from "@/lib/use-shortcuts";
import type { EditorSearch } from "./editor-search";
import { TextField } from "./fields";
import { changesOf } from "./job-changes";
import { ProblemsContext, problemsByPlace, useJobCheck } from "./job-check";
import { DraftProvider, type JobDraft, useJobDraft } from "./job-draft";
import { LeaveGuard } from "./leave-guard";
import { ParametersPart } from "./parameters-part";
import { SettingsPart } from "./settings-part";
import { TasksPart } from "./tasks-part";
import { TriggerPart } from "./trigger-part";
import { YamlPane } from "./yaml-pane";

interface JobEditorProps {
  title: string;
  crumbs: ReactNode[];
  /** The text that it begins with. */
  initial: string;
  /** What is saved already; none of a new job. */
  saved?: JobSettings;
  jobId?: number;
  /** The word on the button. */
  action: string;
  onSave: (text: string, settings: JobSettings) => Promise<unknown>;
  busy: boolean;
  search: EditorSearch;
  onSearch: (search: Partial<EditorSearch>) => void;
  /** Shown above the editor: what went wrong, what to know. */
  note?: ReactNode;
}

/** A job's form and its YAML, side by side: both change the same text. */
export function JobEditor(props: JobEditorProps) {
  const { initial, saved, jobId, search, onSearch } = props;
  const draft = useJobDraft(initial);
  const check = useJobCheck(draft.text, jobId);
  const [done, setDone] = useState(false);
  const changes = useMemo(
    () => (saved ? changesOf(saved, draft.settings) : []),
    [saved, draft.settings],
  );
  const dirty = draft.text !== initial && (!saved || changes.length > 0 || !draft.readable);
  const view = search.view ?? "both";
  const wrong = useMemo(() => problemsByPlace(check.problems), [check.problems]);
  const mayTry = !props.busy && (saved ? dirty : true) && check.problems.length === 0;

  async function save(): Promise<void> {
    if (!mayTry) return;
    setDone(true);
    try {
      await props.onSave(draft.text, draft.settings);
    } catch {
      setDone(false);
    }
  }
  useShortcuts({ "mod+s": () => void save() });

  return (
    <DraftProvider draft={draft}>
      <ProblemsContext value={wrong}>
        <LeaveGuard when={() => dirty && !done} />
        <Page
          fill
          title={props.title}
          crumbs={props.crumbs}
          actions={
            <>
              {saved && <Changes changes={changes} />}
              <Views value={view} onChange={(next) => onSearch({ view: next })} />
              <Button
                kind="primary"
                busy={props.busy}
                disabled={!mayTry}
                title={check.problems.length > 0 ? "Mend the problems first" : "Ctrl-S"}
                onClick={() => void save()}
              >
                <Save aria-hidden />
                {props.action}
              </Button>
            </>
          }
        >
          {props.note}
          <div
            className={cx(
              "grid min-h-0 flex-1 gap-4",
              view === "both" && "grid-cols-[minmax(0,1fr)_minmax(0,1fr)]",
            )}
          >
            {view !== "yaml" && (
              <Form draft={draft} check={check} search={search} onSearch={onSearch} />
            )}
            {view !== "form" && <YamlPane {...check} />}
          </div>
        </Page>
      </ProblemsContext>
    </DraftProvider>
  );
}

interface FormProps extends Pick<JobEditorProps, "search" | "onSearch"> {
  draft: JobDraft;
  check: ReturnType<typeof useJobCheck>;
}

function Form({ draft, check, search, onSearch }: FormProps) {
  const { settings, readable } = draft;
  const count = Array.isArray(settings.tasks) ? settings.tasks.length : 0;
  const [place, setPlace] = useState(() => {
    const tasks = Array.isArray(settings.tasks) ? settings.tasks : [];
    return Math.max(
      0,
      tasks.findIndex((task) => task?.task_key === search.task),
    );
  });
  const part = search.part ?? "tasks";
  return (
    <section
      aria-label="Form"
      className="relative flex min-h-0 min-w-0 flex-col overflow-hidden rounded-lg border border-line bg-surface"
    >
      <div className="px-4 pt-3 pb-2">
        <TextField path={["name"]} label="Name" placeholder="Name of the job" />
      </div>
      <Tabs
        label="Parts of the job"
        value={part}
        onChange={(next) => onSearch({ part: next })}
        tabs={[
          { value: "tasks", label: count > 0 ? `Tasks (${count})` : "Tasks" },
          { value: "trigger", label: "Trigger" },
          { value: "parameters", label: "Parameters" },
          { value: "settings", label: "Settings" },
        ]}
      >
        <div className="h-full overflow-y-auto px-4 py-4">
          {part === "tasks" && (
            <TasksPart
              problems={check.problems}
              place={place}
              onPlace={(next) => {
                setPlace(next);
                onSearch({ task: settings.tasks?.[next]?.task_key });
              }}
            />
          )}
          {part === "trigger" && <TriggerPart />}
          {part === "parameters" && <ParametersPart />}
          {part === "settings" && <SettingsPart />}
        </div>
      </Tabs>
      {!readable && (
        <div className="absolute inset-0 z-20 flex items-center justify-center bg-surface/80 p-8 text-center">
          <p className="max-w-xs text-sm text-ink-soft">
            The YAML cannot be read as it is. Mend it, and the form goes on.
          </p>
        </div>
      )}
    </section>
  );
}

const LOOKS = [
  { value: "form", label: "Form", icon: FormInput },
  { value: "both", label: "Both", icon: Columns2 },
  { value: "yaml", label: "YAML", icon: FileCode2 },
] as const;

type View = (typeof LOOKS)[number]["value"];

function Views({ value, onChange }: { value: View; onChange: (view: View) => void }) {
  return (
    <fieldset className="flex rounded-md border border-line-strong p-0.5">
      <legend className="sr-only">What is shown</legend>
      {LOOKS.map(({ value: each, label, icon: Icon }) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === value}
          onClick={() => onChange(each)}
          className={cx(
            "inline-flex h-7 items-center gap-1.5 rounded px-2 text-xs font-medium text-ink-soft hover:text-ink",
            each === value && "bg-accent-soft text-accent hover:text-accent",
          )}
        >
          <Icon aria-hidden className="size-3.5" />
          {label}
        </button>
      ))}
    </fieldset>
  );
}

const SHOWN = 12;

/** What is not saved yet, in words. */
function Changes({ changes }: { changes: string[] }) {
  if (changes.length === 0) return <span className="text-xs text-ink-faint">Nothing changed</span>;
  const more = changes.length - SHOWN;
  const words = [...changes.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more`] : [])];
  return (
    <span
      title={words.join("\n")}
      className="inline-flex items-center gap-1.5 text-xs text-ink-soft"
    >
      <GitCompareArrows aria-hidden className="size-3.5" />
      {changes.length === 1 ? changes[0] : plural(changes.length, "change")}
    </span>
  );
}
