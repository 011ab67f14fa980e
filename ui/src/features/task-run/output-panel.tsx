import { useQuery } from "@tanstack/react-query";
import { Inbox } from "lucide-react";
import type { ReactNode } from "react";
import { attemptTablesQuery } from "@/api/run-tables";
import { type AttemptOutput, type TaskRunEntry, taskOutputQuery } from "@/api/task-runs";
import { CopyButton } from "@/components/copy-button";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { WrittenTables } from "@/components/run-tables";
import { EmptyState } from "@/components/states";
import { taskTypeOf } from "@/lib/job-settings";
import { isOpen, oneWord } from "@/lib/states";
import { CheckPassed } from "./output/check-passed";
import { ChildRun } from "./output/child-run";
import { Condition } from "./output/condition";
import { DbtNodes } from "./output/dbt-nodes";
import { Files } from "./output/files";
import { Iterations } from "./output/iterations";
import { Notebook } from "./output/notebook";
import { AlertOutcome, SqlRows, SqlText } from "./output/sql-rows";
import { TaskValues } from "./output/task-values";

interface OutputPanelProps {
  jobId: number;
  runId: number;
  taskRunId: number;
  entry: TaskRunEntry;
  onlyFailed: boolean;
  onOnlyFailed: (only: boolean) => void;
}

/** What an attempt left, shown as its type of task asks for. */
export function OutputPanel(props: OutputPanelProps) {
  const query = useQuery(taskOutputQuery(props.runId, props.taskRunId));
  return <QueryView query={query}>{(output) => <Parts {...props} output={output} />}</QueryView>;
}

function Parts(props: OutputPanelProps & { output: AttemptOutput }) {
  const { entry, output, runId, taskRunId, jobId } = props;
  const type = taskTypeOf(entry);
  const state = oneWord(entry.state);
  const ended = !isOpen(state);
  const ids = { runId, taskRunId };
  const tables = useQuery(attemptTablesQuery(runId, taskRunId));
  const writes = tables.data?.writes ?? [];
  const parts: ReactNode[] = [];
  if (output.error || output.error_trace) parts.push(<Failure key="error" output={output} />);
  if (type === "condition_task") parts.push(<Condition key="condition" entry={entry} />);
  if (type === "for_each_task")
    parts.push(
      <Iterations
        key="iterations"
        {...ids}
        jobId={jobId}
        entry={entry}
        onlyFailed={props.onlyFailed}
        onOnlyFailed={props.onOnlyFailed}
      />,
    );
  if (output.child_run_id) parts.push(<ChildRun key="child" runId={output.child_run_id} />);
  if (output.alert) parts.push(<AlertOutcome key="alert" alert={output.alert} />);
  if (type === "check_task" && state === "SUCCESS")
    parts.push(<CheckPassed key="check" entry={entry} />);
  else if (output.sql) parts.push(<SqlRows key="sql" result={output.sql} name={entry.task_key} />);
  if (output.dbt?.results?.length) parts.push(<DbtNodes key="dbt" nodes={output.dbt.results} />);
  if (type === "notebook_task" && ended)
    parts.push(<Notebook key="notebook" {...ids} result={output.notebook_result ?? null} />);
  if (writes.length > 0)
    parts.push(
      <Panel key="tables" title="Tables it changed" flush>
        <WrittenTables writes={writes} />
      </Panel>,
    );
  if (Object.keys(output.values ?? {}).length > 0)
    parts.push(<TaskValues key="values" values={output.values ?? {}} />);
  if ((type === "notebook_task" || type === "dbt_task") && ended)
    parts.push(<Files key="files" {...ids} />);
  if ((type === "sql_task" || type === "check_task") && entry.start_time)
    parts.push(<SqlText key="text" {...ids} />);
  return (
    <div className="flex min-h-0 flex-col gap-4 overflow-y-auto pb-4 [&>*]:shrink-0">
      {parts.length > 0 ? parts : !tables.isPending && <Nothing ended={ended} type={type} />}
    </div>
  );
}

/** The error as the task's own process saw it. */
function Failure({ output }: { output: AttemptOutput }) {
  const text = output.error_trace || output.error || "";
  return (
    <Panel title="Error" actions={<CopyButton text={text} label="Copy the error" />} flush>
      <pre
        tabIndex={0}
        className="max-h-80 overflow-auto px-4 py-3 font-mono text-[12.5px] leading-5 whitespace-pre-wrap text-bad"
      >
        {text}
      </pre>
    </Panel>
  );
}

function Nothing({ ended, type }: { ended: boolean; type: string | null }) {
  const how =
    type === "sql_task"
      ? "The rows of its last statement appear here."
      : "Tables that it writes and what it sets with dbutils.jobs.taskValues.set appear here; what it prints is in the log.";
  return (
    <EmptyState icon={Inbox} title={ended ? "It left no output" : "No output yet"}>
      {how}
    </EmptyState>
  );
}
