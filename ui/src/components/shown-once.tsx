import { Button } from "./button";
import { CopyButton } from "./copy-button";
import { Dialog } from "./overlay";

interface ShownOnceProps {
  /** The secret; the dialog is open while there is one. */
  value: string | null;
  title: string;
  onDone: () => void;
}

/** A token's value, which the server shows this once and never again. */
export function ShownOnce({ value, title, onDone }: ShownOnceProps) {
  return (
    <Dialog
      open={value !== null}
      onOpenChange={(open) => !open && onDone()}
      title={title}
      lead="Copy it now: it is not shown again, to nobody."
      footer={
        <Button kind="primary" onClick={onDone}>
          I have it
        </Button>
      }
    >
      <div className="flex items-center gap-2 rounded-md border border-line bg-sunken px-3 py-2">
        <code className="min-w-0 flex-1 font-mono text-xs break-all">{value}</code>
        <CopyButton text={value ?? ""} label="Copy the token" />
      </div>
    </Dialog>
  );
}
