import { useBlocker } from "@tanstack/react-router";
import { Button } from "@/components/button";
import { Dialog } from "@/components/overlay";

/** Ask before changes are lost: by a link, by the back button, by closing the window. */
export function LeaveGuard({ when }: { when: () => boolean }) {
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: ({ current, next }) => when() && current.pathname !== next.pathname,
    enableBeforeUnload: when,
    withResolver: true,
  });
  return (
    <Dialog
      open={status === "blocked"}
      onOpenChange={(open) => !open && reset?.()}
      title="Leave without saving?"
      lead="What you have changed here is lost then."
      footer={
        <>
          <Button onClick={() => reset?.()}>Stay</Button>
          <Button kind="danger" onClick={() => proceed?.()}>
            Leave
          </Button>
        </>
      }
    >
      <p className="text-sm text-ink-soft">To keep it, stay and press Ctrl-S.</p>
    </Dialog>
  );
}
