import { Field, Select } from "@/components/form";
import { usePrincipals } from "@/components/principal-input";
import { jobField } from "@/lib/job-schema";
import { Fold, LinesField, NumberField, PairsField, TextField } from "./fields";
import { useProblem } from "./job-check";
import { useDraft, valueAt } from "./job-draft";
import { ObjectFields, SchemaField } from "./schema-fields";

/** Everything of the job that is neither a task nor a trigger. */
export function SettingsPart() {
  const { settings } = useDraft();
  const has = (...fields: string[]) => fields.some((field) => settings[field] !== undefined);
  return (
    <div className="flex flex-col gap-4">
      <TextField path={["description"]} label="Description" lines={2} />
      <PairsField path={["tags"]} label="Tags" />
      <div className="grid grid-cols-3 gap-3">
        <NumberField
          path={["max_concurrent_runs"]}
          label="Runs at a time"
          preset={1}
          min={0}
          max={1000}
        />
        <QueueField />
        <NumberField
          path={["timeout_seconds"]}
          label="Limit, minutes"
          preset={0}
          min={0}
          per={60}
          hint="0: none"
        />
      </div>
      <RunAsField />
      <Fold title="Who is told" open={has("email_notifications", "webhook_notifications")}>
        <LinesField
          path={["email_notifications", "on_failure"]}
          label="E-mail on failure"
          placeholder="data@example.com"
        />
        <LinesField path={["email_notifications", "on_success"]} label="E-mail on success" />
        <LinesField path={["email_notifications", "on_start"]} label="E-mail on start" />
        <LinesField
          path={["email_notifications", "on_duration_warning_threshold_exceeded"]}
          label="E-mail when it takes too long"
        />
        <SchemaField path={["health"]} schema={jobField("health")} />
        <SchemaField path={["webhook_notifications"]} schema={jobField("webhook_notifications")} />
        <SchemaField path={["notification_settings"]} schema={jobField("notification_settings")} />
      </Fold>
      <Fold title="Publishing" open={has("publish")} summary={has("publish") ? undefined : "off"}>
        <p className="text-xs text-ink-soft">
          A job that publishes writes on a branch of its own; all its tables go live at once, when
          every task and check has succeeded.
        </p>
        <SchemaField path={["publish"]} schema={jobField("publish")} />
      </Fold>
      <Fold title="Python environments and clusters" open={has("environments", "job_clusters")}>
        <SchemaField path={["environments"]} schema={jobField("environments")} />
        <SchemaField path={["job_clusters"]} schema={jobField("job_clusters")} />
      </Fold>
      <Fold title="Git repository" open={has("git_source")}>
        {valueAt(settings, ["git_source"]) === undefined ? (
          <SchemaField path={["git_source"]} schema={jobField("git_source")} />
        ) : (
          <ObjectFields
            path={["git_source"]}
            schema={jobField("git_source")}
            without={["git_snapshot"]}
          />
        )}
      </Fold>
    </div>
  );
}

const USUAL = "usual";

function QueueField() {
  const { settings, edit } = useDraft();
  const enabled = valueAt(settings, ["queue", "enabled"]);
  return (
    <Field label="One run too many">
      {({ id }) => (
        <Select
          id={id}
          value={enabled === undefined ? USUAL : String(enabled)}
          options={[
            { value: USUAL, label: "Waits, as usual" },
            { value: "true", label: "Waits" },
            { value: "false", label: "Is skipped" },
          ]}
          onChange={(next) =>
            edit({
              path: ["queue"],
              value: next === USUAL ? undefined : { enabled: next === "true" },
            })
          }
        />
      )}
    </Field>
  );
}

function RunAsField() {
  const { settings, edit } = useDraft();
  const wrong = useProblem(["run_as"]);
  const people = [...usePrincipals()].filter(([, kind]) => kind !== "group");
  const given = settings.run_as as Record<string, string> | undefined;
  const name = given?.user_name ?? given?.service_principal_name;
  const options = people.map(([each]) => ({ value: each, label: each }));
  if (name && !people.some(([each]) => each === name)) options.push({ value: name, label: name });
  return (
    <Field label="Runs as" hint="Whose rights its runs have" error={wrong}>
      {({ id }) => (
        <Select
          id={id}
          value={name ?? USUAL}
          options={[{ value: USUAL, label: "Its owner" }, ...options]}
          onChange={(next) => {
            const kind = people.find(([each]) => each === next)?.[1];
            const field = kind === "service_principal" ? "service_principal_name" : "user_name";
            edit({ path: ["run_as"], value: next === USUAL ? undefined : { [field]: next } });
          }}
        />
      )}
    </Field>
  );
}
