import { useQuery } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { useMemo, useState } from "react";
import { jobSettingsQuery, useRunNow } from "@/api/jobs";
import { type JobSettings, taskTypeLabel, taskTypeOf } from "@/lib/job-settings";
import { plural } from "@/lib/numbers";
import { newToken } from "@/lib/token";
import { Button } from "../button";
import { Checkbox, SearchBox } from "../form";
import { Dialog } from "../overlay";
import { QueryView } from "../query-view";
import { ErrorNote } from "../states";
import { ParameterFields } from "./parameter-fields";

interface RunNowDialogProps {
  jobId: number;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onStarted: (runId: number) => void;
}

/** Start a run with parameters of its own, of all tasks or of some. */
export function RunNowDialog(props: RunNowDialogProps) {
  const { jobId, open, onOpenChange } = props;
  const settings = useQuery({ ...jobSettingsQuery(jobId), enabled: open });
  const form = useRunForm(props);
  const name = settings.data?.settings.name;
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        if (next) form.begin();
        onOpenChange(next);
      }}
      title={name ? `Run ${name}` : "Run"}
      lead="With values for this run alone. The job stays as it is."
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button
            kind="primary"
            busy={form.busy}
            disabled={!form.valid || settings.data === undefined}
            onClick={() => void form.start()}
          >
            <Play aria-hidden />
            Run now
          </Button>
        </>
      }
    >
      <QueryView query={settings}>
        {({ settings: job }) => (
          <div className="flex flex-col gap-5">
            <ParameterFields
              declared={job.parameters ?? []}
              values={form.values}
              onChange={form.setValues}
              onValid={form.setReadable}
            />
            <TaskChoice job={job} chosen={form.chosen} onChange={form.setChosen} />
            {form.chosen && (
              <div className="flex flex-col gap-2 text-sm">
                <Checkbox
                  checked={form.upstream}
                  onChange={form.setUpstream}
                  label="Also what they depend on"
                />
                <Checkbox
                  checked={form.downstream}
                  onChange={form.setDownstream}
                  label="Also what depends on them"
                />
              </div>
            )}
            <ErrorNote error={form.error} />
          </div>
        )}
      </QueryView>
    </Dialog>
  );
}

function useRunForm({ jobId, onOpenChange, onStarted }: RunNowDialogProps) {
  const [values, setValues] = useState<Record<string, string>>({});
  const [readable, setReadable] = useState(true);
  const [chosen, setChosen] = useState<string[] | null>(null);
  const [upstream, setUpstream] = useState(false);
  const [downstream, setDownstream] = useState(false);
  const [token, setToken] = useState(newToken);
  const run = useRunNow();
  const valid = readable && !("" in values) && chosen?.length !== 0;
  async function start(): Promise<void> {
    const only = chosen?.map((key) => `${upstream ? "+" : ""}${key}${downstream ? "+" : ""}`);
    try {
      const runId = await run.mutateAsync({ jobId, parameters: values, only, token });
      setToken(newToken());
      onOpenChange(false);
      onStarted(runId);
    } catch {
      // The dialog stays open and shows it.
      setToken(newToken());
    }
  }
  return {
    values,
    setValues,
    setReadable,
    chosen,
    setChosen,
    upstream,
    setUpstream,
    downstream,
    setDownstream,
    valid,
    start,
    begin: run.reset,
    busy: run.isPending,
    error: run.error,
  };
}

interface TaskChoiceProps {
  job: JobSettings;
  /** Null: all of them. */
  chosen: string[] | null;
  onChange: (chosen: string[] | null) => void;
}

const SEARCH_FROM = 8;

/** All tasks, or those that are ticked. */
function TaskChoice({ job, chosen, onChange }: TaskChoiceProps) {
  const [text, setText] = useState("");
  const tasks = useMemo(() => job.tasks ?? [], [job.tasks]);
  const shown = tasks.filter((task) => task.task_key?.toLowerCase().includes(text.toLowerCase()));
  if (tasks.length < 2) return null;
  return (
    <fieldset>
      <legend className="mb-2 text-sm font-semibold">Tasks</legend>
      <div className="flex gap-1.5">
        <Choice chosen={chosen === null} onClick={() => onChange(null)}>
          All {plural(tasks.length, "task")}
        </Choice>
        <Choice chosen={chosen !== null} onClick={() => onChange(chosen ?? [])}>
          {chosen?.length ? `Only ${chosen.length} of them` : "Only some"}
        </Choice>
      </div>
      {chosen && (
        <div className="mt-2 rounded-md border border-line">
          {tasks.length >= SEARCH_FROM && (
            <div className="border-b border-line p-2">
              <SearchBox
                value={text}
                onChange={setText}
                label="Find a task"
                className="w-full"
                data-search={undefined}
              />
            </div>
          )}
          <ul className="flex max-h-52 flex-col gap-1.5 overflow-y-auto p-2.5">
            {shown.map((task) => {
              const key = task.task_key ?? "";
              return (
                <li key={key} className="flex items-center gap-2">
                  <Checkbox
                    className="min-w-0 flex-1"
                    checked={chosen.includes(key)}
                    onChange={(on) =>
                      onChange(on ? [...chosen, key] : chosen.filter((each) => each !== key))
                    }
                    label={<span className="block truncate font-mono text-xs">{key}</span>}
                  />
                  <span className="text-xs text-ink-faint">{taskTypeLabel(taskTypeOf(task))}</span>
                </li>
              );
            })}
            {shown.length === 0 && <li className="text-sm text-ink-soft">No task is called so.</li>}
          </ul>
        </div>
      )}
    </fieldset>
  );
}

function Choice({
  chosen,
  onClick,
  children,
}: {
  chosen: boolean;
  onClick: () => void;
  children: React.ReactNode;
}) {
  return (
    <Button
      size="small"
      aria-pressed={chosen}
      onClick={onClick}
      className={chosen ? "border-accent bg-accent-soft text-accent hover:bg-accent-soft" : ""}
    >
      {children}
    </Button>
  );
}
