import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { toast } from "sonner";
import { jobSettingsQuery, useCreateJob } from "@/api/jobs";
import { Page } from "@/components/page";
import { QueryView } from "@/components/query-view";
import { ErrorNote } from "@/components/states";
import { withoutDefaults } from "@/lib/job-schema";
import type { JobSettings } from "@/lib/job-settings";
import type { EditorSearch } from "./editor-search";
import { JobEditor } from "./job-editor";
import { writeYaml } from "./yaml-edit";

const BEGINNING = `# The form beside writes this text, and reads it.
# Ctrl-Space offers what fits.
name: New job

tasks: []
`;

interface NewJobProps {
  /** The job that this one is to be like. */
  from?: number;
  search: EditorSearch;
  onSearch: (search: Partial<EditorSearch>) => void;
}

/** Make a job; or one that begins as another is. */
export function NewJobPage({ from, ...rest }: NewJobProps) {
  const original = useQuery({ ...jobSettingsQuery(from ?? 0), enabled: from !== undefined });
  if (from === undefined) return <Create initial={BEGINNING} {...rest} />;
  return (
    <QueryView query={original} loading={<Page title="New job">{null}</Page>}>
      {({ settings }) => <Create key={from} initial={copyOf(settings)} {...rest} />}
    </QueryView>
  );
}

/** The YAML of a copy: another name, and nothing of the tool that deployed the original. */
function copyOf(settings: JobSettings): string {
  const { deployment: _, edit_mode: __, ...own } = withoutDefaults(settings);
  return writeYaml({ ...own, name: `${settings.name ?? "Untitled"} (copy)` });
}

function Create({ initial, search, onSearch }: Omit<NewJobProps, "from"> & { initial: string }) {
  const navigate = useNavigate();
  const create = useCreateJob();
  return (
    <JobEditor
      title="New job"
      crumbs={[
        <Link key="jobs" to="/jobs">
          Jobs
        </Link>,
      ]}
      initial={initial}
      action="Create job"
      busy={create.isPending}
      search={search}
      onSearch={onSearch}
      note={<ErrorNote error={create.error} />}
      onSave={async (text, settings) => {
        const jobId = await create.mutateAsync(text);
        toast.success(`${settings.name ?? "The job"} is there`);
        await navigate({ to: "/jobs/$jobId", params: { jobId: String(jobId) } });
      }}
    />
  );
}
