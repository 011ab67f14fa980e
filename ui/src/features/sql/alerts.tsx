import { useQuery } from "@tanstack/react-query";
import { BellRing, Trash2 } from "lucide-react";
import { useState } from "react";
import { type Alert, type AlertOp, alertsQuery, useCreateAlert, useTrashAlert } from "@/api/alerts";
import type { SavedQuery } from "@/api/queries";
import { Button, IconButton } from "@/components/button";
import { Checkbox, Field, Input, Select } from "@/components/form";
import { Confirm } from "@/components/overlay";
import { QueryView } from "@/components/query-view";
import { EmptyState, ErrorNote } from "@/components/states";
import { Time } from "@/components/time";
import { cx } from "@/lib/cx";
import { TONE_SOFT, type Tone } from "@/lib/states";

const OPS: { value: AlertOp; label: string }[] = [
  { value: "GREATER_THAN", label: "is greater than" },
  { value: "GREATER_THAN_OR_EQUAL", label: "is at least" },
  { value: "LESS_THAN", label: "is less than" },
  { value: "LESS_THAN_OR_EQUAL", label: "is at most" },
  { value: "EQUAL", label: "is" },
  { value: "NOT_EQUAL", label: "is not" },
  { value: "IS_NULL", label: "is null" },
];

const STATES: Record<string, [Tone, string]> = {
  OK: ["good", "OK"],
  TRIGGERED: ["bad", "Triggered"],
  UNKNOWN: ["calm", "Not looked at yet"],
};

/** The alerts on a saved query, and a form for one more. */
export function AlertsOf({ query, columns }: { query: SavedQuery; columns: string[] }) {
  const alerts = useQuery(alertsQuery);
  const [making, setMaking] = useState(false);
  return (
    <QueryView query={alerts}>
      {(all) => {
        const own = all.filter((alert) => alert.query_id === query.id);
        if (making)
          return <NewAlert query={query} columns={columns} onDone={() => setMaking(false)} />;
        const add = (
          <Button kind="primary" onClick={() => setMaking(true)}>
            <BellRing aria-hidden />
            New alert
          </Button>
        );
        if (own.length === 0)
          return (
            <EmptyState icon={BellRing} title="No alerts on this query" action={add}>
              An alert holds the first row of the answer against a threshold. A job with a SQL alert
              task looks at it on schedule, and tells who is to know.
            </EmptyState>
          );
        return (
          <div className="flex flex-col gap-3">
            <ul aria-label="Alerts" className="divide-y divide-line rounded-md border border-line">
              {own.map((alert) => (
                <AlertLine key={alert.id} alert={alert} />
              ))}
            </ul>
            <div className="flex items-center gap-3">
              {add}
              <p className="text-xs text-ink-faint">
                A job with a SQL alert task looks at alerts on its schedule.
              </p>
            </div>
          </div>
        );
      }}
    </QueryView>
  );
}

function AlertLine({ alert }: { alert: Alert }) {
  const trash = useTrashAlert();
  const [tone, word] = STATES[alert.state] ?? ["calm", alert.state];
  return (
    <li className="flex items-center gap-3 px-3 py-2">
      <span className={cx("rounded-full px-2 py-0.5 text-xs font-medium", TONE_SOFT[tone as Tone])}>
        {word}
      </span>
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">{alert.display_name}</span>
        <span className="block truncate text-xs text-ink-faint">{conditionWords(alert)}</span>
      </span>
      {alert.trigger_time && (
        <span className="text-xs text-ink-faint">
          triggered <Time at={Date.parse(alert.trigger_time)} />
        </span>
      )}
      <Confirm
        title={`Delete the alert “${alert.display_name}”?`}
        action="Delete alert"
        onConfirm={() => trash.mutateAsync(alert.id)}
        trigger={
          <IconButton label={`Delete ${alert.display_name}`}>
            <Trash2 />
          </IconButton>
        }
      >
        Jobs that look at it will fail at that task.
      </Confirm>
    </li>
  );
}

function conditionWords({ condition }: Alert): string {
  const value = condition.threshold?.value;
  const limit = value?.double_value ?? value?.string_value ?? value?.bool_value ?? "";
  const op = OPS.find((each) => each.value === condition.op)?.label ?? condition.op;
  return `${condition.operand.column.name} ${op} ${limit}`.trim();
}

interface NewAlertProps {
  query: SavedQuery;
  columns: string[];
  onDone: () => void;
}

function NewAlert({ query, columns, onDone }: NewAlertProps) {
  const create = useCreateAlert();
  const [name, setName] = useState(`${query.display_name} alert`);
  const [column, setColumn] = useState(columns[0] ?? "");
  const [op, setOp] = useState<AlertOp>("GREATER_THAN");
  const [limit, setLimit] = useState("");
  const [empty, setEmpty] = useState("UNKNOWN");
  const [tellOk, setTellOk] = useState(false);
  const [again, setAgain] = useState("");
  const isNull = op === "IS_NULL";
  async function submit(): Promise<void> {
    const made = await create
      .mutateAsync({
        display_name: name.trim(),
        query_id: query.id,
        condition: {
          op,
          operand: { column: { name: column } },
          ...(isNull ? {} : { threshold: { value: thresholdOf(limit, op) } }),
          empty_result_state: empty as "OK" | "TRIGGERED" | "UNKNOWN",
        },
        notify_on_ok: tellOk,
        seconds_to_retrigger: Math.max(0, Math.round(Number(again) * 60)) || 0,
      })
      .catch(() => null);
    if (made) onDone();
  }
  return (
    <form
      className="flex max-w-2xl flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Field label="Name">
        {(control) => (
          <Input {...control} value={name} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <div className="grid grid-cols-3 items-start gap-3">
        <Field
          label="Trigger when"
          hint={columns.length ? "A column of the first row." : "Run the query to choose a column."}
        >
          {(control) =>
            columns.length ? (
              <Select
                id={control.id}
                value={column}
                onChange={setColumn}
                options={columns.map((each) => ({ value: each, label: each }))}
              />
            ) : (
              <Input
                {...control}
                required
                value={column}
                onChange={(event) => setColumn(event.target.value)}
              />
            )
          }
        </Field>
        <Field label="Condition">
          {(control) => (
            <Select
              id={control.id}
              value={op}
              onChange={(value) => setOp(value as AlertOp)}
              options={OPS}
            />
          )}
        </Field>
        {!isNull && (
          <Field label="Threshold" hint="A number, true, false, or text.">
            {(control) => (
              <Input
                {...control}
                required
                value={limit}
                onChange={(event) => setLimit(event.target.value)}
              />
            )}
          </Field>
        )}
      </div>
      <div className="grid grid-cols-3 items-start gap-3">
        <Field label="When there is no row">
          {(control) => (
            <Select
              id={control.id}
              value={empty}
              onChange={setEmpty}
              options={[
                { value: "UNKNOWN", label: "Unknown" },
                { value: "OK", label: "OK" },
                { value: "TRIGGERED", label: "Triggered" },
              ]}
            />
          )}
        </Field>
        <Field label="Tell again after" hint="Minutes; nothing means once.">
          {(control) => (
            <Input
              {...control}
              type="number"
              min={0}
              value={again}
              onChange={(event) => setAgain(event.target.value)}
            />
          )}
        </Field>
        <Checkbox
          className="pt-7"
          label="Tell also when it is OK again"
          checked={tellOk}
          onChange={setTellOk}
        />
      </div>
      <ErrorNote error={create.error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>Cancel</Button>
        <Button type="submit" kind="primary" busy={create.isPending} disabled={!column || !name}>
          Create alert
        </Button>
      </div>
    </form>
  );
}

/** A threshold as the API takes it, from what is written. */
function thresholdOf(text: string, op: AlertOp) {
  const word = text.trim().toLowerCase();
  if ((word === "true" || word === "false") && (op === "EQUAL" || op === "NOT_EQUAL"))
    return { bool_value: word === "true" };
  const number = Number(word);
  return word !== "" && Number.isFinite(number) ? { double_value: number } : { string_value: text };
}
