import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { alertsQuery } from "@/api/alerts";
import { jobChoicesQuery, jobOverviewQuery } from "@/api/job-overviews";
import { savedQueriesQuery } from "@/api/queries";
import { warehousesQuery } from "@/api/warehouses";
import { Field, Input, Select } from "@/components/form";
import { fieldOf } from "@/lib/job-schema";
import { TASK_TYPES, type TaskSettings, taskTypeOf } from "@/lib/job-settings";
import { useDebounced } from "@/lib/use-debounced";
import { ChoiceField, NumberField, PairsField, TextField, ToggleField } from "./fields";
import { useProblem } from "./job-check";
import { useDraft, valueAt } from "./job-draft";
import { ObjectFields, SchemaField } from "./schema-fields";
import { retypeTask } from "./task-edits";
import type { Path } from "./yaml-edit";

/** The fields of a task's own type. */
export function TypeFields({ path, type }: { path: Path; type: string | null }) {
  if (type === null) return null;
  const inner = [...path, type];
  switch (type) {
    case "sql_task":
      return <SqlFields path={inner} />;
    case "condition_task":
      return <ConditionFields path={inner} />;
    case "run_job_task":
      return <RunJobFields path={inner} />;
    case "for_each_task":
      return <ForEachFields path={inner} />;
    case "check_task":
      return <CheckFields path={inner} />;
    case "dbt_task":
      return (
        <>
          <ObjectFields
            path={inner}
            schema={fieldOf("Task", type)}
            without={["warehouse_id", "profiles_directory", "catalog", "schema"]}
          />
          <WarehouseField path={[...inner, "warehouse_id"]} hint="Where the models are built" />
          <div className="grid grid-cols-2 gap-3">
            <TextField path={[...inner, "catalog"]} label="Catalog" mono />
            <TextField path={[...inner, "schema"]} label="Schema" mono />
          </div>
        </>
      );
    default:
      return <ObjectFields path={inner} schema={fieldOf("Task", type)} />;
  }
}

const DEFAULT = "default";

/** A SQL warehouse, with its state. */
function WarehouseField({ path, hint }: { path: Path; hint?: string }) {
  const { settings, edit } = useDraft();
  const { data: warehouses = [] } = useQuery(warehousesQuery);
  const error = useProblem(path);
  const value = valueAt(settings, path) as string | undefined;
  const options = warehouses.map((each) => ({ value: String(each.id), label: String(each.name) }));
  if (value && !options.some((option) => option.value === value))
    options.push({ value, label: value });
  return (
    <Field label="Warehouse" hint={hint} error={error}>
      {({ id }) => (
        <Select
          id={id}
          value={value ?? DEFAULT}
          options={[{ value: DEFAULT, label: "The workspace's default" }, ...options]}
          onChange={(next) => edit({ path, value: next === DEFAULT ? undefined : next })}
        />
      )}
    </Field>
  );
}

const SOURCES = [
  { value: "query", label: "A saved query" },
  { value: "file", label: "A file" },
  { value: "alert", label: "An alert" },
];

function SqlFields({ path }: { path: Path }) {
  const { settings, edit } = useDraft();
  const given = (valueAt(settings, path) ?? {}) as Record<string, unknown>;
  const source = SOURCES.find(({ value }) => given[value] !== undefined)?.value ?? "query";
  const begin: Record<string, unknown> = {
    query: { query_id: "" },
    file: { path: "" },
    alert: { alert_id: "" },
  };
  return (
    <>
      <div className="grid grid-cols-2 gap-3">
        <Field label="What it runs">
          {({ id }) => (
            <Select
              id={id}
              value={source}
              options={SOURCES}
              onChange={(next) =>
                edit(
                  ...SOURCES.filter(({ value }) => value !== next && value in given).map(
                    ({ value }) => ({ path: [...path, value], value: undefined }),
                  ),
                  { path: [...path, next], value: begin[next] },
                )
              }
            />
          )}
        </Field>
        <WarehouseField path={[...path, "warehouse_id"]} />
      </div>
      {source === "query" && <SavedQueryField path={[...path, "query", "query_id"]} />}
      {source === "alert" && <AlertFields path={[...path, "alert"]} />}
      {source === "file" && (
        <TextField
          path={[...path, "file", "path"]}
          label="Path"
          mono
          placeholder="/Shared/orders/report.sql"
          hint="In the workspace, or in the job's repository"
        />
      )}
      <PairsField
        path={[...path, "parameters"]}
        label="Parameters"
        hint="Values of :name markers"
      />
    </>
  );
}

function SavedQueryField({ path }: { path: Path }) {
  const { data: queries = [] } = useQuery(savedQueriesQuery);
  return (
    <ChoiceField
      path={path}
      label="Query"
      placeholder={queries.length > 0 ? "Choose a query" : "There is no saved query yet"}
      options={queries.map((each) => ({
        value: String(each.id),
        label: String(each.display_name),
      }))}
    />
  );
}

function AlertFields({ path }: { path: Path }) {
  const { data: alerts = [] } = useQuery(alertsQuery);
  return (
    <>
      <ChoiceField
        path={[...path, "alert_id"]}
        label="Alert"
        placeholder={alerts.length > 0 ? "Choose an alert" : "There is no alert yet"}
        options={alerts.map((each) => ({
          value: String(each.id),
          label: String(each.display_name),
        }))}
      />
      <SchemaField
        path={[...path, "subscriptions"]}
        schema={fieldOf("SqlTaskAlert", "subscriptions")}
      />
      <ToggleField path={[...path, "pause_subscriptions"]} label="Tell nobody for now" />
    </>
  );
}

const OPERATORS = [
  { value: "EQUAL_TO", label: "= equals", hint: "Compares texts" },
  { value: "NOT_EQUAL", label: "≠ differs from", hint: "Compares texts" },
  { value: "GREATER_THAN", label: "> is greater than" },
  { value: "GREATER_THAN_OR_EQUAL", label: "≥ is at least" },
  { value: "LESS_THAN", label: "< is less than" },
  { value: "LESS_THAN_OR_EQUAL", label: "≤ is at most" },
];

function ConditionFields({ path }: { path: Path }) {
  return (
    <div className="grid grid-cols-[1fr_11rem_1fr] items-start gap-2">
      <TextField
        path={[...path, "left"]}
        label="Left"
        mono
        placeholder="{{tasks.load.values.rows}}"
      />
      <ChoiceField path={[...path, "op"]} label="Comparison" options={OPERATORS} />
      <TextField path={[...path, "right"]} label="Right" mono placeholder="0" />
    </div>
  );
}

function RunJobFields({ path }: { path: Path }) {
  return (
    <>
      <JobField path={[...path, "job_id"]} />
      <PairsField path={[...path, "job_parameters"]} label="Its parameters" />
    </>
  );
}

/** Another job, found by its name. */
function JobField({ path }: { path: Path }) {
  const { settings, edit } = useDraft();
  const error = useProblem(path);
  const value = valueAt(settings, path) as number | undefined;
  const chosen = useQuery({
    ...jobOverviewQuery(value ?? 0),
    enabled: Boolean(value),
    retry: false,
  });
  const [typed, setTyped] = useState<string | null>(null);
  const found = useQuery(jobChoicesQuery(useDebounced(typed ?? "")));
  const shown = typed ?? chosen.data?.name ?? (value ? String(value) : "");
  return (
    <Field
      label="Job"
      error={error}
      hint={value ? `Job ${value}` : "Type a part of its name and choose it"}
    >
      {(control) => (
        <>
          <Input
            {...control}
            list={`${control.id}-jobs`}
            value={shown}
            placeholder="Name of a job"
            onBlur={() => setTyped(null)}
            onChange={(event) => {
              const text = event.target.value;
              setTyped(text);
              const job = found.data?.find((each) => each.name === text);
              const id = job?.job_id ?? (/^\d+$/.test(text) ? Number(text) : undefined);
              if (id !== undefined) edit({ path, value: id });
            }}
          />
          <datalist id={`${control.id}-jobs`}>
            {(found.data ?? []).map((job) => (
              <option key={job.job_id} value={job.name}>
                {`Job ${job.job_id}`}
              </option>
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}

function ForEachFields({ path }: { path: Path }) {
  const { settings, edit } = useDraft();
  const inner = [...path, "task"];
  const task = (valueAt(settings, inner) ?? {}) as TaskSettings;
  const type = taskTypeOf(task);
  return (
    <>
      <div className="grid grid-cols-[1fr_9rem] gap-3">
        <TextField
          path={[...path, "inputs"]}
          label="Inputs"
          mono
          hint="A JSON list, or a value that another task has set"
          placeholder={'["emea", "apac"]'}
        />
        <NumberField
          path={[...path, "concurrency"]}
          label="At the same time"
          preset={1}
          min={1}
          max={100}
        />
      </div>
      <fieldset className="flex flex-col gap-3 rounded-md border border-line px-3 pt-1 pb-3">
        <legend className="px-1 text-sm font-medium">For each input</legend>
        <div className="grid grid-cols-2 gap-3">
          <TextField path={[...inner, "task_key"]} label="Key" mono />
          <Field label="Type">
            {({ id }) => (
              <Select
                id={id}
                value={type ?? undefined}
                options={TASK_TYPES.filter((each) => each.type !== "for_each_task").map((each) => ({
                  value: each.type,
                  label: each.label,
                }))}
                onChange={(next) => edit(...retypeTask(task, inner, next))}
              />
            )}
          </Field>
        </div>
        <TypeFields path={inner} type={type} />
        <p className="text-xs text-ink-faint">
          <code>{"{{input}}"}</code> stands for the input.
        </p>
      </fieldset>
    </>
  );
}

function CheckFields({ path }: { path: Path }) {
  const { settings, edit } = useDraft();
  const byTable = valueAt(settings, [...path, "table"]) !== undefined;
  return (
    <>
      <div className="grid grid-cols-2 gap-3">
        <Field label="Rule">
          {({ id }) => (
            <Select
              id={id}
              value={byTable ? "table" : "sql"}
              options={[
                { value: "sql", label: "A query finds no rows" },
                { value: "table", label: "A table has rows, and is fresh" },
              ]}
              onChange={(next) =>
                edit({ path, value: next === "sql" ? { sql: "" } : { table: "", min_rows: 1 } })
              }
            />
          )}
        </Field>
        <WarehouseField path={[...path, "warehouse_id"]} />
      </div>
      {byTable ? (
        <ObjectFields
          path={path}
          schema={fieldOf("Task", "check_task")}
          without={["warehouse_id", "sql", "parameters"]}
        />
      ) : (
        <>
          <TextField
            path={[...path, "sql"]}
            label="SQL"
            mono
            lines={5}
            hint="Every row that it finds breaks the rule"
          />
          <PairsField path={[...path, "parameters"]} label="Values of :name markers" />
        </>
      )}
    </>
  );
}
