import { useQuery } from "@tanstack/react-query";
import { NotebookText } from "lucide-react";
import { notebookQuery } from "@/api/task-runs";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";

interface NotebookProps {
  runId: number;
  taskRunId: number;
  /** What it exited with. */
  result: string | null;
}

/** The notebook with all that its cells showed. User code made it, so it runs no scripts here. */
export function Notebook({ runId, taskRunId, result }: NotebookProps) {
  const query = useQuery(notebookQuery(runId, taskRunId));
  return (
    <>
      {result !== null && (
        <Panel title="Exit value">
          <p className="font-mono text-[0.92em] break-all whitespace-pre-wrap">{result}</p>
        </Panel>
      )}
      <Panel title="Notebook" flush className="shrink-0">
        <QueryView query={query}>
          {(page) =>
            page === null ? (
              <EmptyState icon={NotebookText} title="No notebook was kept">
                It ended before its first cell did.
              </EmptyState>
            ) : (
              <iframe
                title="The notebook with its results"
                sandbox=""
                srcDoc={page}
                className="h-[70vh] w-full bg-white"
              />
            )
          }
        </QueryView>
      </Panel>
    </>
  );
}
