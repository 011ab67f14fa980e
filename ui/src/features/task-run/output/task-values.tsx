import { CopyButton } from "@/components/copy-button";
import { DataTable } from "@/components/data-table";
import { Panel } from "@/components/panel";
import { spell } from "../facts";

/** What a task gave to later tasks, and how these name it. */
export function TaskValues({ values }: { values: Record<string, unknown> }) {
  return (
    <Panel title="Task values" flush>
      <DataTable
        label="Task values"
        rows={Object.entries(values)}
        rowKey={([name]) => name}
        columns={[
          {
            id: "name",
            header: "Name",
            cell: ([name]) => <span className="font-medium">{name}</span>,
            sort: ([name]) => name,
            width: "16rem",
          },
          {
            id: "value",
            header: "Value",
            cell: ([, value]) => (
              <span className="line-clamp-4 font-mono text-[0.92em] break-all whitespace-pre-wrap">
                {spell(value)}
              </span>
            ),
          },
          {
            id: "copy",
            header: <span className="sr-only">Copy</span>,
            cell: ([name, value]) => <CopyButton text={spell(value)} label={`Copy ${name}`} />,
            align: "right",
            width: "4rem",
          },
        ]}
      />
    </Panel>
  );
}
