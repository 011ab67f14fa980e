import { useQuery } from "@tanstack/react-query";
import { Copy, Trash2 } from "lucide-react";
import { profilesQuery } from "@/api/compute";
import { IconButton } from "@/components/button";
import { Field, Select } from "@/components/form";
import { fieldOf } from "@/lib/job-schema";
import { TASK_TYPES, type TaskSettings, taskTypeOf } from "@/lib/job-settings";
import { ChoiceField, Fold, NumberField, TextField, ToggleField } from "./fields";
import { useProblem } from "./job-check";
import { useDraft, valueAt } from "./job-draft";
import { SchemaField } from "./schema-fields";
import { downstreamOf, removeTask, renameTask, retypeTask, setDependency } from "./task-edits";
import { TypeFields } from "./type-fields";
import type { Path } from "./yaml-edit";

interface TaskFormProps {
  /** Which of the job's tasks. */
  place: number;
  onRemoved: () => void;
  onCopy: (place: number) => void;
}

/** All that one task says, the most used of it first. */
export function TaskForm({ place, onRemoved, onCopy }: TaskFormProps) {
  const { settings, edit } = useDraft();
  const task = settings.tasks?.[place] ?? {};
  const path: Path = ["tasks", place];
  const type = taskTypeOf(task);
  const wrong = useProblem(path);
  return (
    <div className="flex flex-col gap-4">
      <div className="grid grid-cols-[1fr_1fr_auto] items-start gap-3">
        <TextField
          path={[...path, "task_key"]}
          label="Key"
          mono
          onValue={(key) => edit(...renameTask(settings, place, key))}
        />
        <Field label="Type" error={wrong}>
          {({ id }) => (
            <Select
              id={id}
              value={type ?? undefined}
              placeholder="Choose what it does"
              options={TASK_TYPES.map((each) => ({
                value: each.type,
                label: each.label,
                hint: each.hint,
              }))}
              onChange={(next) => edit(...retypeTask(task, path, next))}
            />
          )}
        </Field>
        <div className="flex pt-6">
          <IconButton label="Copy the task" onClick={() => onCopy(place)}>
            <Copy />
          </IconButton>
          <IconButton
            label="Remove the task"
            onClick={() => {
              edit(...removeTask(settings, place));
              onRemoved();
            }}
          >
            <Trash2 />
          </IconButton>
        </div>
      </div>
      <TypeFields path={path} type={type} />
      <Dependencies place={place} task={task} />
      <Compute path={path} type={type} />
      <Retries path={path} task={task} />
      <Fold
        title="More"
        open={Boolean(task.disabled || task.description)}
        summary={task.disabled ? "disabled" : undefined}
      >
        <TextField path={[...path, "description"]} label="Description" lines={2} />
        <ToggleField path={[...path, "disabled"]} label="Disabled: what comes after it goes on" />
        <SchemaField
          path={[...path, "email_notifications"]}
          schema={fieldOf("Task", "email_notifications")}
        />
        <SchemaField
          path={[...path, "webhook_notifications"]}
          schema={fieldOf("Task", "webhook_notifications")}
        />
        <SchemaField path={[...path, "health"]} schema={fieldOf("Task", "health")} />
      </Fold>
    </div>
  );
}

const RUN_IF = [
  { value: "ALL_SUCCESS", label: "All succeeded" },
  { value: "AT_LEAST_ONE_SUCCESS", label: "At least one succeeded" },
  { value: "NONE_FAILED", label: "None failed" },
  { value: "ALL_DONE", label: "All have ended" },
  { value: "AT_LEAST_ONE_FAILED", label: "At least one failed" },
  { value: "ALL_FAILED", label: "All failed" },
];

function Dependencies({ place, task }: { place: number; task: TaskSettings }) {
  const { settings, edit } = useDraft();
  const after = downstreamOf(settings, task.task_key ?? "");
  const given = Array.isArray(task.depends_on) ? task.depends_on : [];
  const others = (settings.tasks ?? []).filter(
    (each) => each.task_key && !after.has(each.task_key),
  );
  const free = others.filter((each) => !given.some((one) => one.task_key === each.task_key));
  if (others.length === 0 && given.length === 0) return null;
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1.5 text-sm font-medium">Runs after</legend>
      <div className="flex flex-wrap items-center gap-1.5">
        {given.map((each, at) => (
          <Dependency
            // biome-ignore lint/suspicious/noArrayIndexKey: an entry is its place
            key={at}
            place={place}
            at={at}
            task={task}
            needed={each.task_key}
          />
        ))}
        {free.length > 0 && (
          <Select
            label="Let it wait for another task"
            className="h-7 w-40 text-xs"
            value={undefined}
            placeholder={given.length > 0 ? "Add another…" : "Nothing: choose a task…"}
            options={free.map((each) => ({
              value: each.task_key as string,
              label: each.task_key,
            }))}
            onChange={(key) => edit(setDependency(task, place, key, "yes"))}
          />
        )}
      </div>
      {given.length > 0 && (
        <ChoiceField
          path={["tasks", place, "run_if"]}
          label="and if of them"
          className="w-56"
          preset="ALL_SUCCESS"
          options={RUN_IF}
        />
      )}
    </fieldset>
  );
}

interface DependencyProps {
  place: number;
  at: number;
  task: TaskSettings;
  needed: string;
}

function Dependency({ place, at, task, needed }: DependencyProps) {
  const { settings, edit } = useDraft();
  const path = ["tasks", place, "depends_on", at, "task_key"];
  const wrong = useProblem(path);
  const upstream = settings.tasks?.find((each) => each.task_key === needed);
  const outcome = task.depends_on?.[at]?.outcome;
  const options = [
    { value: "yes", label: needed },
    ...(upstream?.condition_task
      ? [
          { value: "true", label: `${needed} is true` },
          { value: "false", label: `${needed} is false` },
        ]
      : []),
    { value: "no", label: "Do not wait for it" },
  ];
  return (
    <span className="flex max-w-60 flex-col" title={wrong}>
      <Select
        label={`Waits for ${needed}`}
        className={`h-7 rounded-full bg-sunken px-2.5 text-xs ${wrong ? "border-bad text-bad" : ""}`}
        value={outcome ?? "yes"}
        options={options}
        onChange={(choice) => edit(setDependency(task, place, needed, choice as "yes"))}
      />
    </span>
  );
}

const CODE = ["notebook_task", "spark_python_task", "python_wheel_task"];
const ISOLATION = [
  { value: "PROCESS", label: "A fresh interpreter" },
  { value: "FORK", label: "Forked from a warm one: starts in milliseconds" },
];
const ON_SPARK = [...CODE, "spark_jar_task", "spark_submit_task", "table_care_task"];

function Compute({ path, type }: { path: Path; type: string | null }) {
  const { settings, edit } = useDraft();
  const { data: profiles = [] } = useQuery(profilesQuery);
  const task = (valueAt(settings, path) ?? {}) as TaskSettings;
  const noEnvironment = useProblem([...path, "environment_key"]);
  const noCluster = useProblem([...path, "job_cluster_key"]);
  if (type === null || ![...ON_SPARK, "dbt_task"].includes(type)) return null;
  const environments = keysOf(settings.environments, "environment_key");
  const clusters = keysOf(settings.job_clusters, "job_cluster_key");
  const spark = ON_SPARK.includes(type);
  const options = [
    { value: "usual", label: spark ? "Spark, as usual" : "The workers' own Python" },
    ...(CODE.includes(type) || type === "dbt_task"
      ? environments.map((key) => ({ value: `environment_key:${key}`, label: `Python: ${key}` }))
      : []),
    ...(spark
      ? [
          ...clusters.map((key) => ({
            value: `job_cluster_key:${key}`,
            label: `Job cluster: ${key}`,
          })),
          ...profiles.map((each) => ({
            value: `existing_cluster_id:${each.cluster_id}`,
            label: `Profile: ${each.cluster_name ?? each.cluster_id}`,
          })),
        ]
      : []),
    ...(task.new_cluster ? [{ value: "new_cluster:", label: "A cluster of its own" }] : []),
  ];
  const FIELDS = ["environment_key", "job_cluster_key", "existing_cluster_id"];
  const field = FIELDS.find((each) => task[each] !== undefined);
  const value = task.new_cluster ? "new_cluster:" : field ? `${field}:${task[field]}` : "usual";
  if (!options.some((option) => option.value === value))
    options.push({ value, label: value.split(":")[1] ?? value });
  return (
    <div className="flex flex-col gap-3">
      <Field
        label="Runs on"
        error={noEnvironment ?? noCluster}
        hint={
          environments.length === 0 && CODE.includes(type)
            ? "Add a Python environment under Settings to run it without Spark"
            : undefined
        }
      >
        {({ id }) => (
          <Select
            id={id}
            value={value}
            options={options}
            onChange={(next) => {
              const [name = "", ...key] = next.split(":");
              const only = name === "environment_key" ? [] : ["isolation"];
              const cleared = [...FIELDS, "new_cluster", ...only]
                .filter((each) => each !== name && task[each] !== undefined)
                .map((each) => ({ path: [...path, each], value: undefined }));
              const set = FIELDS.includes(name)
                ? [{ path: [...path, name], value: key.join(":") }]
                : [];
              edit(...cleared, ...set);
            }}
          />
        )}
      </Field>
      {CODE.includes(type) && (field === "environment_key" || task.isolation !== undefined) && (
        <ChoiceField
          path={[...path, "isolation"]}
          label="Isolation"
          preset="PROCESS"
          options={ISOLATION}
        />
      )}
      {(task.libraries !== undefined ||
        type.startsWith("spark_") ||
        type === "python_wheel_task") && (
        <SchemaField path={[...path, "libraries"]} schema={fieldOf("Task", "libraries")} />
      )}
    </div>
  );
}

function keysOf(value: unknown, field: string): string[] {
  if (!Array.isArray(value)) return [];
  return value.map((each: Record<string, unknown>) => String(each?.[field] ?? "")).filter(Boolean);
}

function Retries({ path, task }: { path: Path; task: TaskSettings }) {
  const parts = [
    task.max_retries ? `${task.max_retries === -1 ? "for ever" : `${task.max_retries}×`}` : "",
    task.timeout_seconds ? `at most ${Number(task.timeout_seconds) / 60} min` : "",
  ].filter(Boolean);
  return (
    <Fold
      title="Retries and time limit"
      open={parts.length > 0}
      summary={parts.join(", ") || "none"}
    >
      <div className="grid grid-cols-3 gap-3">
        <NumberField
          path={[...path, "max_retries"]}
          label="Retries"
          preset={0}
          min={-1}
          hint="-1: for ever"
        />
        <NumberField
          path={[...path, "min_retry_interval_millis"]}
          label="Pause, seconds"
          preset={0}
          min={0}
          per={1000}
        />
        <NumberField
          path={[...path, "timeout_seconds"]}
          label="Limit, minutes"
          preset={0}
          min={0}
          per={60}
          hint="0: none"
        />
      </div>
      <ToggleField path={[...path, "retry_on_timeout"]} label="Retry also when it took too long" />
    </Fold>
  );
}
