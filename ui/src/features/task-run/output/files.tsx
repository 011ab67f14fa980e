import { useQuery } from "@tanstack/react-query";
import { Download, FileText, Image } from "lucide-react";
import { useEffect, useState } from "react";
import { inWorkspaceUrl } from "@/api/client";
import { archiveQuery, artifactsPath } from "@/api/task-runs";
import { buttonClass } from "@/components/button";
import { Panel } from "@/components/panel";
import { formatBytes } from "@/lib/numbers";
import { readTar, type TarFile } from "@/lib/tar";

const PICTURES: Record<string, string> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  svg: "image/svg+xml",
};

interface Kept {
  file: TarFile;
  url: string;
  isPicture: boolean;
}

/** The files that an attempt left: pictures are shown, all can be had. */
export function Files({ runId, taskRunId }: { runId: number; taskRunId: number }) {
  const { data: tar } = useQuery(archiveQuery(runId, taskRunId));
  const [kept, setKept] = useState<Kept[]>([]);
  useEffect(() => {
    const made = tar ? readTar(tar).map(keep) : [];
    setKept(made);
    return () => {
      for (const { url } of made) URL.revokeObjectURL(url);
    };
  }, [tar]);
  if (kept.length === 0) return null;
  const pictures = kept.filter((each) => each.isPicture);
  return (
    <Panel
      title={`Files (${kept.length})`}
      flush
      className="shrink-0"
      actions={
        <a
          href={inWorkspaceUrl(artifactsPath(taskRunId))}
          download={`artifacts-${taskRunId}.tar.gz`}
          className={buttonClass("quiet", "small")}
        >
          <Download aria-hidden />
          All, as tar.gz
        </a>
      }
    >
      {pictures.length > 0 && (
        <div className="flex flex-wrap gap-4 border-b border-line p-4">
          {pictures.map(({ file, url }) => (
            <img
              key={file.name}
              src={url}
              alt={file.name}
              className="max-h-80 max-w-full rounded border border-line bg-white"
            />
          ))}
        </div>
      )}
      <ul className="max-h-80 overflow-y-auto py-1">
        {kept.map(({ file, url, isPicture }) => (
          <li key={file.name}>
            <a
              href={url}
              download={file.name.split("/").at(-1)}
              className="flex items-center gap-2.5 px-4 py-1.5 text-sm hover:bg-sunken [&_svg]:size-4 [&_svg]:text-ink-faint"
            >
              {isPicture ? <Image aria-hidden /> : <FileText aria-hidden />}
              <span className="min-w-0 flex-1 truncate">{file.name}</span>
              <span className="text-xs text-ink-faint tabular-nums">
                {formatBytes(file.bytes.length)}
              </span>
              <Download aria-hidden />
            </a>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function keep(file: TarFile): Kept {
  const type = PICTURES[file.name.split(".").at(-1)?.toLowerCase() ?? ""];
  const blob = new Blob([file.bytes], { type: type ?? "application/octet-stream" });
  return { file, url: URL.createObjectURL(blob), isPicture: type !== undefined };
}
