import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { schedulePreviewQuery } from "@/api/schedules";
import { Checkbox, Field, Input, Select } from "@/components/form";
import { ErrorNote } from "@/components/states";
import { Time } from "@/components/time";
import { fieldOf } from "@/lib/job-schema";
import { fromQuartz, type Plan, toQuartz, WEEKDAYS, type Weekday } from "@/lib/quartz";
import { useDebounced } from "@/lib/use-debounced";
import { ChoiceField, TextField } from "./fields";
import { useProblem } from "./job-check";
import { useDraft, valueAt } from "./job-draft";
import { ObjectFields } from "./schema-fields";

const KINDS = [
  { value: "none", label: "By hand", hint: "Somebody, or a program, runs it" },
  { value: "schedule", label: "On a schedule", hint: "At certain times, in a time zone" },
  { value: "periodic", label: "Every so often", hint: "Counted from when this is saved" },
  { value: "file_arrival", label: "When files arrive", hint: "Under a place of the object store" },
  { value: "table_update", label: "When tables change", hint: "One of them, or all" },
  { value: "continuous", label: "All the time", hint: "One run after the other" },
];

const BEGIN: Record<string, { field: string; value: unknown }> = {
  schedule: {
    field: "schedule",
    value: { quartz_cron_expression: "0 0 6 ? * MON-FRI", timezone_id: zoneHere() },
  },
  periodic: { field: "trigger", value: { periodic: { interval: 1, unit: "HOURS" } } },
  file_arrival: { field: "trigger", value: { file_arrival: { url: "s3://" } } },
  table_update: { field: "trigger", value: { table_update: { table_names: [""] } } },
  continuous: { field: "continuous", value: { pause_status: "UNPAUSED" } },
};

function zoneHere(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** What starts the job by itself. */
export function TriggerPart() {
  const { settings, edit } = useDraft();
  const kind = kindOf(settings);
  const begin = BEGIN[kind];

  function choose(next: string): void {
    const made = BEGIN[next];
    const fields = ["schedule", "trigger", "continuous"];
    const gone = fields.filter((field) => settings[field] !== undefined && field !== made?.field);
    edit(
      ...gone.map((field) => ({ path: [field], value: undefined })),
      ...(made ? [{ path: [made.field], value: made.value }] : []),
    );
  }

  return (
    <div className="flex flex-col gap-4">
      <Field label="Starts">
        {({ id }) => <Select id={id} value={kind} options={KINDS} onChange={choose} />}
      </Field>
      {kind === "schedule" && <ScheduleFields />}
      {kind === "periodic" && (
        <ObjectFields
          path={["trigger", "periodic"]}
          schema={fieldOf("TriggerSettings", "periodic")}
        />
      )}
      {(kind === "file_arrival" || kind === "table_update") && (
        <ObjectFields path={["trigger", kind]} schema={fieldOf("TriggerSettings", kind)} />
      )}
      {kind === "continuous" && (
        <ChoiceField
          path={["continuous", "task_retry_mode"]}
          label="When a task fails"
          preset="NEVER"
          options={[
            { value: "NEVER", label: "The run fails, and the next begins after a pause" },
            { value: "ON_FAILURE", label: "The task is tried again first" },
          ]}
        />
      )}
      {begin && (
        <Checkbox
          checked={valueAt(settings, [begin.field, "pause_status"]) === "PAUSED"}
          onChange={(paused) =>
            edit({
              path: [begin.field, "pause_status"],
              value: paused ? "PAUSED" : begin.field === "continuous" ? "UNPAUSED" : undefined,
            })
          }
          label="Paused"
        />
      )}
    </div>
  );
}

function kindOf(settings: Record<string, unknown>): string {
  if (settings.schedule) return "schedule";
  if (settings.continuous) return "continuous";
  const trigger = settings.trigger as Record<string, unknown> | undefined;
  return ["periodic", "file_arrival", "table_update"].find((each) => trigger?.[each]) ?? "none";
}

const EXPRESSION = ["schedule", "quartz_cron_expression"];
const ZONES = Intl.supportedValuesOf("timeZone");

const FREQUENCIES = [
  { value: "minutes", label: "Every few minutes" },
  { value: "hours", label: "Every few hours" },
  { value: "days", label: "Every day" },
  { value: "weeks", label: "On days of the week" },
  { value: "months", label: "Once a month" },
  { value: "custom", label: "Quartz expression" },
];

function ScheduleFields() {
  const { settings, edit } = useDraft();
  const expression = String(valueAt(settings, EXPRESSION) ?? "");
  const read = fromQuartz(expression);
  const [byHand, setByHand] = useState(false);
  const plan: Plan = byHand ? { kind: "custom", expression } : read;
  const write = (next: Plan) => edit({ path: EXPRESSION, value: toQuartz(next) });

  function choose(kind: string): void {
    setByHand(kind === "custom");
    if (kind !== "custom") write(changed(read, kind));
  }

  return (
    <>
      <div className="flex flex-wrap items-end gap-3">
        <Field label="How often" className="w-52">
          {({ id }) => <Select id={id} value={plan.kind} options={FREQUENCIES} onChange={choose} />}
        </Field>
        <PlanFields plan={plan} onChange={write} />
      </div>
      {plan.kind === "weeks" && <DaysField plan={plan} onChange={write} />}
      <TextField
        path={["schedule", "timezone_id"]}
        label="Time zone"
        className="w-72"
        choices={ZONES}
        placeholder="Europe/Berlin"
      />
      <Preview
        expression={expression}
        zone={String(valueAt(settings, ["schedule", "timezone_id"]) ?? "")}
      />
    </>
  );
}

function changed(plan: Plan, kind: string): Plan {
  const at = "at" in plan ? plan.at : "06:00";
  if (kind === "minutes") return { kind, every: 15 };
  if (kind === "hours") return { kind, every: 1, minute: 0 };
  if (kind === "days") return { kind, at };
  if (kind === "months") return { kind, day: "1", at };
  return { kind: "weeks", days: ["MON", "TUE", "WED", "THU", "FRI"], at };
}

interface PlanProps<T extends Plan> {
  plan: T;
  onChange: (plan: Plan) => void;
}

function PlanFields({ plan, onChange }: PlanProps<Plan>) {
  const wrong = useProblem(EXPRESSION);
  if (plan.kind === "custom")
    return (
      <TextField
        path={EXPRESSION}
        label="Expression"
        hint="second minute hour day month weekday"
        mono
        className="min-w-60 flex-1"
        placeholder="0 0 6 ? * MON-FRI"
      />
    );
  const count = (label: string, value: number, max: number, set: (value: number) => Plan) => (
    <Field label={label} className="w-28" error={wrong}>
      {(control) => (
        <Input
          {...control}
          type="number"
          min={label === "At minute" ? 0 : 1}
          max={max}
          value={value}
          onChange={(event) => onChange(set(Number(event.target.value)))}
        />
      )}
    </Field>
  );
  if (plan.kind === "minutes")
    return count("Minutes", plan.every, 59, (every) => ({ ...plan, every }));
  if (plan.kind === "hours")
    return (
      <>
        {count("Hours", plan.every, 23, (every) => ({ ...plan, every }))}
        {count("At minute", plan.minute, 59, (minute) => ({ ...plan, minute }))}
      </>
    );
  return (
    <>
      {plan.kind === "months" && (
        <Field label="On day" className="w-32">
          {({ id }) => (
            <Select
              id={id}
              value={plan.day}
              options={[...Array.from({ length: 31 }, (_, day) => String(day + 1)), "L"].map(
                (value) => ({ value, label: value === "L" ? "The last" : value }),
              )}
              onChange={(day) => onChange({ ...plan, day })}
            />
          )}
        </Field>
      )}
      <Field label="At" className="w-36">
        {(control) => (
          <Input
            {...control}
            type="time"
            value={plan.at}
            onChange={(event) =>
              event.target.value && onChange({ ...plan, at: event.target.value })
            }
          />
        )}
      </Field>
    </>
  );
}

const DAY_WORDS: Record<Weekday, string> = {
  MON: "Mon",
  TUE: "Tue",
  WED: "Wed",
  THU: "Thu",
  FRI: "Fri",
  SAT: "Sat",
  SUN: "Sun",
};

function DaysField({ plan, onChange }: PlanProps<Extract<Plan, { kind: "weeks" }>>) {
  return (
    <fieldset className="flex flex-wrap gap-1">
      <legend className="sr-only">Days of the week</legend>
      {WEEKDAYS.map((day) => {
        const on = plan.days.includes(day);
        return (
          <button
            key={day}
            type="button"
            aria-pressed={on}
            onClick={() => {
              const days = on ? plan.days.filter((each) => each !== day) : [...plan.days, day];
              if (days.length > 0) onChange({ ...plan, days });
            }}
            className={
              on
                ? "h-7 rounded-md border border-accent bg-accent-soft px-2.5 text-xs font-medium text-accent"
                : "h-7 rounded-md border border-line-strong px-2.5 text-xs text-ink-soft hover:bg-sunken"
            }
          >
            {DAY_WORDS[day]}
          </button>
        );
      })}
    </fieldset>
  );
}

/** The schedule in words, and when it fires next. */
function Preview({ expression, zone }: { expression: string; zone: string }) {
  const wanted = useDebounced(`${expression}\n${zone}`);
  const [quartz_cron_expression = "", timezone_id = ""] = wanted.split("\n");
  const preview = useQuery(schedulePreviewQuery({ quartz_cron_expression, timezone_id, count: 5 }));
  if (!expression || !zone) return null;
  if (preview.isError) return <ErrorNote error={preview.error} />;
  if (!preview.data) return null;
  const { words, instants } = preview.data;
  return (
    <div className="rounded-md bg-sunken px-3 py-2.5 text-sm">
      <p className="font-medium first-letter:uppercase">{words}</p>
      <ol aria-label="Next times" className="mt-1.5 flex flex-col gap-0.5 text-xs text-ink-soft">
        {instants.map((at) => (
          <li key={at} className="flex gap-3">
            <Time at={at} as="instant" className="w-36" />
            <Time at={at} className="text-ink-faint" />
          </li>
        ))}
        {instants.length > 0 && <li className="text-ink-faint">in your time zone</li>}
        {instants.length === 0 && <li className="text-warn">It never fires again.</li>}
      </ol>
    </div>
  );
}
