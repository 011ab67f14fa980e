import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ChartNetwork, SquareTerminal, Upload } from "lucide-react";
import { type TablePage as Table, tablePageQuery } from "@/api/catalog";
import { Button, buttonClass } from "@/components/button";
import { CopyButton } from "@/components/copy-button";
import { Page } from "@/components/page";
import { QueryView } from "@/components/query-view";
import { Tabs } from "@/components/tabs";
import { Time } from "@/components/time";
import { formatBytes, formatCount, plural } from "@/lib/numbers";
import { BranchesTab } from "./branches-tab";
import { ColumnsTab } from "./columns-tab";
import { DetailsTab } from "./details-tab";
import { FilesTab } from "./files-tab";
import { LineageTab } from "./lineage-tab";
import { SampleTab } from "./sample-tab";
import { CatalogCrumb, SchemaCrumb } from "./schema-page";
import { TABS, type Tab } from "./search";
import { SnapshotsTab } from "./snapshots-tab";
import { UploadDialog } from "./upload-dialog";
import { WriterLink } from "./writer";

const route = getRouteApi("/_shell/catalog/$fullName");
const LABELS: Record<Tab, string> = {
  columns: "Columns",
  sample: "Sample",
  snapshots: "Snapshots",
  branches: "Branches",
  files: "Files",
  lineage: "Lineage",
  details: "Details",
};
const OF_VIEWS: Tab[] = ["columns", "lineage", "details"];

/** All there is to know of a table or view. */
export function TablePage({ fullName }: { fullName: string }) {
  const { tab = "columns", upload = false } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(tablePageQuery(fullName));
  const parts = fullName.split(".");
  const schema = parts.slice(0, -1).join(".");
  const isView = query.data?.kind === "VIEW";
  const tabs = isView ? OF_VIEWS : TABS;
  const chosen = tabs.includes(tab) ? tab : "columns";
  const show = (open: boolean) =>
    void navigate({ search: (before) => ({ ...before, upload: open || undefined }) });
  return (
    <Page
      title={parts.at(-1) ?? fullName}
      heading={<CopyButton text={fullName} label="Copy the full name" />}
      crumbs={[<CatalogCrumb key="c" />, <SchemaCrumb key="s" fullName={schema} />]}
      lead={query.data && <Lead table={query.data} />}
      actions={
        query.data && (
          <>
            <Link
              to="/lineage"
              search={{ around: `table:${fullName}`, node: `table:${fullName}` }}
              className={buttonClass()}
            >
              <ChartNetwork aria-hidden />
              Lineage
            </Link>
            {!isView && (
              <Button onClick={() => show(true)}>
                <Upload aria-hidden />
                Upload
              </Button>
            )}
            <Link
              to="/sql"
              search={{ text: `SELECT * FROM ${quoted(parts)} LIMIT 100` }}
              className={buttonClass("primary")}
            >
              <SquareTerminal aria-hidden />
              Query in SQL
            </Link>
          </>
        )
      }
    >
      <QueryView query={query}>
        {(table) => (
          <section aria-label="About the table" className="flex min-h-0 flex-col">
            <Tabs
              label="Table"
              value={chosen}
              onChange={(value) =>
                void navigate({
                  search: (before) => ({
                    o: before.o,
                    tab: value === "columns" ? undefined : value,
                  }),
                })
              }
              tabs={tabs.map((value) => ({ value, label: LABELS[value] }))}
            >
              <div className="pt-4">{body(chosen, table)}</div>
            </Tabs>
          </section>
        )}
      </QueryView>
      <UploadDialog open={upload} onOpenChange={show} schema={parts[1]} table={fullName} />
    </Page>
  );
}

function body(tab: Tab, table: Table) {
  switch (tab) {
    case "columns":
      return <ColumnsTab table={table} />;
    case "sample":
      return <SampleTab name={table.full_name} />;
    case "snapshots":
      return <SnapshotsTab name={table.full_name} />;
    case "branches":
      return <BranchesTab name={table.full_name} />;
    case "files":
      return <FilesTab table={table} />;
    case "lineage":
      return <LineageTab name={table.full_name} />;
    case "details":
      return <DetailsTab table={table} />;
  }
}

/** Names as SQL takes them: quoted where they are not plain words. */
function quoted(parts: string[]): string {
  return parts
    .map((part) => (/^[a-z_][a-z0-9_]*$/i.test(part) ? part : `\`${part.replaceAll("`", "``")}\``))
    .join(".");
}

function Lead({ table }: { table: Table }) {
  const { statistics: size, snapshot } = table;
  return (
    <span className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm">
      {table.comment && <span>{table.comment}</span>}
      {table.kind === "VIEW" && <span>View</span>}
      {size?.rows != null && <span title={formatCount(size.rows)}>{plural(size.rows, "row")}</span>}
      {size?.bytes != null && <span>{formatBytes(size.bytes)}</span>}
      <span>
        changed <Time at={snapshot?.at ?? table.updated_at} />
      </span>
      {snapshot?.writer && (
        <span className="inline-flex items-baseline gap-1.5">
          by <WriterLink writer={snapshot.writer} />
        </span>
      )}
    </span>
  );
}
