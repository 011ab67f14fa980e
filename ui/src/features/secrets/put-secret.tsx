import { type FormEvent, useState } from "react";
import { usePutSecret } from "@/api/secrets";
import { Button } from "@/components/button";
import { Field, Input, Textarea } from "@/components/form";
import { Dialog } from "@/components/overlay";
import { ErrorNote } from "@/components/states";

interface PutSecretProps {
  scope: string;
  /** The key whose value is replaced; an empty one for a new secret; null while closed. */
  secretKey: string | null;
  onClose: () => void;
}

/** Takes a secret's value. It is sent once and never shown. */
export function PutSecret({ scope, secretKey, onClose }: PutSecretProps) {
  const [key, setKey] = useState(secretKey ?? "");
  const [value, setValue] = useState("");
  const put = usePutSecret();
  const isNew = !secretKey;
  function submit(event: FormEvent): void {
    event.preventDefault();
    put.mutate({ scope, key: key.trim(), string_value: value }, { onSuccess: onClose });
  }
  return (
    <Dialog
      open={secretKey !== null}
      onOpenChange={(open) => !open && onClose()}
      title={isNew ? "Add a secret" : `Replace ${secretKey}`}
      lead={`In the scope ${scope}. Runs that have begun keep the value they have read.`}
      footer={
        <Button
          type="submit"
          form="put-secret"
          kind="primary"
          disabled={!key.trim() || !value}
          busy={put.isPending}
        >
          Store
        </Button>
      }
    >
      <form id="put-secret" onSubmit={submit} className="flex flex-col gap-4">
        {isNew && (
          <Field label="Key">
            {(control) => (
              <Input
                {...control}
                autoFocus
                required
                value={key}
                onChange={(event) => setKey(event.target.value)}
              />
            )}
          </Field>
        )}
        <Field
          label="Value"
          hint="At most 128 KiB. It is encrypted, and shown to nobody afterwards."
        >
          {(control) => (
            <Textarea
              {...control}
              required
              autoFocus={!isNew}
              className="font-mono"
              value={value}
              onChange={(event) => setValue(event.target.value)}
            />
          )}
        </Field>
        <ErrorNote error={put.error} />
      </form>
    </Dialog>
  );
}
