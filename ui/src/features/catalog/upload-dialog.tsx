import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { CircleCheck, FileUp } from "lucide-react";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { schemaNamesQuery } from "@/api/catalog-names";
import {
  type BadRow,
  type LoadRequest,
  loadResultQuery,
  startLoad,
  type Upload,
  uploadFile,
} from "@/api/uploads";
import { Button, buttonClass } from "@/components/button";
import { DataTable } from "@/components/data-table";
import { Checkbox, Field, Input, Select } from "@/components/form";
import { Dialog } from "@/components/overlay";
import { StateBadge } from "@/components/state-badge";
import { ErrorNote } from "@/components/states";
import { cx } from "@/lib/cx";
import { formatBytes, plural } from "@/lib/numbers";
import { guessDelimiter, type Preview, previewCsv, previewJson, tableNameOf } from "./file-preview";

const OWN = "lakehouse";
const LOOKED_AT = 64 * 1024;
const TYPES = [
  "STRING",
  "BOOLEAN",
  "INT",
  "BIGINT",
  "FLOAT",
  "DOUBLE",
  "DECIMAL(18,2)",
  "DATE",
  "TIMESTAMP",
  "TIMESTAMP_NTZ",
  "BINARY",
];
/** What the engine calls types that people know by another name. */
const SPOKEN: Record<string, string> = {
  VARCHAR: "STRING",
  "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
  TIMESTAMPTZ: "TIMESTAMP",
  TIMESTAMP: "TIMESTAMP_NTZ",
  INTEGER: "INT",
  BLOB: "BINARY",
};
type Mode = LoadRequest["mode"];
const MODES: { value: Mode; label: string; hint: string }[] = [
  { value: "create", label: "Make a new table", hint: "It must not exist yet" },
  { value: "append", label: "Add to the rows of a table", hint: "Columns are found by name" },
  { value: "overwrite", label: "Replace the rows of a table", hint: "What it has now is gone" },
];

interface UploadDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  schema?: string;
  /** The full name of the table into which it goes, to begin with. */
  table?: string;
}

/** Make rows of a file: choose it, look at its columns, load it. All of its rows land, or none. */
export function UploadDialog(props: UploadDialogProps) {
  return props.open ? <Opened {...props} /> : null;
}

function Opened({ onOpenChange, schema, table }: UploadDialogProps) {
  const [file, setFile] = useState<File | null>(null);
  return (
    <Dialog
      open
      onOpenChange={onOpenChange}
      wide
      title="Upload a file into a table"
      lead="CSV, JSON or Parquet; CSV and JSON may be compressed with gzip. All of its rows land, or none."
    >
      {file ? (
        <OneFile
          key={`${file.name} ${file.size} ${file.lastModified}`}
          file={file}
          schema={schema}
          table={table}
          onAnother={() => setFile(null)}
          onClose={() => onOpenChange(false)}
        />
      ) : (
        <DropZone onFile={setFile} />
      )}
    </Dialog>
  );
}

function DropZone({ onFile }: { onFile: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  function drop(event: DragEvent): void {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) onFile(file);
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files are dropped on it; the button does the same
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={cx(
        "flex flex-col items-center gap-3 rounded-lg border-2 border-dashed border-line-strong px-6 py-14 text-center",
        over && "border-accent bg-accent-soft",
      )}
    >
      <FileUp aria-hidden className="size-8 text-ink-faint" strokeWidth={1.5} />
      <p>Drop a file here, or</p>
      <Button kind="primary" onClick={() => input.current?.click()}>
        Choose a file
      </Button>
      <input
        ref={input}
        type="file"
        aria-label="File"
        className="sr-only"
        tabIndex={-1}
        accept=".csv,.tsv,.json,.jsonl,.ndjson,.parquet,.gz"
        onChange={(event) => {
          const chosen = event.target.files?.[0];
          if (chosen) onFile(chosen);
        }}
      />
      <p className="text-xs text-ink-faint">Up to 5 GiB</p>
    </div>
  );
}

interface OneFileProps {
  file: File;
  schema?: string;
  table?: string;
  onAnother: () => void;
  onClose: () => void;
}

function OneFile({ file, schema, table, onAnother, onClose }: OneFileProps) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { data: schemas = [] } = useQuery(schemaNamesQuery(OWN));
  const [done, setDone] = useState(0);
  const [intoSchema, setIntoSchema] = useState(table?.split(".")[1] ?? schema ?? "default");
  const [name, setName] = useState(table?.split(".").at(-1) ?? tableNameOf(file.name));
  const [mode, setMode] = useState<Mode>(table ? "append" : "create");
  const [header, setHeader] = useState(true);
  const [delimiter, setDelimiter] = useState("");
  const [types, setTypes] = useState<Record<string, string>>({});
  const [checkRun, setCheckRun] = useState<number | null>(null);
  const [loadRun, setLoadRun] = useState<number | null>(null);
  const check = useQuery(loadResultQuery(checkRun));
  const load = useQuery(loadResultQuery(loadRun));
  const isCsv = /\.(csv|tsv)(\.gz)?$/i.test(file.name);

  const request = (): Partial<LoadRequest> => ({
    table: `${OWN}.${intoSchema.trim()}.${name.trim()}`,
    mode,
    columns: types,
    ...(isCsv && (!header || delimiter)
      ? { csv: { header, ...(delimiter ? { delimiter } : {}) } as LoadRequest["csv"] }
      : {}),
  });
  const checking = useMutation({
    meta: { quiet: true },
    // What is checked is the file: whether the table is there is said when it is loaded.
    mutationFn: (upload: Upload) =>
      startLoad(upload.upload_id, {
        ...request(),
        mode: mode === "create" ? "overwrite" : mode,
        dry_run: true,
      }),
    onSuccess: setCheckRun,
  });
  const uploading = useMutation({
    meta: { quiet: true },
    mutationFn: (signal: AbortSignal) => uploadFile(file, setDone, signal),
    onSuccess: (upload) => checking.mutate(upload),
  });
  const loading = useMutation({
    meta: { quiet: true },
    mutationFn: () => startLoad(uploading.data?.upload_id ?? "", request()),
    onSuccess: setLoadRun,
  });
  const begin = uploading.mutate;
  useEffect(() => {
    const stop = new AbortController();
    begin(stop.signal);
    return () => stop.abort();
  }, [begin]);
  const loaded = load.data?.state === "SUCCESS";
  useEffect(() => {
    if (!loaded) return;
    void cache.invalidateQueries({ queryKey: ["catalog-names"] });
    void cache.invalidateQueries({ queryKey: ["tables"] });
    void cache.invalidateQueries({ queryKey: ["lineage"] });
  }, [loaded, cache]);

  const upload = uploading.data;
  const checkBusy = checking.isPending || (checkRun !== null && !check.data?.ended);
  const loadBusy = loading.isPending || (loadRun !== null && !load.data?.ended);
  const fullName = `${OWN}.${intoSchema.trim()}.${name.trim()}`;
  const outcome = load.data?.ended ? load.data : check.data?.ended ? check.data : null;
  if (loaded)
    return (
      <div className="flex flex-col items-center gap-3 px-6 py-12 text-center">
        <CircleCheck aria-hidden className="size-8 text-good" strokeWidth={1.5} />
        <p className="text-base font-semibold">{file.name} is loaded</p>
        <p className="text-ink-soft">All of its rows are in {fullName}.</p>
        <div className="mt-2 flex gap-2">
          <Button onClick={onAnother}>Upload another</Button>
          <Link
            to="/catalog/$fullName"
            params={{ fullName }}
            search={{ tab: "sample" }}
            onClick={(event) => {
              event.preventDefault();
              // It stands on this page's address that the dialog is open.
              void navigate({
                to: "/catalog/$fullName",
                params: { fullName },
                search: { tab: "sample" },
              });
            }}
            className={buttonClass("primary")}
          >
            Open the table
          </Link>
        </div>
      </div>
    );
  return (
    <div className="flex flex-col gap-4">
      <div className="flex items-center gap-3">
        <div className="min-w-0 flex-1">
          <p className="truncate font-medium">{file.name}</p>
          <p className="text-xs text-ink-faint">{formatBytes(file.size)}</p>
        </div>
        <Button size="small" kind="quiet" disabled={loadBusy} onClick={onAnother}>
          Another file
        </Button>
      </div>
      {uploading.isPending && (
        <div className="flex items-center gap-3 text-sm">
          <progress
            aria-label="Upload"
            value={done}
            max={1}
            className="h-2 flex-1 accent-[var(--accent)]"
          />
          <span className="w-12 text-right tabular-nums">{Math.round(done * 100)} %</span>
        </div>
      )}
      <ErrorNote error={uploading.error ?? checking.error ?? loading.error ?? check.error} />
      <RawPreview file={file} delimiter={delimiter} header={header} />
      <div className="grid gap-3 sm:grid-cols-3">
        <Field label="What to do">
          {(control) => (
            <Select
              id={control.id}
              value={mode}
              onChange={(value) => setMode(value as Mode)}
              options={MODES}
            />
          )}
        </Field>
        <Field label="Schema" hint="It is made if it is missing">
          {(control) => (
            <>
              <Input
                {...control}
                list="upload-schemas"
                value={intoSchema}
                onChange={(event) => setIntoSchema(event.target.value)}
              />
              <datalist id="upload-schemas">
                {schemas.map((each) => (
                  <option key={each} value={each} />
                ))}
              </datalist>
            </>
          )}
        </Field>
        <Field label="Table">
          {(control) => (
            <Input {...control} value={name} onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
      </div>
      {isCsv && (
        <div className="flex flex-wrap items-center gap-5">
          <Checkbox
            checked={header}
            onChange={setHeader}
            label="The first line names the columns"
          />
          <span className="flex items-center gap-2 text-sm">
            <span id="upload-delimiter">Between fields</span>
            <Select
              label="Between fields"
              className="w-36"
              value={delimiter || "auto"}
              onChange={(value) => setDelimiter(value === "auto" ? "" : value)}
              options={[
                { value: "auto", label: "Found out" },
                { value: ",", label: "Comma" },
                { value: ";", label: "Semicolon" },
                { value: "\t", label: "Tab" },
                { value: "|", label: "Bar" },
              ]}
            />
          </span>
        </div>
      )}
      {checkBusy && (
        <p role="status" className="flex items-center gap-2 text-sm text-ink-soft">
          <StateBadge state={check.data?.state ?? "PENDING"} />
          Every row is checked, and the types of the columns are found out.
        </p>
      )}
      {outcome?.error != null && !loadBusy && !checkBusy && (
        <>
          <ErrorNote error={outcome.error || "The run did not succeed; see its log."} />
          {outcome.bad.length > 0 && <BadRows rows={outcome.bad} />}
        </>
      )}
      {check.data?.ended && check.data.columns.length > 0 && (
        <ColumnTypes columns={check.data.columns} types={types} onChange={setTypes} />
      )}
      <div className="flex items-center justify-end gap-2 border-t border-line pt-4">
        {loadRun !== null && load.data && (
          <span className="mr-auto flex items-center gap-2 text-sm">
            <StateBadge state={load.data.state} />
            <Link
              to="/jobs/$jobId/runs/$runId"
              params={{ jobId: String(load.data.jobId), runId: String(loadRun) }}
              className="text-accent hover:underline"
            >
              Run {loadRun}
            </Link>
          </span>
        )}
        <Button onClick={onClose}>Cancel</Button>
        <Button
          disabled={!upload || loadBusy}
          busy={checkBusy}
          onClick={() => upload && checking.mutate(upload)}
        >
          Check again
        </Button>
        <Button
          kind="primary"
          busy={loadBusy}
          disabled={!upload || checkBusy || !name.trim() || !intoSchema.trim()}
          onClick={() => loading.mutate()}
        >
          Load into {intoSchema.trim()}.{name.trim()}
        </Button>
      </div>
    </div>
  );
}

interface RawProps {
  file: File;
  delimiter: string;
  header: boolean;
}

/** The first rows as they stand in the file; a compressed file or Parquet shows none. */
function RawPreview({ file, delimiter, header }: RawProps) {
  const [text, setText] = useState<string | null>(null);
  const readable = /\.(csv|tsv|json|jsonl|ndjson)$/i.test(file.name);
  useEffect(() => {
    let current = true;
    if (readable)
      void file
        .slice(0, LOOKED_AT)
        .text()
        .then((found) => current && setText(found));
    return () => {
      current = false;
    };
  }, [file, readable]);
  if (!text) return null;
  const preview: Preview = /json|jsonl|ndjson/i.test(file.name.split(".").at(-1) ?? "")
    ? previewJson(text)
    : previewCsv(text, delimiter || guessDelimiter(text), header);
  if (preview.header.length === 0) return null;
  return (
    <section
      aria-label="The first rows of the file"
      tabIndex={0}
      className="max-h-56 overflow-auto rounded-md border border-line"
    >
      <table aria-label="The first rows of the file" className="w-full text-xs">
        <thead>
          <tr className="border-b border-line bg-sunken">
            {preview.header.map((name, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place
              <th key={at} scope="col" className="px-2.5 py-1.5 text-left font-mono font-medium">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {preview.rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
            <tr key={at} className="border-b border-line/60 last:border-0">
              {row.map((cell, place) => (
                <td
                  // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place
                  key={place}
                  className="max-w-60 truncate px-2.5 py-1 font-mono whitespace-nowrap"
                >
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface ColumnTypesProps {
  columns: { name: string; type: string }[];
  types: Record<string, string>;
  onChange: (types: Record<string, string>) => void;
}

/** The types that were found out; another one may be chosen. */
function ColumnTypes({ columns, types, onChange }: ColumnTypesProps) {
  return (
    <section aria-label="Columns">
      <h3 className="mb-2 text-sm font-semibold">
        {plural(columns.length, "column")}
        <span className="ml-2 font-normal text-ink-faint">
          Every row was checked. Choose another type where the one found is not right.
        </span>
      </h3>
      <ul className="grid max-h-64 grid-cols-1 gap-x-6 gap-y-1.5 overflow-y-auto pr-1 sm:grid-cols-2">
        {columns.map(({ name, type: told }) => {
          const type = SPOKEN[told] ?? told;
          return (
            <li key={name} className="flex items-center gap-3">
              <span className="min-w-0 flex-1 truncate font-mono text-[13px]" title={name}>
                {name}
              </span>
              <Select
                label={`Type of ${name}`}
                className="w-44"
                value={types[name] ?? "found"}
                onChange={(value) => {
                  const { [name]: _gone, ...rest } = types;
                  onChange(value === "found" ? rest : { ...rest, [name]: value });
                }}
                options={[
                  { value: "found", label: type },
                  ...TYPES.filter((each) => each !== type).map((each) => ({
                    value: each,
                    label: each,
                  })),
                ]}
              />
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function BadRows({ rows }: { rows: BadRow[] }) {
  return (
    <div className="rounded-md border border-line">
      <DataTable
        label="Rows that are bad"
        rows={rows}
        rowKey={(row) => `${row.line} ${row.column} ${row.problem}`}
        maxHeight="16rem"
        columns={[
          { id: "line", header: "Line", align: "right", cell: (row) => row.line },
          {
            id: "column",
            header: "Column",
            cell: (row) => <span className="font-mono text-[13px]">{row.column}</span>,
          },
          { id: "problem", header: "Problem", cell: (row) => row.problem },
          {
            id: "text",
            header: "Text",
            className: "max-w-60",
            cell: (row) => (
              <span className="block truncate font-mono text-xs" title={row.text}>
                {row.text}
              </span>
            ),
          },
        ]}
      />
    </div>
  );
}
