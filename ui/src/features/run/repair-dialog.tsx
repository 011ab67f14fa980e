import { Wrench } from "lucide-react";
import { useMemo, useState } from "react";
import { toast } from "sonner";
import { type RepairChoice, useRepair } from "@/api/repair";
import type { Run } from "@/api/run";
import { Button } from "@/components/button";
import { Checkbox, SearchBox } from "@/components/form";
import { ParameterFields } from "@/components/jobs/parameter-fields";
import { Dialog } from "@/components/overlay";
import { StateBadge, StateIcon } from "@/components/state-badge";
import { ErrorNote } from "@/components/states";
import { Elapsed, Time } from "@/components/time";
import { cx } from "@/lib/cx";
import { plural } from "@/lib/numbers";
import { lookOf, oneWord } from "@/lib/states";
import { cutOff, failedKeys, following, leftBehind, type Repairable } from "./repair-choice";
import type { RunTask } from "./run-tasks";

interface RepairDialogProps {
  run: Run;
  tasks: RunTask[];
  /** The run writes on a branch of its own and publishes at its end. */
  isTransaction: boolean;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

const SEARCH_FROM = 15;

/** Let an ended run go on: with which tasks, which parameters, which settings. */
export function RepairDialog({ open, onOpenChange, ...props }: RepairDialogProps) {
  return (
    <Dialog
      wide
      open={open}
      onOpenChange={onOpenChange}
      title="Repair this run"
      lead="The run keeps its id and all that succeeded; only what you choose runs again."
    >
      {open && <Form {...props} onDone={() => onOpenChange(false)} />}
    </Dialog>
  );
}

interface FormProps extends Pick<RepairDialogProps, "run" | "tasks" | "isTransaction"> {
  onDone: () => void;
}

function Form({ run, tasks, isTransaction, onDone }: FormProps) {
  const all = useMemo(() => tasks.map(repairable), [tasks]);
  const [chosen, setChosen] = useState(() => new Set(failedKeys(all)));
  const [downstream, setDownstream] = useState(true);
  const [settings, setSettings] = useState<RepairChoice["settings"]>("CURRENT");
  const [values, setValues] = useState<Record<string, string>>({});
  const [valid, setValid] = useState(true);
  const repair = useRepair(run);
  const follows = useMemo(
    () => (downstream ? following(all, chosen) : new Map<string, string>()),
    [all, chosen, downstream],
  );
  const again = useMemo(() => new Set([...chosen, ...follows.keys()]), [chosen, follows]);
  const parameters = useMemo(
    () => (run.job_parameters ?? []).map(({ name, value }) => ({ name, default: value })),
    [run.job_parameters],
  );
  // Where nothing failed but publishing, publishing again is all there is to do.
  const publishesOnly = isTransaction && again.size === 0;

  function start(): void {
    repair.mutate(
      {
        tasks: all.filter(({ key }) => again.has(key)).map(({ key }) => key),
        parameters: values,
        settings,
      },
      {
        onSuccess: () => {
          toast.success(
            publishesOnly
              ? "The run publishes again"
              : `The run goes on with ${plural(again.size, "task")}`,
          );
          onDone();
        },
      },
    );
  }

  return (
    <div className="flex flex-col gap-5">
      <Tasks
        tasks={all}
        chosen={chosen}
        follows={follows}
        downstream={downstream}
        onChosen={setChosen}
        onDownstream={setDownstream}
      />
      {parameters.length > 0 && (
        <ParameterFields
          declared={parameters}
          values={values}
          onChange={setValues}
          onValid={setValid}
        />
      )}
      <SettingsChoice value={settings} onChange={setSettings} version={run.job_version ?? null} />
      <Outcome
        all={all}
        again={again}
        isTransaction={isTransaction}
        publishesOnly={publishesOnly}
      />
      <History run={run} />
      <ErrorNote error={repair.error} />
      <div className="sticky -bottom-4 -mx-5 -mb-4 flex items-center justify-end gap-2 rounded-b-xl border-t border-line bg-raised px-5 py-3">
        <Button onClick={onDone}>Not now</Button>
        <Button
          kind="primary"
          busy={repair.isPending}
          disabled={!valid || (again.size === 0 && !publishesOnly)}
          onClick={start}
        >
          <Wrench aria-hidden />
          {publishesOnly ? "Publish again" : `Run ${plural(again.size, "task")} again`}
        </Button>
      </div>
    </div>
  );
}

function repairable(task: RunTask): Repairable {
  return {
    key: task.key,
    state: task.state,
    dependsOn: (task.settings.depends_on ?? []).map((edge) => edge.task_key),
  };
}

interface TasksProps {
  tasks: Repairable[];
  chosen: Set<string>;
  follows: Map<string, string>;
  downstream: boolean;
  onChosen: (chosen: Set<string>) => void;
  onDownstream: (downstream: boolean) => void;
}

/** The tasks of the run, with what becomes of each. */
function Tasks({ tasks, chosen, follows, downstream, onChosen, onDownstream }: TasksProps) {
  const [text, setText] = useState("");
  const shown = tasks.filter((task) => task.key.toLowerCase().includes(text.toLowerCase()));
  const failed = failedKeys(tasks);
  function choose(key: string, on: boolean): void {
    const next = new Set(chosen);
    if (on) next.add(key);
    else next.delete(key);
    onChosen(next);
  }
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="sr-only">Tasks to run again</legend>
      <div className="flex flex-wrap items-center gap-1">
        <span aria-hidden className="mr-auto text-sm font-semibold">
          Tasks to run again
        </span>
        <Button
          size="small"
          kind="quiet"
          disabled={failed.length === 0}
          onClick={() => onChosen(new Set(failed))}
        >
          What did not succeed
        </Button>
        <Button
          size="small"
          kind="quiet"
          onClick={() => onChosen(new Set(tasks.map((task) => task.key)))}
        >
          All
        </Button>
        <Button size="small" kind="quiet" onClick={() => onChosen(new Set())}>
          None
        </Button>
      </div>
      {tasks.length > SEARCH_FROM && (
        <SearchBox label="Find a task" value={text} onChange={setText} className="w-full" />
      )}
      <ul className="max-h-64 overflow-y-auto rounded-md border border-line">
        {shown.map((task) => {
          const cause = follows.get(task.key);
          const again = chosen.has(task.key) || cause !== undefined;
          return (
            <li
              key={task.key}
              className={cx(
                "flex items-center gap-2.5 border-b border-line/70 px-3 py-1.5 last:border-0",
                again && "bg-accent-soft/40",
              )}
            >
              <Checkbox
                checked={again}
                disabled={cause !== undefined}
                onChange={(on) => choose(task.key, on)}
                label={<span className="font-medium break-all">{task.key}</span>}
              />
              <span className="ml-auto flex shrink-0 items-center gap-1.5 text-xs text-ink-soft">
                {cause !== undefined && `because ${cause} runs again ·`}
                <StateIcon state={task.state} className="size-3.5" />
                {lookOf(task.state).label}
                {!again && failed.includes(task.key) && ", stays so"}
                {!again && !failed.includes(task.key) && ", kept"}
              </span>
            </li>
          );
        })}
        {shown.length === 0 && <li className="px-3 py-4 text-ink-soft">No task is called so.</li>}
      </ul>
      <Checkbox
        checked={downstream}
        onChange={onDownstream}
        label="Also run again what depends on them, though it succeeded"
      />
    </fieldset>
  );
}

interface SettingsChoiceProps {
  value: RepairChoice["settings"];
  onChange: (value: RepairChoice["settings"]) => void;
  version: number | null;
}

/** Whether mended code and settings are taken, or those of the beginning. */
function SettingsChoice({ value, onChange, version }: SettingsChoiceProps) {
  const options: { value: RepairChoice["settings"]; label: string; hint: string }[] = [
    {
      value: "CURRENT",
      label: "Code and settings of now",
      hint: "The job and its files as they are at this moment: choose this after mending them.",
    },
    {
      value: "ORIGINAL",
      label: "Code and settings that the run began with",
      hint: version ? `Version ${version} of the job, byte for byte.` : "Byte for byte.",
    },
  ];
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-2 text-sm font-semibold">Code and settings</legend>
      <div className="grid gap-2 sm:grid-cols-2">
        {options.map((option) => (
          <label
            key={option.value}
            className={cx(
              "flex cursor-pointer gap-2.5 rounded-md border p-3",
              value === option.value ? "border-accent bg-accent-soft/40" : "border-line-strong",
            )}
          >
            <input
              type="radio"
              name="repair-settings"
              className="mt-0.5 accent-[var(--accent)]"
              checked={value === option.value}
              onChange={() => onChange(option.value)}
            />
            <span>
              <span className="block text-sm font-medium">{option.label}</span>
              <span className="mt-0.5 block text-xs text-ink-soft">{option.hint}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface OutcomeProps {
  all: Repairable[];
  again: Set<string>;
  isTransaction: boolean;
  publishesOnly: boolean;
}

/** In words what will happen: what is kept, which data are read. */
function Outcome({ all, again, isTransaction, publishesOnly }: OutcomeProps) {
  const behind = leftBehind(all, again);
  const cut = cutOff(all, again);
  const kept = all.length - again.size - behind.length;
  return (
    <ul className="list-disc rounded-md bg-sunken py-2.5 pr-3 pl-7 text-sm text-ink-soft">
      <li>
        {publishesOnly
          ? "No task runs again"
          : `${plural(again.size, "task")} of ${all.length} run again`}
        {kept > 0 &&
          `; what ${plural(kept, "task")} did is kept, and their values can be referred to`}
        .
      </li>
      <li>
        {isTransaction
          ? "Tables are read as the run's branch has them. When somebody else changed one of its tables meanwhile, the branch is cut anew from main, and what that touches runs again by itself. Nothing is visible to others before the run publishes."
          : "Tables are read as they are now, with what others have changed since the run began. To run on the data it had, replay the run instead."}
      </li>
      {behind.length > 0 && (
        <li className="text-warn">
          {list(behind)} {behind.length === 1 ? "stays" : "stay"} as{" "}
          {behind.length === 1 ? "it" : "they"} ended, so the run will not succeed as a whole.
        </li>
      )}
      {cut.length > 0 && (
        <li className="text-warn">
          {list(cut)} may be skipped again: what {cut.length === 1 ? "it depends" : "they depend"}{" "}
          on is not run.
        </li>
      )}
    </ul>
  );
}

const MOST_NAMED = 3;

function list(keys: string[]): string {
  const rest = keys.length - MOST_NAMED;
  return keys.slice(0, MOST_NAMED).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** The run's executions so far. */
function History({ run }: { run: Run }) {
  const items = run.repair_history ?? [];
  if (items.length < 2) return null;
  return (
    <section>
      <h3 className="mb-2 text-sm font-semibold">So far</h3>
      <ol className="flex flex-col gap-1.5 text-sm">
        {items.map((item, place) => (
          <li key={item.id ?? 0} className="flex flex-wrap items-center gap-3">
            <span className="w-24 font-medium">{place === 0 ? "Original" : `Repair ${place}`}</span>
            <StateBadge state={oneWord(item.state)} />
            <span className="text-ink-soft">
              <Time at={item.start_time} as="instant" />, took{" "}
              <Elapsed from={item.start_time} to={item.end_time || null} />
            </span>
            <span className="text-ink-faint">
              {plural(item.task_run_ids?.length ?? 0, "task run")}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
