import { type ReactNode, useId } from "react";
import { Button } from "./button";
import { Dialog } from "./overlay";
import { ErrorNote } from "./states";

interface FormDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  lead?: ReactNode;
  /** The verb on the button that sends the form. */
  action: string;
  /** Not yet: something that must be given is missing. */
  disabled?: boolean;
  busy: boolean;
  /** Why the last try did not work. */
  error: unknown;
  onSubmit: () => void;
  /** The fields. */
  children: ReactNode;
}

/** A few fields and the button that sends them; stays open, with the error, when it does not work. */
export function FormDialog(props: FormDialogProps) {
  const form = useId();
  return (
    <Dialog
      open={props.open}
      onOpenChange={props.onOpenChange}
      title={props.title}
      lead={props.lead}
      footer={
        <>
          <Button onClick={() => props.onOpenChange(false)}>Cancel</Button>
          <Button
            type="submit"
            form={form}
            kind="primary"
            busy={props.busy}
            disabled={props.disabled}
          >
            {props.action}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          props.onSubmit();
        }}
      >
        {props.children}
        <ErrorNote error={props.error} />
      </form>
    </Dialog>
  );
}
