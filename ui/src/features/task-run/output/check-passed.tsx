import { CircleCheck } from "lucide-react";
import type { TaskRunEntry } from "@/api/task-runs";
import { Panel } from "@/components/panel";
import { TableLink } from "@/components/run-tables";
import { rulesOf } from "../facts";

/** What a check that passed has made sure of. */
export function CheckPassed({ entry }: { entry: TaskRunEntry }) {
  const check = entry.check_task as { table?: string };
  const rules = rulesOf(entry);
  return (
    <Panel title="Check">
      <p className="flex items-center gap-2 font-medium text-good">
        <CircleCheck aria-hidden className="size-4.5" />
        The check passed
      </p>
      {check.table ? (
        <>
          <p className="mt-3 text-sm text-ink-soft">
            <TableLink name={check.table} /> keeps its rules:
          </p>
          <ul className="mt-1 list-inside list-disc text-sm">
            {rules.map((rule) => (
              <li key={rule}>{rule}</li>
            ))}
          </ul>
        </>
      ) : (
        <p className="mt-1 text-sm text-ink-soft">
          No row breaks the rule: the query below gave none.
        </p>
      )}
    </Panel>
  );
}
