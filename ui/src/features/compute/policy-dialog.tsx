import { json } from "@codemirror/lang-json";
import { useState } from "react";
import { type PolicyDraft, useSavePolicy } from "@/api/compute";
import { Button } from "@/components/button";
import { Editor } from "@/components/editor";
import { Field, Input } from "@/components/form";
import { Dialog } from "@/components/overlay";
import { ErrorNote } from "@/components/states";

const JSON_LANGUAGE = json();

interface PolicyDialogProps {
  /** What is edited; null while closed. */
  draft: PolicyDraft | null;
  onClose: () => void;
}

/** A cluster policy as a form; its rules are JSON, as Databricks has them. */
export function PolicyDialog({ draft, onClose }: PolicyDialogProps) {
  const [name, setName] = useState(draft?.name ?? "");
  const [description, setDescription] = useState(draft?.description ?? "");
  const [definition, setDefinition] = useState(draft?.definition ?? "");
  const save = useSavePolicy();
  function submit(): void {
    save.mutate(
      { policy_id: draft?.policy_id, name: name.trim(), description, definition },
      { onSuccess: onClose },
    );
  }
  return (
    <Dialog
      open={draft !== null}
      onOpenChange={(open) => !open && onClose()}
      title={draft?.policy_id ? `Policy ${draft.name}` : "Create a policy"}
      lead="Jobs that name it are checked when they are saved, and again when a run begins."
      wide
      footer={
        <Button kind="primary" disabled={!name.trim()} busy={save.isPending} onClick={submit}>
          Save
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name">
            {(control) => (
              <Input {...control} value={name} onChange={(event) => setName(event.target.value)} />
            )}
          </Field>
          <Field label="Description">
            {(control) => (
              <Input
                {...control}
                value={description}
                onChange={(event) => setDescription(event.target.value)}
              />
            )}
          </Field>
        </div>
        <div>
          <p className="mb-1 font-medium">Rules</p>
          <p className="mb-2 text-xs text-ink-faint">
            {
              'For example {"num_workers": {"type": "range", "maxValue": 4}, "node_type_id": {"type": "allowlist", "values": ["default"]}}.'
            }
          </p>
          <Editor
            label="Rules"
            value={definition}
            onChange={setDefinition}
            extensions={JSON_LANGUAGE}
            className="h-64 rounded-md border border-line-strong"
          />
        </div>
        <ErrorNote error={save.error} />
      </div>
    </Dialog>
  );
}
