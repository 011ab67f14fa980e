import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Download, File as FileIcon, FolderClosed, FolderOpen, Trash2, Upload } from "lucide-react";
import { Fragment, useRef, useState } from "react";
import { filesUrl, folderQuery, type VolumeEntry, volumePath, volumeQuery } from "@/api/catalog";
import { fetchRaw, inWorkspaceUrl } from "@/api/client";
import { send } from "@/api/uploads";
import { Button, IconButton } from "@/components/button";
import { CopyButton } from "@/components/copy-button";
import { type Column, DataTable } from "@/components/data-table";
import { Confirm } from "@/components/overlay";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { EmptyState, ErrorNote, ErrorState, Skeleton } from "@/components/states";
import { Time } from "@/components/time";
import { formatBytes, plural } from "@/lib/numbers";
import { CatalogCrumb, SchemaCrumb } from "./schema-page";

const route = getRouteApi("/_shell/catalog/$fullName");

/** The files of a volume: look, take and bring. */
export function VolumePage({ fullName }: { fullName: string }) {
  const { folder = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const volume = useQuery(volumeQuery(fullName));
  const absolute = volumePath(fullName, folder);
  const query = useInfiniteQuery(folderQuery(absolute));
  const rows = query.data?.pages.flatMap((page) => page.contents ?? []) ?? [];
  const parts = fullName.split(".");
  const enter = (name: string) =>
    void navigate({
      search: (before) => ({ ...before, folder: folder ? `${folder}/${name}` : name }),
    });
  return (
    <Page
      title={parts.at(-1) ?? fullName}
      heading={<CopyButton text={absolute} label="Copy the path" />}
      crumbs={[
        <CatalogCrumb key="c" />,
        <SchemaCrumb key="s" fullName={parts.slice(0, -1).join(".")} />,
      ]}
      lead={volume.data?.comment ?? "Volume: files that jobs and warehouses read by path"}
      actions={<UploadButton absolute={absolute} />}
    >
      <ErrorNote error={volume.error} />
      <Panel flush title={<Path fullName={fullName} folder={folder} />}>
        {query.isPending && <Skeleton />}
        {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
        {query.data && (
          <DataTable
            label="Files"
            rows={rows}
            columns={columnsOf(fullName, folder)}
            rowKey={(entry) => entry.path}
            onOpen={(entry) => {
              if (entry.is_directory) enter(entry.name);
              else window.open(inWorkspaceUrl(filesUrl(entry.path)), "_self");
            }}
            onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
            loadingMore={query.isFetchingNextPage}
            empty={
              <EmptyState icon={FolderOpen} title="No files here yet">
                Upload some, or let a job write to{" "}
                <code className="font-mono break-all">{absolute}</code>.
              </EmptyState>
            }
          />
        )}
      </Panel>
    </Page>
  );
}

function Path({ fullName, folder }: { fullName: string; folder: string }) {
  const names = folder.split("/").filter(Boolean);
  const target = { to: "/catalog/$fullName", params: { fullName } } as const;
  return (
    <span className="flex items-center gap-1 font-mono text-[13px] [&_a:hover]:text-accent">
      <Link {...target} search={{ volume: true }}>
        {volumePath(fullName)}
      </Link>
      {names.map((name, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a folder is its place in the path
        <Fragment key={at}>
          /
          <Link {...target} search={{ volume: true, folder: names.slice(0, at + 1).join("/") }}>
            {name}
          </Link>
        </Fragment>
      ))}
    </span>
  );
}

function columnsOf(fullName: string, folder: string): Column<VolumeEntry>[] {
  return [
    {
      id: "name",
      header: "Name",
      sort: (entry) => `${entry.is_directory ? 0 : 1} ${entry.name}`,
      className: "max-w-xl",
      cell: (entry) =>
        entry.is_directory ? (
          <Link
            to="/catalog/$fullName"
            params={{ fullName }}
            search={{ volume: true, folder: folder ? `${folder}/${entry.name}` : entry.name }}
            className="flex items-center gap-2 font-medium hover:text-accent"
          >
            <FolderClosed aria-hidden className="size-4 shrink-0 text-ink-faint" />
            <span className="truncate">{entry.name}</span>
          </Link>
        ) : (
          <span className="flex items-center gap-2">
            <FileIcon aria-hidden className="size-4 shrink-0 text-ink-faint" />
            <span className="truncate">{entry.name}</span>
          </span>
        ),
    },
    {
      id: "size",
      header: "Size",
      align: "right",
      sort: (entry) => entry.file_size,
      cell: (entry) => (entry.file_size == null ? "–" : formatBytes(entry.file_size)),
    },
    {
      id: "at",
      header: "Changed",
      sort: (entry) => entry.last_modified,
      cell: (entry) => <Time at={entry.last_modified} />,
    },
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      align: "right",
      cell: (entry) => !entry.is_directory && <Actions entry={entry} />,
    },
  ];
}

function Actions({ entry }: { entry: VolumeEntry }) {
  const cache = useQueryClient();
  return (
    <span className="inline-flex">
      <a
        href={inWorkspaceUrl(filesUrl(entry.path))}
        download={entry.name}
        aria-label={`Download ${entry.name}`}
        title="Download"
        className="inline-flex size-8 items-center justify-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink"
      >
        <Download aria-hidden className="size-4" />
      </a>
      <Confirm
        trigger={
          <IconButton label={`Delete ${entry.name}`}>
            <Trash2 />
          </IconButton>
        }
        title={`Delete ${entry.name}?`}
        action="Delete file"
        onConfirm={async () => {
          await fetchRaw(filesUrl(entry.path), { method: "DELETE" });
          await cache.invalidateQueries({ queryKey: ["folder"] });
        }}
      >
        It cannot be brought back.
      </Confirm>
    </span>
  );
}

/** Bring files into the folder, one after the other; one of the same name is replaced. */
function UploadButton({ absolute }: { absolute: string }) {
  const input = useRef<HTMLInputElement>(null);
  const cache = useQueryClient();
  const [told, setTold] = useState("");
  const uploading = useMutation({
    mutationFn: async (files: File[]) => {
      for (const [at, file] of files.entries()) {
        const place = files.length > 1 ? `${at + 1} of ${files.length}, ` : "";
        await send("PUT", filesUrl(`${absolute}/${file.name}`), file, (done) =>
          setTold(`${place}${Math.round(done * 100)} %`),
        );
      }
      return files.length;
    },
    onSettled: () => cache.invalidateQueries({ queryKey: ["folder"] }),
  });
  return (
    <>
      {uploading.isSuccess && (
        <span role="status" className="text-sm text-good">
          {plural(uploading.data, "file")} uploaded
        </span>
      )}
      <Button kind="primary" busy={uploading.isPending} onClick={() => input.current?.click()}>
        {!uploading.isPending && <Upload aria-hidden />}
        {uploading.isPending ? `Uploading ${told}` : "Upload files"}
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        aria-label="Files"
        className="sr-only"
        tabIndex={-1}
        onChange={(event) => {
          const chosen = [...(event.target.files ?? [])];
          event.target.value = "";
          if (chosen.length > 0) uploading.mutate(chosen);
        }}
      />
    </>
  );
}
