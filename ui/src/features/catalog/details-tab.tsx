import type { TablePage } from "@/api/catalog";
import { CopyButton } from "@/components/copy-button";
import { DataTable } from "@/components/data-table";
import { Facts, Panel } from "@/components/panel";
import { Time } from "@/components/time";
import { formatBytes, formatCount } from "@/lib/numbers";
import { WriterLink } from "./writer";

/** Where the table is, what it is made of, and what its owner set. */
export function DetailsTab({ table }: { table: TablePage }) {
  const size = table.statistics;
  const properties = Object.entries(table.properties);
  const views = table.view ?? [];
  return (
    <div className="grid items-start gap-4 xl:grid-cols-2">
      <Panel title="About">
        <Facts
          items={[
            ["Full name", <Copied key="n" text={table.full_name} />],
            [
              "Kind",
              table.kind === "VIEW" ? "View" : `Iceberg table, format ${table.format_version}`,
            ],
            ...(table.branch ? [["Branch", table.branch] as [string, string]] : []),
            ["Created by", <WriterLink key="w" writer={table.created_by} />],
            ["Last change", <Time key="t" at={table.updated_at} as="instant" />],
            ["Location", <Copied key="l" text={table.location} />],
            ...(table.metadata_location
              ? [
                  ["Metadata", <Copied key="m" text={table.metadata_location} />] as [
                    string,
                    React.ReactNode,
                  ],
                ]
              : []),
            ["UUID", <Copied key="u" text={table.uuid} />],
          ]}
        />
      </Panel>
      <div className="flex min-w-0 flex-col gap-4">
        {size && (
          <Panel title="Size">
            <Facts
              items={[
                ["Rows", counted(size.rows)],
                ["Size", size.bytes == null ? "Not counted" : formatBytes(size.bytes)],
                ["Data files", counted(size.data_files)],
                ["Delete files", counted(size.delete_files)],
                [
                  "Deleted rows",
                  counted((size.position_deletes ?? 0) + (size.equality_deletes ?? 0)),
                ],
              ]}
            />
          </Panel>
        )}
        {views.map((view) => (
          <Panel
            key={view.dialect}
            title={`SQL (${view.dialect || "any dialect"})`}
            actions={<CopyButton text={view.sql} />}
          >
            <pre className="overflow-x-auto font-mono text-[13px] whitespace-pre-wrap">
              {view.sql}
            </pre>
          </Panel>
        ))}
        <Panel flush title="Properties">
          <DataTable
            label="Properties"
            rows={properties}
            rowKey={([name]) => name}
            columns={[
              {
                id: "name",
                header: "Name",
                sort: ([name]) => name,
                cell: ([name]) => <span className="font-mono text-[13px]">{name}</span>,
              },
              {
                id: "value",
                header: "Value",
                cell: ([, value]) => (
                  <span className="font-mono text-[13px] break-all">{value}</span>
                ),
              },
            ]}
            empty={<p className="p-4 text-ink-soft">None are set.</p>}
          />
        </Panel>
      </div>
    </div>
  );
}

function counted(value: number | null | undefined): string {
  return value == null ? "Not counted" : formatCount(value);
}

function Copied({ text }: { text: string }) {
  return (
    <span className="flex items-center gap-1">
      <span className="min-w-0 font-mono text-[13px] break-all">{text}</span>
      <CopyButton text={text} />
    </span>
  );
}
