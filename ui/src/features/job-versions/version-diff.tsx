import { yaml } from "@codemirror/lang-yaml";
import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { stringify } from "yaml";
import { jobVersionQuery } from "@/api/job-versions";
import { ErrorState, Skeleton } from "@/components/states";
import { TextDiff } from "@/components/text-diff";
import { withoutDefaults } from "@/lib/job-schema";

const READING = yaml();

interface VersionDiffProps {
  jobId: number;
  before: number | null;
  after: number;
}

/** The settings of two versions as YAML, side by side. */
export default function VersionDiff({ jobId, before, after }: VersionDiffProps) {
  const [old, now] = useQueries({
    queries: [
      { ...jobVersionQuery(jobId, before ?? 1), enabled: before !== null },
      jobVersionQuery(jobId, after),
    ],
  });
  const texts = useMemo(
    () => [write(before === null ? {} : old.data?.settings), write(now.data?.settings)] as const,
    [before, old.data, now.data],
  );
  const error = old.error ?? now.error;
  if (error) return <ErrorState error={error} />;
  if (texts[0] === null || texts[1] === null) return <Skeleton lines={10} />;
  return (
    <TextDiff
      before={texts[0]}
      after={texts[1]}
      labels={[before === null ? "Nothing" : `Version ${before}`, `Version ${after}`]}
      extensions={READING}
      className="max-h-[calc(100vh-17rem)]"
    />
  );
}

function write(settings: Record<string, unknown> | undefined): string | null {
  if (settings === undefined) return null;
  const kept = withoutDefaults(settings);
  return Object.keys(kept).length > 0 ? stringify(kept, { lineWidth: 0 }) : "";
}
