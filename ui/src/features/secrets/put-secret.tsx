import { useState } from "react";
import { usePutSecret } from "@/api/secrets";
import { Field, Input, Textarea } from "@/components/form";
import { FormDialog } from "@/components/form-dialog";

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
  function submit(): void {
    put.mutate({ scope, key: key.trim(), string_value: value }, { onSuccess: onClose });
  }
  return (
    <FormDialog
      open={secretKey !== null}
      onOpenChange={(open) => !open && onClose()}
      title={isNew ? "Add a secret" : `Replace ${secretKey}`}
      lead={`In the scope ${scope}. Runs that have begun keep the value they have read.`}
      action="Store"
      disabled={!key.trim() || !value}
      busy={put.isPending}
      error={put.error}
      onSubmit={submit}
    >
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
      <Field label="Value" hint="At most 128 KiB. It is encrypted, and shown to nobody afterwards.">
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
    </FormDialog>
  );
}
