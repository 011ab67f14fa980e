import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { diffQuery } from "@/api/catalog";
import type { Schema } from "@/api/client";
import { IconButton } from "@/components/button";
import { Panel } from "@/components/panel";
import { ErrorState, Skeleton } from "@/components/states";
import { Time } from "@/components/time";
import { cx } from "@/lib/cx";
import { formatCount, plural } from "@/lib/numbers";
import { ChangedRows } from "./changed-rows";

interface SnapshotDiffProps {
  name: string;
  from: string;
  to: string;
  onClose: () => void;
}

/** What changed from one snapshot to a later one: how much, and which rows. */
export function SnapshotDiff({ name, from, to, onClose }: SnapshotDiffProps) {
  const query = useQuery(diffQuery(name, from, to));
  return (
    <>
      <Panel
        title="What changed"
        actions={
          <IconButton label="Compare no more" onClick={onClose}>
            <X />
          </IconButton>
        }
      >
        {query.isPending && <Skeleton lines={2} />}
        {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
        {query.data && <Difference diff={query.data} />}
      </Panel>
      {query.data && <ChangedRows name={name} from={from} to={to} />}
    </>
  );
}

function Difference({ diff }: { diff: Schema["Diff"] }) {
  return (
    <div className="flex flex-col gap-3">
      <p className="text-sm text-ink-soft">
        From <Time at={diff.from_snapshot.at} as="instant" className="font-medium text-ink" /> to{" "}
        <Time at={diff.to_snapshot.at} as="instant" className="font-medium text-ink" />, over{" "}
        {plural(diff.snapshots, "snapshot")}
      </p>
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-md border border-line bg-line md:grid-cols-5">
        <Figure label="Rows added" value={diff.added_rows} tone="text-good" sign="+" />
        <Figure label="Rows removed" value={diff.deleted_rows} tone="text-bad" sign="−" />
        <Figure label="Rows in all" value={diff.net_rows} signed />
        <Figure label="Files added" value={diff.added_files} sign="+" />
        <Figure label="Files removed" value={diff.deleted_files} sign="−" />
      </dl>
      {!diff.complete && (
        <p className="text-xs text-ink-faint">
          A run that published its work at once shows only its last snapshot: what it added and
          removed in between is not counted. “Rows in all” is exact all the same.
        </p>
      )}
    </div>
  );
}

interface FigureProps {
  label: string;
  value?: number | null;
  tone?: string;
  sign?: string;
  signed?: boolean;
}

function Figure({ label, value, tone, sign, signed }: FigureProps) {
  const prefix = signed
    ? value && value > 0
      ? "+"
      : value && value < 0
        ? "−"
        : ""
    : value
      ? sign
      : "";
  return (
    <div className="bg-surface px-4 py-2.5">
      <dt className="text-xs text-ink-faint">{label}</dt>
      <dd className={cx("text-lg font-semibold tabular-nums", value ? tone : undefined)}>
        {value == null ? "Not counted" : `${prefix}${formatCount(Math.abs(value))}`}
      </dd>
    </div>
  );
}
