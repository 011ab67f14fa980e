import { useState } from "react";
import { useCreateToken } from "@/api/tokens";
import { Field, Input, Select } from "@/components/form";
import { FormDialog } from "@/components/form-dialog";

const DAY_S = 86_400;
const LIFETIMES = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "1 year" },
  { value: "0", label: "Until it is revoked" },
];

interface CreateTokenProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onCreated: (value: string) => void;
}

/** Asks what a token is for and how long it lives. */
export function CreateToken({ open, onOpenChange, onCreated }: CreateTokenProps) {
  const [comment, setComment] = useState("");
  const [days, setDays] = useState("90");
  const create = useCreateToken();
  function submit(): void {
    const lifetime_seconds = Number(days) * DAY_S || undefined;
    create.mutate(
      { comment, lifetime_seconds },
      {
        onSuccess: (made) => {
          setComment("");
          onCreated(made.token_value);
        },
      },
    );
  }
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Create a token"
      lead="It may do what you may do."
      action="Create"
      busy={create.isPending}
      error={create.error}
      onSubmit={submit}
    >
      <Field label="What is it for" hint="So that you know later which one to revoke.">
        {(control) => (
          <Input
            {...control}
            autoFocus
            value={comment}
            onChange={(event) => setComment(event.target.value)}
          />
        )}
      </Field>
      <Field label="Lives for">
        {({ id }) => <Select id={id} value={days} onChange={setDays} options={LIFETIMES} />}
      </Field>
    </FormDialog>
  );
}
