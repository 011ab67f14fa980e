import {
  Braces,
  Brush,
  FileCode2,
  FileUp,
  GitCompareArrows,
  History,
  Layers,
  type LucideIcon,
  NotebookText,
  Package,
  Play,
  Repeat,
  ShieldCheck,
  Split,
  SquareTerminal,
  Terminal,
  Wind,
} from "lucide-react";
import { cx } from "@/lib/cx";

const ICONS: Record<string, LucideIcon> = {
  notebook_task: NotebookText,
  spark_python_task: FileCode2,
  python_wheel_task: Package,
  sql_task: SquareTerminal,
  dbt_task: Layers,
  condition_task: Split,
  for_each_task: Repeat,
  run_job_task: Play,
  check_task: ShieldCheck,
  spark_jar_task: Package,
  spark_submit_task: Terminal,
  airflow_task: Wind,
  load_task: FileUp,
  table_care_task: Brush,
  replay_task: History,
  compare_task: GitCompareArrows,
};

/** The icon of a type of task; its word stands beside it. */
export function TaskTypeIcon({ type, className }: { type: string | null; className?: string }) {
  const Icon = (type && ICONS[type]) || Braces;
  return <Icon aria-hidden className={cx("size-4 shrink-0 text-ink-faint", className)} />;
}
