import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowRight, Check, Play, Sparkles } from "lucide-react";
import type { ReactNode } from "react";
import { toast } from "sonner";
import {
  EXAMPLE_TABLE,
  type FirstSteps,
  firstStepsQuery,
  useCreateExample,
} from "@/api/first-steps";
import { useRunNow } from "@/api/jobs";
import { useSession } from "@/api/sessions";
import { Button, buttonClass } from "@/components/button";
import { CopyButton } from "@/components/copy-button";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { cx } from "@/lib/cx";
import { useLookedAt } from "./looked-at";

/** The first steps: what to click, and what of it is done already. */
export function WelcomePage() {
  const { display_name, user_name } = useSession();
  const steps = useQuery(firstStepsQuery);
  const name = (display_name || user_name).split(/[\s@]/)[0];
  return (
    <Page title={`Welcome, ${name}`} lead="Five steps, a few minutes: from a job to its table.">
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Panel flush>
          <QueryView query={steps}>{(found) => <Steps found={found} />}</QueryView>
        </Panel>
        <div className="flex flex-col gap-4">
          <Panel title="Good to know">
            <dl className="flex flex-col gap-2 text-sm">
              <Key keys="Ctrl K">Go to any page or job</Key>
              <Key keys="/">Search on the page</Key>
              <Key keys="g j">Jobs; g r runs, g s SQL, g c catalog</Key>
              <Key keys="?">All keys</Key>
            </dl>
          </Panel>
          <Panel title="From your terminal">
            <p className="text-sm text-ink-soft">
              A larger example: real flights, from raw files to tables, a model and a picture.
            </p>
            <Command text="openlake demo" />
            <p className="mt-3 text-sm text-ink-soft">Jobs of your own, kept in git:</p>
            <Command text="openlake bundle --help" />
          </Panel>
        </div>
      </div>
    </Page>
  );
}

function Steps({ found }: { found: FirstSteps }) {
  const navigate = useNavigate();
  const create = useCreateExample();
  const run = useRunNow();
  const [looked, look] = useLookedAt(EXAMPLE_TABLE);
  const { example, lastRun } = found;

  async function start(jobId: number): Promise<void> {
    const runId = await run.mutateAsync({ jobId });
    await navigate({
      to: "/jobs/$jobId/runs/$runId",
      params: { jobId: String(jobId), runId: String(runId) },
    });
  }

  const states = [found.hasJob, lastRun !== null, found.hasTable && looked, found.hasQuery];
  const current = states.indexOf(false);
  const at = (place: number) => ({
    place,
    done: states[place] ?? false,
    current: current === place,
  });
  return (
    <ol>
      <Step
        {...at(0)}
        title="Have a job"
        action={
          example ? (
            <Link
              to="/jobs/$jobId"
              params={{ jobId: String(example.jobId) }}
              className={buttonClass()}
            >
              Open {example.name}
              <ArrowRight aria-hidden />
            </Link>
          ) : (
            <Button
              kind="primary"
              busy={create.isPending}
              onClick={() =>
                create.mutate(undefined, {
                  onSuccess: () => toast.success("The example job is there: run it next"),
                })
              }
            >
              <Sparkles aria-hidden />
              Make the example job
            </Button>
          )
        }
      >
        A job runs tasks in the order they need. The example writes a small table with SQL, and
        checks it.
      </Step>
      <Step
        {...at(1)}
        title="Run it, and watch"
        action={
          lastRun && states[1] && !example ? (
            <RunLink run={lastRun} />
          ) : (
            <>
              {lastRun && <RunLink run={lastRun} />}
              <Button
                kind={current === 1 ? "primary" : "plain"}
                disabled={!example}
                busy={run.isPending}
                onClick={() =>
                  example &&
                  void start(example.jobId).catch((error: Error) => toast.error(error.message))
                }
              >
                <Play aria-hidden />
                Run {example ? example.name : "it"}
              </Button>
            </>
          )
        }
      >
        The run's page follows it live: the graph, the timeline, each task's log.
      </Step>
      <Step
        {...at(2)}
        title="Look at its table"
        action={
          found.hasTable ? (
            <Link
              to="/catalog/$fullName"
              params={{ fullName: `lakehouse.${EXAMPLE_TABLE}` }}
              onClick={look}
              className={buttonClass(current === 2 ? "primary" : "plain")}
            >
              Open {EXAMPLE_TABLE}
              <ArrowRight aria-hidden />
            </Link>
          ) : (
            <Link to="/catalog" onClick={look} className={buttonClass()}>
              Open the catalog
              <ArrowRight aria-hidden />
            </Link>
          )
        }
      >
        Columns, a sample, every snapshot with what changed, and which run wrote it.
      </Step>
      <Step
        {...at(3)}
        title="Ask it something"
        action={
          <Link
            to="/sql"
            search={
              found.hasTable
                ? { text: `SELECT name, moons FROM ${EXAMPLE_TABLE} ORDER BY moons DESC` }
                : {}
            }
            className={buttonClass(current === 3 ? "primary" : "plain")}
          >
            Open the SQL editor
            <ArrowRight aria-hidden />
          </Link>
        }
      >
        Ctrl-Enter runs the query; a click draws the answer as a chart.
      </Step>
      <Step
        place={4}
        done={false}
        current={current === -1}
        title="Write a job of your own"
        action={
          <Link to="/jobs/new" className={buttonClass(current === -1 ? "primary" : "plain")}>
            New job
            <ArrowRight aria-hidden />
          </Link>
        }
      >
        By form, by YAML, or both side by side. Mistakes show on their line before anything is
        saved.
      </Step>
    </ol>
  );
}

function RunLink({ run }: { run: { jobId: number; runId: number } }) {
  return (
    <Link
      to="/jobs/$jobId/runs/$runId"
      params={{ jobId: String(run.jobId), runId: String(run.runId) }}
      className={buttonClass("quiet")}
    >
      The last run
    </Link>
  );
}

interface StepProps {
  place: number;
  title: string;
  done: boolean;
  /** The one to do next. */
  current: boolean;
  action: ReactNode;
  children: ReactNode;
}

function Step({ place, title, done, current, action, children }: StepProps) {
  return (
    <li
      aria-current={current ? "step" : undefined}
      className={cx(
        "flex flex-wrap items-center gap-4 border-b border-line px-5 py-4 last:border-0",
        current && "bg-accent-soft/40",
      )}
    >
      <span
        className={cx(
          "flex size-7 shrink-0 items-center justify-center rounded-full border text-sm font-semibold",
          done
            ? "border-transparent bg-good-soft text-good"
            : current
              ? "border-accent text-accent"
              : "border-line-strong text-ink-faint",
        )}
      >
        {done ? <Check aria-label="Done" className="size-4" /> : place + 1}
      </span>
      <div className="min-w-56 flex-1">
        <h2 className="text-base font-semibold">{title}</h2>
        <p className="text-sm text-ink-soft">{children}</p>
      </div>
      <div className="flex gap-2">{action}</div>
    </li>
  );
}

function Key({ keys, children }: { keys: string; children: ReactNode }) {
  return (
    <div className="flex items-baseline gap-3">
      <dt className="w-16 shrink-0">
        <kbd className="rounded border border-line bg-sunken px-1.5 py-0.5 font-mono text-xs">
          {keys}
        </kbd>
      </dt>
      <dd className="text-ink-soft">{children}</dd>
    </div>
  );
}

function Command({ text }: { text: string }) {
  return (
    <div className="mt-2 flex items-center rounded-md border border-line bg-sunken pl-3">
      <code className="flex-1 font-mono text-xs">{text}</code>
      <CopyButton text={text} label={`Copy ${text}`} />
    </div>
  );
}
