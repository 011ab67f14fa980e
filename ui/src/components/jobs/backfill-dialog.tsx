import { useQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useState } from "react";
import {
  type BackfillOrder,
  backfillPreviewQuery,
  backfillsQuery,
  useStartBackfill,
} from "@/api/backfills";
import { jobSettingsQuery } from "@/api/jobs";
import type { JobSettings } from "@/lib/job-settings";
import { formatCount, plural } from "@/lib/numbers";
import { newToken } from "@/lib/token";
import { useDebounced } from "@/lib/use-debounced";
import { Button } from "../button";
import { Field, Input, Select } from "../form";
import { Dialog } from "../overlay";
import { QueryView } from "../query-view";
import { ErrorNote } from "../states";
import { Tabs } from "../tabs";
import { BackfillProgress } from "./backfill-progress";
import { ParameterFields } from "./parameter-fields";

interface BackfillDialogProps {
  jobId: number;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Run a job once for each date of a range, and see how far such orders are. */
export function BackfillDialog({ jobId, open, onOpenChange }: BackfillDialogProps) {
  const settings = useQuery({ ...jobSettingsQuery(jobId), enabled: open });
  const backfills = useQuery({ ...backfillsQuery(jobId), enabled: open });
  const [tab, setTab] = useState<"new" | "progress">("new");
  const count = backfills.data?.length ?? 0;
  const name = settings.data?.settings.name;
  return (
    <Dialog
      wide
      open={open}
      onOpenChange={onOpenChange}
      title={name ? `Backfill ${name}` : "Backfill"}
      lead="One run for each date of a range, each told its date."
    >
      <Tabs
        label="Backfill"
        value={tab}
        onChange={setTab}
        tabs={[
          { value: "new", label: "New backfill" },
          { value: "progress", label: count ? `Progress (${formatCount(count)})` : "Progress" },
        ]}
      >
        <div className="pt-4">
          {tab === "progress" ? (
            <BackfillProgress jobId={jobId} onLeave={() => onOpenChange(false)} />
          ) : (
            <QueryView query={settings}>
              {(found) => (
                <NewBackfill
                  jobId={jobId}
                  job={found.settings}
                  onStarted={() => setTab("progress")}
                />
              )}
            </QueryView>
          )}
        </div>
      </Tabs>
    </Dialog>
  );
}

const STEPS = [
  { value: "1h", label: "Each hour" },
  { value: "6h", label: "Every 6 hours" },
  { value: "1d", label: "Each day" },
  { value: "1w", label: "Each week" },
];

const CUSTOM = "custom";

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
}

interface NewBackfillProps {
  jobId: number;
  job: JobSettings;
  onStarted: () => void;
}

function NewBackfill({ jobId, job, onStarted }: NewBackfillProps) {
  const [from, setFrom] = useState(daysAgo(7));
  const [to, setTo] = useState(daysAgo(1));
  const [step, setStep] = useState(job.schedule ? "schedule" : "1d");
  const [custom, setCustom] = useState("");
  const [zone, setZone] = useState(job.schedule?.timezone_id ?? "UTC");
  const [concurrency, setConcurrency] = useState("1");
  const [order, setOrder] = useState("oldest");
  const [values, setValues] = useState<Record<string, string>>({});
  const [readable, setReadable] = useState(true);
  const [token, setToken] = useState(newToken);
  const start = useStartBackfill(jobId);

  const every = step === CUSTOM ? custom.trim() : step;
  const ready = Boolean(from && to && every && readable && Number(concurrency) >= 1);
  const wanted: BackfillOrder | null =
    ready && !("" in values)
      ? {
          from,
          to,
          every,
          timezone_id: zone || null,
          max_concurrent_runs: Number(concurrency),
          parameters: values,
          reverse: order === "newest",
        }
      : null;
  const settled = useDebounced(JSON.stringify(wanted));
  const asked = settled === JSON.stringify(wanted) ? wanted : null;
  const preview = useQuery({
    ...backfillPreviewQuery(jobId, JSON.parse(settled) as BackfillOrder | null),
    retry: false,
  });
  const total = asked && !preview.isError ? preview.data?.total : undefined;

  async function begin(): Promise<void> {
    if (!wanted) return;
    try {
      await start.mutateAsync({ order: wanted, token });
      onStarted();
    } finally {
      setToken(newToken());
    }
  }

  return (
    <div className="grid gap-6 md:grid-cols-[1fr_1fr]">
      <div className="flex flex-col gap-4">
        <div className="grid grid-cols-2 gap-3">
          <Field label="From">
            {(control) => (
              <Input
                {...control}
                type="date"
                value={from}
                max={to || undefined}
                onChange={(event) => setFrom(event.target.value)}
              />
            )}
          </Field>
          <Field label="To" hint="Included">
            {(control) => (
              <Input
                {...control}
                type="date"
                value={to}
                onChange={(event) => setTo(event.target.value)}
              />
            )}
          </Field>
          <Field label="A run for">
            {({ id }) => (
              <Select
                id={id}
                value={step}
                onChange={setStep}
                options={[
                  ...(job.schedule ? [{ value: "schedule", label: "Each scheduled time" }] : []),
                  ...STEPS,
                  { value: CUSTOM, label: "Another step" },
                ]}
              />
            )}
          </Field>
          {step === CUSTOM ? (
            <Field label="Step" hint="30m, 6h, 2d, 1w">
              {(control) => (
                <Input
                  {...control}
                  value={custom}
                  placeholder="30m"
                  onChange={(event) => setCustom(event.target.value)}
                />
              )}
            </Field>
          ) : (
            <ZoneField zone={zone} onChange={setZone} />
          )}
          {step === CUSTOM && <ZoneField zone={zone} onChange={setZone} />}
          <Field label="At the same time" hint="The job's own limit holds besides">
            {(control) => (
              <Input
                {...control}
                type="number"
                min={1}
                max={1000}
                value={concurrency}
                onChange={(event) => setConcurrency(event.target.value)}
              />
            )}
          </Field>
          <Field label="Order">
            {({ id }) => (
              <Select
                id={id}
                value={order}
                onChange={setOrder}
                options={[
                  { value: "oldest", label: "Oldest first" },
                  { value: "newest", label: "Newest first" },
                ]}
              />
            )}
          </Field>
        </div>
        <div>
          <ParameterFields
            declared={job.parameters ?? []}
            values={values}
            onChange={setValues}
            onValid={setReadable}
          />
          <p className="mt-1 text-xs text-ink-faint">
            <code>{"{{backfill.iso_date}}"}</code> stands for the date of each run.
          </p>
        </div>
        <ErrorNote error={start.error} />
        <div>
          <Button
            kind="primary"
            busy={start.isPending}
            disabled={!total}
            onClick={() => void begin().catch(() => undefined)}
          >
            <History aria-hidden />
            {total ? `Start ${plural(total, "run")}` : "Start"}
          </Button>
        </div>
      </div>
      <section aria-label="Preview" className="min-w-0">
        <h3 className="mb-2 text-sm font-semibold">
          {total === undefined ? "What will run" : `${plural(total, "run")}, in this order`}
        </h3>
        {preview.isError ? (
          <ErrorNote error={preview.error} />
        ) : (
          <Preview dates={preview.data?.dates ?? []} total={preview.data?.total ?? 0} zone={zone} />
        )}
      </section>
    </div>
  );
}

function ZoneField({ zone, onChange }: { zone: string; onChange: (zone: string) => void }) {
  return (
    <Field label="Time zone">
      {(control) => (
        <>
          <Input
            {...control}
            list="backfill-zones"
            value={zone}
            onChange={(event) => onChange(event.target.value)}
          />
          <datalist id="backfill-zones">
            {Intl.supportedValuesOf("timeZone").map((each) => (
              <option key={each} value={each} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}

interface PreviewProps {
  dates: { at: string; parameters?: Record<string, string> | null }[];
  total: number;
  zone: string;
}

const SHOWN = 100;

function Preview({ dates, total, zone }: PreviewProps) {
  if (dates.length === 0)
    return <p className="text-sm text-ink-soft">Choose a range to see its runs.</p>;
  return (
    <ol
      tabIndex={0}
      aria-label="Runs to come"
      className="max-h-96 overflow-y-auto rounded-md border border-line text-xs"
    >
      {dates.slice(0, SHOWN).map((date, place) => (
        <li key={date.at} className="flex gap-3 border-b border-line/70 px-3 py-1.5 last:border-0">
          <span className="w-7 shrink-0 text-right text-ink-faint tabular-nums">{place + 1}</span>
          <time dateTime={date.at} className="shrink-0 tabular-nums">
            {spell(date.at, zone)}
          </time>
          <span className="min-w-0 truncate font-mono text-ink-faint" title={words(date)}>
            {words(date)}
          </span>
        </li>
      ))}
      {total > SHOWN && (
        <li className="px-3 py-1.5 text-ink-soft">and {formatCount(total - SHOWN)} more</li>
      )}
    </ol>
  );
}

function words(date: { parameters?: Record<string, string> | null }): string {
  return Object.entries(date.parameters ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join("  ");
}

/** Spell a logical date in the zone of the order, not the user's: it is what the run is told. */
function spell(at: string, zone: string): string {
  try {
    return new Intl.DateTimeFormat("sv-SE", {
      timeZone: zone || "UTC",
      dateStyle: "short",
      timeStyle: "short",
    }).format(new Date(at));
  } catch {
    return at;
  }
}
