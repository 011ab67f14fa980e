import { X } from "lucide-react";
import {
  AlertDialog,
  DropdownMenu,
  Dialog as RadixDialog,
  Popover as RadixPopover,
  Tooltip as RadixTooltip,
} from "radix-ui";
import type { ReactNode } from "react";
import { useState } from "react";
import { cx } from "@/lib/cx";
import { Button, buttonClass } from "./button";
import { ErrorNote } from "./states";

const SHADE = "fixed inset-0 z-40 bg-black/45";
const SHEET =
  "fixed top-1/2 left-1/2 z-50 flex max-h-[88vh] w-[calc(100vw-2rem)] -translate-x-1/2 -translate-y-1/2 flex-col rounded-xl border border-line bg-raised shadow-2xl";

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  /** One line that says what this is about. */
  lead?: ReactNode;
  children: ReactNode;
  /** The buttons, the one that acts last. */
  footer?: ReactNode;
  wide?: boolean;
}

/** A form or a choice above the page; Escape and a click outside close it. */
export function Dialog({ open, onOpenChange, title, lead, children, footer, wide }: DialogProps) {
  return (
    <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className={SHADE} />
        <RadixDialog.Content
          className={cx(SHEET, wide ? "max-w-4xl" : "max-w-lg")}
          {...(lead ? {} : { "aria-describedby": undefined })}
        >
          <header className="flex items-start gap-3 border-b border-line px-5 py-3.5">
            <div className="min-w-0 flex-1">
              <RadixDialog.Title className="text-base font-semibold">{title}</RadixDialog.Title>
              {lead && (
                <RadixDialog.Description className="mt-0.5 text-sm text-ink-soft">
                  {lead}
                </RadixDialog.Description>
              )}
            </div>
            <RadixDialog.Close
              aria-label="Close"
              className="rounded-md p-1 text-ink-faint hover:bg-sunken hover:text-ink"
            >
              <X aria-hidden className="size-4" />
            </RadixDialog.Close>
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4">{children}</div>
          {footer && (
            <footer className="flex justify-end gap-2 border-t border-line px-5 py-3">
              {footer}
            </footer>
          )}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

interface ConfirmProps {
  /** What opens it; none where `open` says when, e.g. from a menu. */
  trigger?: ReactNode;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  title: ReactNode;
  /** What will happen, and what cannot be undone. */
  children: ReactNode;
  /** The verb on the button: "Delete job". */
  action: string;
  onConfirm: () => Promise<unknown>;
}

/** Ask before what cannot be undone. Stays open, with the error, when it does not work. */
export function Confirm({ trigger, title, children, action, onConfirm, ...held }: ConfirmProps) {
  const [opened, setOpened] = useState(false);
  const open = held.open ?? opened;
  const setOpen = held.onOpenChange ?? setOpened;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  async function act(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      setOpen(false);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }
  return (
    <AlertDialog.Root open={open} onOpenChange={setOpen}>
      {trigger && <AlertDialog.Trigger asChild>{trigger}</AlertDialog.Trigger>}
      <AlertDialog.Portal>
        <AlertDialog.Overlay className={SHADE} />
        <AlertDialog.Content className={cx(SHEET, "max-w-md p-5")}>
          <AlertDialog.Title className="text-base font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="mt-1.5 text-sm text-ink-soft">{children}</div>
          </AlertDialog.Description>
          <ErrorNote error={error} className="mt-3" />
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Cancel className={buttonClass()}>Keep it</AlertDialog.Cancel>
            <Button kind="danger" busy={busy} onClick={() => void act()}>
              {action}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

export interface MenuItem {
  label: ReactNode;
  icon?: ReactNode;
  onSelect: () => void;
  danger?: boolean;
  disabled?: boolean;
}

/** A menu of actions; `null` draws a line between two groups. */
export function Menu({
  trigger,
  items,
  label,
}: {
  trigger: ReactNode;
  items: (MenuItem | null)[];
  label?: string;
}) {
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          aria-label={label}
          className="z-50 min-w-44 rounded-md border border-line-strong bg-raised p-1 shadow-lg"
        >
          {items.map((item, place) =>
            item ? (
              <DropdownMenu.Item
                // biome-ignore lint/suspicious/noArrayIndexKey: an item is its place
                key={place}
                disabled={item.disabled}
                onSelect={item.onSelect}
                className={cx(
                  "flex items-center gap-2 rounded px-2 py-1.5 text-sm outline-none data-[disabled]:opacity-45 data-[highlighted]:bg-accent-soft [&_svg]:size-4",
                  item.danger && "text-bad",
                )}
              >
                {item.icon}
                {item.label}
              </DropdownMenu.Item>
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: an item is its place
              <DropdownMenu.Separator key={place} className="my-1 h-px bg-line" />
            ),
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** A small panel beside what opens it. */
export function Popover({
  trigger,
  children,
  className,
}: {
  trigger: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <RadixPopover.Root>
      <RadixPopover.Trigger asChild>{trigger}</RadixPopover.Trigger>
      <RadixPopover.Portal>
        <RadixPopover.Content
          sideOffset={4}
          align="end"
          className={cx(
            "z-50 rounded-md border border-line-strong bg-raised p-3 shadow-lg",
            className,
          )}
        >
          {children}
        </RadixPopover.Content>
      </RadixPopover.Portal>
    </RadixPopover.Root>
  );
}

/** A word beside what the pointer or the focus is on. Never the only place of what must be known. */
export function Tooltip({ content, children }: { content: ReactNode; children: ReactNode }) {
  return (
    <RadixTooltip.Root>
      <RadixTooltip.Trigger asChild>{children}</RadixTooltip.Trigger>
      <RadixTooltip.Portal>
        <RadixTooltip.Content
          sideOffset={5}
          className="z-50 max-w-sm rounded-md bg-ink px-2.5 py-1.5 text-xs whitespace-pre-line text-canvas shadow-lg"
        >
          {content}
        </RadixTooltip.Content>
      </RadixTooltip.Portal>
    </RadixTooltip.Root>
  );
}

export const TooltipProvider = RadixTooltip.Provider;
