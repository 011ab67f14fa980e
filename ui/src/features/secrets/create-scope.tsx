import { useState } from "react";
import { useCreateScope } from "@/api/secrets";
import { Field, Input } from "@/components/form";
import { FormDialog } from "@/components/form-dialog";

interface CreateScopeProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onCreated: (name: string) => void;
}

/** Asks for the name of a new scope. */
export function CreateScope({ open, onOpenChange, onCreated }: CreateScopeProps) {
  const [name, setName] = useState("");
  const create = useCreateScope();
  function submit(): void {
    create.mutate(name.trim(), {
      onSuccess: () => {
        setName("");
        onCreated(name.trim());
      },
    });
  }
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Create a scope"
      lead="You manage it; give others access afterwards."
      action="Create"
      disabled={!name.trim()}
      busy={create.isPending}
      error={create.error}
      onSubmit={submit}
    >
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
    </FormDialog>
  );
}
