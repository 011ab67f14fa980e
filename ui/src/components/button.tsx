import { LoaderCircle } from "lucide-react";
import type { ComponentProps } from "react";
import { cx } from "@/lib/cx";

type Kind = "primary" | "plain" | "quiet" | "danger";

const KINDS: Record<Kind, string> = {
  primary: "bg-accent text-accent-ink border-transparent hover:brightness-110",
  plain: "bg-surface text-ink border-line-strong hover:bg-sunken",
  quiet: "bg-transparent text-ink-soft border-transparent hover:bg-sunken hover:text-ink",
  danger: "bg-surface text-bad border-line-strong hover:bg-bad-soft",
};

export interface ButtonProps extends ComponentProps<"button"> {
  kind?: Kind;
  size?: "normal" | "small";
  /** Shows that the click is being worked on, and takes no second one. */
  busy?: boolean;
}

/** The one button. Its label says what it does; an icon beside it is decoration. */
export function Button({
  kind = "plain",
  size = "normal",
  busy,
  className,
  ...props
}: ButtonProps) {
  return (
    <button
      type="button"
      {...props}
      disabled={props.disabled || busy}
      aria-busy={busy || undefined}
      className={cx(buttonClass(kind, size), className)}
    >
      {busy && <LoaderCircle aria-hidden className="size-4 animate-spin" />}
      {props.children}
    </button>
  );
}

/** How a button looks, for links that look like one. */
export function buttonClass(kind: Kind = "plain", size: "normal" | "small" = "normal"): string {
  return cx(
    "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap transition-colors select-none",
    "disabled:cursor-not-allowed disabled:opacity-55 [&_svg]:size-4 [&_svg]:shrink-0",
    size === "small" ? "h-7 px-2 text-xs" : "h-8.5 px-3 text-sm",
    KINDS[kind],
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  /** What it does, for those who do not see the icon; shown as its tooltip. */
  label: string;
}

/** A button that is only an icon. */
export function IconButton({ label, className, ...props }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...props}
      className={cx(
        "inline-flex size-8 shrink-0 items-center justify-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink disabled:opacity-50 [&_svg]:size-4",
        className,
      )}
    />
  );
}
