import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Eye, FolderClosed, HardDrive, Table2, Upload } from "lucide-react";
import { schemaTablesQuery, volumesQuery } from "@/api/catalog";
import { catalogNamesQuery, schemaNamesQuery } from "@/api/catalog-names";
import type { Schema } from "@/api/client";
import { Button } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { EmptyState, ErrorNote, ErrorState, Skeleton } from "@/components/states";
import { Time } from "@/components/time";
import { formatBytes, formatCount } from "@/lib/numbers";
import { UploadDialog } from "./upload-dialog";
import { WriterLink } from "./writer";

const route = getRouteApi("/_shell/catalog/$fullName");

/** A schema with its tables and volumes; a catalog with its schemas. */
export function SchemaPage({ fullName }: { fullName: string }) {
  const [catalog = "", schema] = fullName.split(".");
  return schema ? (
    <Tables catalog={catalog} schema={schema} fullName={fullName} />
  ) : (
    <Schemas catalog={catalog} />
  );
}

function Schemas({ catalog }: { catalog: string }) {
  const query = useQuery(schemaNamesQuery(catalog));
  const { data: catalogs } = useQuery(catalogNamesQuery);
  const own = catalogs?.[0] === catalog;
  return (
    <Page
      title={catalog}
      crumbs={[<CatalogCrumb key="c" />]}
      lead={own ? "The lakehouse's own catalog" : "A catalog that is connected"}
    >
      <Panel flush title="Schemas">
        {query.isPending && <Skeleton lines={4} />}
        {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
        {query.data && (
          <DataTable
            label={`Schemas of ${catalog}`}
            rows={query.data}
            rowKey={(name) => name}
            empty={<EmptyState icon={FolderClosed} title="No schemas yet" />}
            columns={[
              {
                id: "name",
                header: "Name",
                sort: (name) => name,
                cell: (name) => (
                  <Link
                    to="/catalog/$fullName"
                    params={{ fullName: `${catalog}.${name}` }}
                    className="flex items-center gap-2 font-medium hover:text-accent"
                  >
                    <FolderClosed aria-hidden className="size-4 text-ink-faint" />
                    {name}
                  </Link>
                ),
              },
            ]}
          />
        )}
      </Panel>
    </Page>
  );
}

export function CatalogCrumb() {
  return <Link to="/catalog">Catalog</Link>;
}

export function SchemaCrumb({ fullName }: { fullName: string }) {
  return (
    <Link to="/catalog/$fullName" params={{ fullName }}>
      {fullName}
    </Link>
  );
}

interface TablesProps {
  catalog: string;
  schema: string;
  fullName: string;
}

function Tables({ catalog, schema, fullName }: TablesProps) {
  const { upload = false } = route.useSearch();
  const navigate = route.useNavigate();
  const tables = useInfiniteQuery(schemaTablesQuery(fullName));
  const volumes = useQuery(volumesQuery(catalog, schema));
  const rows = tables.data?.pages.flatMap((page) => page.tables ?? []) ?? [];
  const show = (open: boolean) =>
    void navigate({ search: (before) => ({ ...before, upload: open || undefined }) });
  const open = (name: string, volume?: true) =>
    void navigate({ to: "/catalog/$fullName", params: { fullName: name }, search: { volume } });
  return (
    <Page
      title={schema}
      crumbs={[
        <CatalogCrumb key="c" />,
        <Link key="n" to="/catalog/$fullName" params={{ fullName: catalog }}>
          {catalog}
        </Link>,
      ]}
      actions={
        <Button onClick={() => show(true)}>
          <Upload aria-hidden />
          Upload a file
        </Button>
      }
    >
      <Panel flush title="Tables">
        {tables.isPending && <Skeleton />}
        {tables.error && <ErrorState error={tables.error} onRetry={() => void tables.refetch()} />}
        {tables.data && (
          <DataTable
            label={`Tables of ${fullName}`}
            rows={rows}
            columns={COLUMNS}
            rowKey={(table) => table.full_name}
            onOpen={(table) => open(table.full_name)}
            onMore={tables.hasNextPage ? () => void tables.fetchNextPage() : undefined}
            loadingMore={tables.isFetchingNextPage}
            empty={
              <EmptyState
                icon={Table2}
                title="No tables yet"
                action={<Button onClick={() => show(true)}>Upload a file</Button>}
              >
                Let a job write one here, or make one of a file.
              </EmptyState>
            }
          />
        )}
      </Panel>
      <ErrorNote error={volumes.error} />
      {volumes.data && volumes.data.length > 0 && (
        <Panel flush title="Volumes">
          <DataTable
            label={`Volumes of ${fullName}`}
            rows={volumes.data}
            rowKey={(volume) => volume.volume_id}
            onOpen={(volume) => open(volume.full_name, true)}
            columns={[
              {
                id: "name",
                header: "Name",
                sort: (volume) => volume.name,
                cell: (volume) => (
                  <Link
                    to="/catalog/$fullName"
                    params={{ fullName: volume.full_name }}
                    search={{ volume: true }}
                    className="flex items-center gap-2 font-medium hover:text-accent"
                  >
                    <HardDrive aria-hidden className="size-4 text-ink-faint" />
                    {volume.name}
                  </Link>
                ),
              },
              { id: "comment", header: "Comment", cell: (volume) => volume.comment },
              { id: "owner", header: "Owner", cell: (volume) => volume.owner },
              { id: "at", header: "Made", cell: (volume) => <Time at={volume.created_at} /> },
            ]}
          />
        </Panel>
      )}
      <UploadDialog open={upload} onOpenChange={show} schema={schema} />
    </Page>
  );
}

const COLUMNS: Column<Schema["TableOverview"]>[] = [
  {
    id: "name",
    header: "Name",
    sort: (table) => table.name,
    className: "max-w-80",
    cell: (table) => {
      const Icon = table.kind === "VIEW" ? Eye : Table2;
      return (
        <Link
          to="/catalog/$fullName"
          params={{ fullName: table.full_name }}
          className="flex items-center gap-2 font-medium hover:text-accent"
        >
          <Icon aria-hidden className="size-4 shrink-0 text-ink-faint" />
          <span className="truncate">{table.name}</span>
          {table.comment && (
            <span className="truncate font-normal text-ink-faint">{table.comment}</span>
          )}
        </Link>
      );
    },
  },
  {
    id: "rows",
    header: "Rows",
    align: "right",
    sort: (table) => table.rows,
    cell: (table) => (table.rows == null ? "–" : formatCount(table.rows)),
  },
  {
    id: "size",
    header: "Size",
    align: "right",
    sort: (table) => table.bytes,
    cell: (table) => (table.bytes == null ? "–" : formatBytes(table.bytes)),
  },
  {
    id: "at",
    header: "Last change",
    sort: (table) => table.updated_at,
    cell: (table) => <Time at={table.updated_at} />,
  },
  { id: "by", header: "By", cell: (table) => <WriterLink writer={table.writer} /> },
];
