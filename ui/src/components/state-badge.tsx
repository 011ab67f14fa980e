import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleMinus,
  CircleX,
  Clock,
  LoaderCircle,
  type LucideIcon,
  RotateCcw,
  Split,
  TimerOff,
  TriangleAlert,
} from "lucide-react";
import { cx } from "@/lib/cx";
import { lookOf, TONE_SOFT, TONE_TEXT } from "@/lib/states";

const ICONS: Record<string, LucideIcon> = {
  SUCCESS: CircleCheck,
  SUCCESS_WITH_FAILURES: TriangleAlert,
  FAILED: CircleX,
  INTERNAL_ERROR: CircleX,
  TIMEDOUT: TimerOff,
  UPSTREAM_FAILED: Split,
  CANCELED: Ban,
  SKIPPED: CircleMinus,
  EXCLUDED: CircleMinus,
  DISABLED: CircleMinus,
  RUNNING: LoaderCircle,
  TERMINATING: LoaderCircle,
  QUEUED: Clock,
  WAITING_FOR_RETRY: RotateCcw,
};

/** The icon of a state in its colour. */
export function StateIcon({ state, className }: { state: string; className?: string }) {
  const Icon = ICONS[state] ?? CircleDashed;
  const { tone } = lookOf(state);
  return (
    <Icon
      aria-hidden
      className={cx(
        "size-4 shrink-0",
        TONE_TEXT[tone],
        tone === "live" && "animate-spin [animation-duration:2s]",
        className,
      )}
    />
  );
}

/** A state as icon, word and colour. */
export function StateBadge({ state, className }: { state: string; className?: string }) {
  const { tone, label } = lookOf(state);
  return (
    <span
      className={cx(
        "inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap",
        TONE_SOFT[tone],
        className,
      )}
    >
      <StateIcon state={state} className="size-3.5" />
      {label}
    </span>
  );
}
