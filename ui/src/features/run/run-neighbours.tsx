import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useMemo } from "react";
import { toast } from "sonner";
import { neighbourOf, type Run } from "@/api/run";
import { IconButton } from "@/components/button";
import { useShortcuts } from "@/lib/use-shortcuts";

/** Go to the job's earlier or later run; by the keys [ and ] as well. The part that is shown stays. */
export function RunNeighbours({ run }: { run: Run }) {
  const navigate = useNavigate();
  const { mutate, isPending } = useMutation({
    mutationFn: (way: "earlier" | "later") => neighbourOf(run, way),
    onSuccess: (found, way) =>
      found === null
        ? toast.info(way === "later" ? "This is the newest run" : "This is the first run")
        : navigate({
            to: "/jobs/$jobId/runs/$runId",
            params: { jobId: String(run.job_id), runId: String(found) },
            search: (before) => before as Record<string, never>,
          }),
  });
  useShortcuts(
    useMemo(() => ({ "[": () => mutate("earlier"), "]": () => mutate("later") }), [mutate]),
  );
  return (
    <span className="inline-flex">
      <IconButton
        label="Earlier run ( [ )"
        className="size-7"
        disabled={isPending}
        onClick={() => mutate("earlier")}
      >
        <ChevronLeft />
      </IconButton>
      <IconButton
        label="Later run ( ] )"
        className="size-7"
        disabled={isPending}
        onClick={() => mutate("later")}
      >
        <ChevronRight />
      </IconButton>
    </span>
  );
}
