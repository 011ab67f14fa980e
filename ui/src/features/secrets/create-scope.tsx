import { type FormEvent, useState } from "react";
import { useCreateScope } from "@/api/secrets";
import { Button } from "@/components/button";
import { Field, Input } from "@/components/form";
import { Dialog } from "@/components/overlay";
import { ErrorNote } from "@/components/states";

interface CreateScopeProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onCreated: (name: string) => void;
}

/** Asks for the name of a new scope. */
export function CreateScope({ open, onOpenChange, onCreated }: CreateScopeProps) {
  const [name, setName] = useState("");
  const create = useCreateScope();
  function submit(event: FormEvent): void {
    event.preventDefault();
    create.mutate(name.trim(), {
      onSuccess: () => {
        setName("");
        onCreated(name.trim());
      },
    });
  }
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Create a scope"
      lead="You manage it; give others access afterwards."
      footer={
        <Button
          type="submit"
          form="create-scope"
          kind="primary"
          disabled={!name.trim()}
          busy={create.isPending}
        >
          Create
        </Button>
      }
    >
      <form id="create-scope" onSubmit={submit} className="flex flex-col gap-4">
        <Field
          label="Name"
          hint="Letters, digits, - _ . and @; tasks name it in {{secrets/<scope>/<key>}}."
        >
          {(control) => (
            <Input
              {...control}
              autoFocus
              required
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <ErrorNote error={create.error} />
      </form>
    </Dialog>
  );
}
