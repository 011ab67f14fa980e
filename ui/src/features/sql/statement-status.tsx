import { StateBadge } from "@/components/state-badge";

/** The history's words as the console's. */
const STATES: Record<string, string> = {
  QUEUED: "QUEUED",
  RUNNING: "RUNNING",
  FINISHED: "SUCCESS",
  FAILED: "FAILED",
  CANCELED: "CANCELED",
};

export function StatementStatus({ status }: { status: string }) {
  return <StateBadge state={STATES[status] ?? status} className="w-fit" />;
}
