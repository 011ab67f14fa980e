import { cx } from "@/lib/cx";

/** The name with its mark. */
export function Logo({ className }: { className?: string }) {
  return (
    <span
      className={cx(
        "inline-flex items-center gap-2 text-base font-semibold tracking-tight",
        className,
      )}
    >
      <img src="/openlake.svg" alt="" className="size-[1.5em]" />
      OpenLake
    </span>
  );
}
