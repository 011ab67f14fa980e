import { Plus, Variable, X } from "lucide-react";
import { Button, IconButton } from "@/components/button";
import { EmptyState } from "@/components/states";
import { TextField } from "./fields";
import { useDraft } from "./job-draft";

/** The job's parameters, and what they are when a run says nothing else. */
export function ParametersPart() {
  const { settings, edit } = useDraft();
  const given = Array.isArray(settings.parameters) ? settings.parameters : [];
  const add = (
    <Button
      onClick={() => edit({ path: ["parameters", given.length], value: { name: "", default: "" } })}
    >
      <Plus aria-hidden />
      Add a parameter
    </Button>
  );
  if (given.length === 0)
    return (
      <EmptyState icon={Variable} title="No parameters" action={add}>
        Values that a run may be given. Tasks read them as <code>{"{{job.parameters.name}}"}</code>.
      </EmptyState>
    );
  return (
    <div className="flex flex-col gap-3">
      {given.map((each, place) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: a parameter is its place
          key={place}
          className="grid grid-cols-[2fr_3fr_auto] items-start gap-3"
        >
          <TextField path={["parameters", place, "name"]} label="Name" mono placeholder="day" />
          <TextField
            path={["parameters", place, "default"]}
            label="Default"
            mono
            placeholder="{{job.start_time.iso_date}}"
            onValue={(value) => edit({ path: ["parameters", place, "default"], value })}
          />
          <IconButton
            label={`Remove ${each?.name || "the parameter"}`}
            className="mt-6"
            onClick={() => edit({ path: ["parameters", place], value: undefined })}
          >
            <X />
          </IconButton>
        </div>
      ))}
      <div>{add}</div>
    </div>
  );
}
