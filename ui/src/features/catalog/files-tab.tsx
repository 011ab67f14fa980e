import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Files } from "lucide-react";
import { filesQuery, partitionsQuery, type TablePage } from "@/api/catalog";
import type { Schema } from "@/api/client";
import { type Column, DataTable } from "@/components/data-table";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { formatBytes, formatCount, plural } from "@/lib/numbers";

/** What the current snapshot is made of: partitions, and the files in them. */
export function FilesTab({ table }: { table: TablePage }) {
  const name = table.full_name;
  const files = useInfiniteQuery(filesQuery(name));
  const rows = files.data?.pages.flatMap((page) => page.files ?? []) ?? [];
  return (
    <div className="flex flex-col gap-4">
      {(table.partition_fields ?? []).length > 0 && <Partitions name={name} />}
      <Panel flush title="Files of the current snapshot">
        {files.isPending && <Skeleton />}
        {files.error && <ErrorState error={files.error} onRetry={() => void files.refetch()} />}
        {files.data && (
          <DataTable
            label="Files"
            rows={rows}
            columns={FILE_COLUMNS}
            rowKey={(file) => file.path}
            onMore={files.hasNextPage ? () => void files.fetchNextPage() : undefined}
            loadingMore={files.isFetchingNextPage}
            empty={<EmptyState icon={Files} title="No files yet" />}
          />
        )}
      </Panel>
    </div>
  );
}

function Partitions({ name }: { name: string }) {
  const query = useQuery(partitionsQuery(name));
  return (
    <QueryView query={query}>
      {(found) => (
        <Panel
          flush
          title={
            <>
              {plural(found.total ?? 0, "partition")}
              {found.cut && (
                <span className="ml-2 font-normal text-ink-faint">
                  Counted in a part of the table: it is large
                </span>
              )}
            </>
          }
        >
          <DataTable
            label="Partitions"
            rows={found.partitions ?? []}
            columns={PARTITION_COLUMNS}
            rowKey={(row) => `${row.spec_id} ${JSON.stringify(row.values)}`}
            maxHeight="40vh"
            empty={<EmptyState title="No partitions yet" />}
          />
        </Panel>
      )}
    </QueryView>
  );
}

type Values = Record<string, string | null>;

function valuesOf(values: Values): string {
  const parts = Object.entries(values).map(([name, value]) => `${name} = ${value ?? "null"}`);
  return parts.join(", ") || "Without partitions";
}

const PARTITION_COLUMNS: Column<Schema["Partition"]>[] = [
  {
    id: "values",
    header: "Partition",
    sort: (row) => valuesOf(row.values),
    cell: (row) => <span className="font-mono text-[13px]">{valuesOf(row.values)}</span>,
  },
  {
    id: "rows",
    header: "Rows",
    align: "right",
    sort: (row) => row.rows,
    cell: (row) => formatCount(row.rows),
  },
  {
    id: "size",
    header: "Size",
    align: "right",
    sort: (row) => row.bytes,
    cell: (row) => formatBytes(row.bytes),
  },
  {
    id: "files",
    header: "Data files",
    align: "right",
    sort: (row) => row.data_files,
    cell: (row) => formatCount(row.data_files),
  },
  {
    id: "deletes",
    header: "Delete files",
    align: "right",
    sort: (row) => row.delete_files,
    cell: (row) => formatCount(row.delete_files),
  },
];

const CONTENTS: Record<string, string> = {
  DATA: "Data",
  POSITION_DELETES: "Deletes by place",
  EQUALITY_DELETES: "Deletes by value",
};

const FILE_COLUMNS: Column<Schema["File"]>[] = [
  {
    id: "path",
    header: "File",
    className: "max-w-lg",
    cell: (file) => (
      <span className="block truncate font-mono text-xs" title={file.path}>
        {file.path.split("/").slice(-1)[0]}
      </span>
    ),
  },
  { id: "content", header: "Content", cell: (file) => CONTENTS[file.content] ?? file.content },
  {
    id: "partition",
    header: "Partition",
    cell: (file) =>
      Object.keys(file.values).length > 0 ? (
        <span className="font-mono text-xs">{valuesOf(file.values)}</span>
      ) : (
        <span className="text-ink-faint">–</span>
      ),
  },
  { id: "format", header: "Format", cell: (file) => file.format.toLowerCase() },
  {
    id: "rows",
    header: "Rows",
    align: "right",
    sort: (file) => file.rows,
    cell: (file) => formatCount(file.rows),
  },
  {
    id: "size",
    header: "Size",
    align: "right",
    sort: (file) => file.bytes,
    cell: (file) => formatBytes(file.bytes),
  },
];
