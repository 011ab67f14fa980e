import { useQueries, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Database, FolderClosed, Upload } from "lucide-react";
import { catalogNamesQuery, schemaNamesQuery } from "@/api/catalog-names";
import { Button } from "@/components/button";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { EmptyState, ErrorNote, Skeleton } from "@/components/states";
import { plural } from "@/lib/numbers";
import { UploadDialog } from "./upload-dialog";

const route = getRouteApi("/_shell/catalog/");

/** Where the catalog begins: its schemas, and a way to bring data in. */
export function CatalogHome() {
  const { upload = false } = route.useSearch();
  const navigate = route.useNavigate();
  const catalogs = useQuery(catalogNamesQuery);
  const names = catalogs.data ?? [];
  const schemas = useQueries({ queries: names.map((name) => schemaNamesQuery(name)) });
  const show = (open: boolean) =>
    void navigate({ search: (before) => ({ ...before, upload: open || undefined }) });
  return (
    <Page
      title="Catalog"
      lead="Tables, views and volumes: what is in them, how they came about and what depends on them."
      actions={
        <Button kind="primary" onClick={() => show(true)}>
          <Upload aria-hidden />
          Upload a file
        </Button>
      }
    >
      <ErrorNote error={catalogs.error} />
      {catalogs.isPending && <Skeleton />}
      {names.map((name, at) => {
        const query = schemas[at];
        const found = query?.data ?? [];
        return (
          <Panel
            key={name}
            flush
            title={
              <span className="flex items-center gap-2">
                <Database aria-hidden className="size-4 text-ink-faint" />
                {name}
                {query?.data && (
                  <span className="font-normal text-ink-faint">
                    {plural(found.length, "schema")}
                  </span>
                )}
              </span>
            }
          >
            {query?.isPending && <Skeleton lines={3} />}
            {query?.error && <ErrorNote error={query.error} className="m-4" />}
            {query?.data && found.length === 0 && (
              <EmptyState
                icon={FolderClosed}
                title="No schemas yet"
                action={<Button onClick={() => show(true)}>Upload a file</Button>}
              >
                A job that writes a table makes its schema; so does a file that you upload.
              </EmptyState>
            )}
            <ul className="grid grid-cols-[repeat(auto-fill,minmax(14rem,1fr))] gap-1 p-2">
              {found.map((schema) => (
                <li key={schema}>
                  <Link
                    to="/catalog/$fullName"
                    params={{ fullName: `${name}.${schema}` }}
                    className="flex items-center gap-2.5 rounded-md px-2.5 py-2 font-medium hover:bg-sunken hover:text-accent"
                  >
                    <FolderClosed aria-hidden className="size-4 shrink-0 text-ink-faint" />
                    <span className="truncate">{schema}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </Panel>
        );
      })}
      <UploadDialog open={upload} onOpenChange={show} />
    </Page>
  );
}
