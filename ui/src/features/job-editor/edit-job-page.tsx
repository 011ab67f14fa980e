import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { toast } from "sonner";
import { type CurrentSettings, jobSettingsQuery, readSettings, useResetJob } from "@/api/jobs";
import { Button, buttonClass } from "@/components/button";
import { Dialog } from "@/components/overlay";
import { Page } from "@/components/page";
import { QueryView } from "@/components/query-view";
import { ErrorNote } from "@/components/states";
import { Time } from "@/components/time";
import { withoutDefaults } from "@/lib/job-schema";
import type { JobSettings } from "@/lib/job-settings";
import type { EditorSearch } from "./editor-search";
import { changesOf } from "./job-changes";
import { JobEditor } from "./job-editor";
import { writeYaml } from "./yaml-edit";

interface EditJobProps {
  jobId: number;
  search: EditorSearch;
  onSearch: (search: Partial<EditorSearch>) => void;
}

/** Change a job's settings. */
export function EditJobPage(props: EditJobProps) {
  const settings = useQuery({ ...jobSettingsQuery(props.jobId), staleTime: 0 });
  // What is edited stays what it was opened with, whoever saves meanwhile.
  const [opened, setOpened] = useState<CurrentSettings>();
  if (settings.data && !opened && !settings.isFetching) setOpened(settings.data);
  if (!opened)
    return (
      <QueryView query={settings} loading={<Page title="Edit job">{null}</Page>}>
        {() => <Page title="Edit job">{null}</Page>}
      </QueryView>
    );
  return <Edit key={opened.version} {...props} opened={opened} />;
}

function Edit({ jobId, opened, search, onSearch }: EditJobProps & { opened: CurrentSettings }) {
  const [saved] = useState(() => withoutDefaults(opened.settings));
  const [initial] = useState(() => writeYaml(saved));
  const [theirs, setTheirs] = useState<CurrentSettings | null>(null);
  const [waiting, setWaiting] = useState<{ text: string; settings: JobSettings } | null>(null);
  const reset = useResetJob(jobId);
  const cache = useQueryClient();
  const navigate = useNavigate();
  const params = { jobId: String(jobId) };

  async function write(text: string, settings: JobSettings): Promise<void> {
    await reset.mutateAsync(text);
    const changes = changesOf(saved, settings);
    toast.success("Saved", { description: changes.slice(0, 4).join(", ") });
    await cache.invalidateQueries({ queryKey: ["jobs", jobId] });
    await navigate({ to: "/jobs/$jobId", params });
  }

  async function save(text: string, settings: JobSettings): Promise<void> {
    const now = await readSettings(jobId);
    if (now.version !== opened.version) {
      setTheirs(now);
      setWaiting({ text, settings });
      throw new Error("somebody else has saved in between");
    }
    await write(text, settings);
  }

  const name = opened.settings.name ?? "Untitled";
  return (
    <>
      <JobEditor
        title={`Edit ${name}`}
        crumbs={[
          <Link key="jobs" to="/jobs">
            Jobs
          </Link>,
          <Link key="job" to="/jobs/$jobId" params={params}>
            {name}
          </Link>,
        ]}
        initial={initial}
        saved={saved}
        jobId={jobId}
        action="Save"
        busy={reset.isPending}
        search={search}
        onSearch={onSearch}
        onSave={save}
        note={
          <>
            <ErrorNote error={reset.error} />
            {opened.settings.edit_mode === "UI_LOCKED" && (
              <p className="rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
                A bundle deploys this job. What you save here is overwritten when it is deployed
                again.
              </p>
            )}
          </>
        }
      />
      <Dialog
        open={theirs !== null}
        onOpenChange={() => setTheirs(null)}
        title="Somebody else has saved this job"
        lead="Since you opened it. If you save now, your version replaces theirs."
        footer={
          <>
            <Button onClick={() => setTheirs(null)}>Keep editing</Button>
            <Link
              to="/jobs/$jobId/versions"
              params={params}
              target="_blank"
              className={buttonClass()}
            >
              See what they changed
            </Link>
            <Button
              kind="danger"
              busy={reset.isPending}
              onClick={() =>
                waiting && void write(waiting.text, waiting.settings).catch(() => setTheirs(null))
              }
            >
              Save mine over it
            </Button>
          </>
        }
      >
        {theirs && (
          <p className="text-sm">
            Version {theirs.version} by {theirs.editor}, <Time at={theirs.created_at} />:{" "}
            {changesOf(saved, withoutDefaults(theirs.settings)).join(", ") ||
              "the same settings as you began with"}
            .
          </p>
        )}
      </Dialog>
    </>
  );
}
