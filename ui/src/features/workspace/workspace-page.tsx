import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { toast } from "sonner";
import { useSession } from "@/api/sessions";
import { useUpdateWorkspace, type Workspace, workspaceQuery } from "@/api/workspaces";
import { Button } from "@/components/button";
import { Field, Input } from "@/components/form";
import { Page } from "@/components/page";
import { Facts, Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { ErrorNote } from "@/components/states";
import { Time } from "@/components/time";

/** The workspace itself: its name, defaults and quota. */
export function WorkspacePage() {
  const { workspace_id } = useSession();
  const query = useQuery(workspaceQuery(workspace_id));
  return (
    <Page
      title="Workspace"
      lead="Everything here belongs to it: jobs, tables' access, people, secrets."
    >
      <QueryView query={query}>
        {(workspace) => (
          <div className="grid items-start gap-4 lg:grid-cols-[1fr_20rem]">
            <Settings key={JSON.stringify(workspace)} workspace={workspace} />
            <Panel title="Facts">
              <Facts
                items={[
                  ["Id", workspace.workspace_id],
                  ["Created", <Time key="created" at={workspace.created_at} as="instant" />],
                ]}
              />
            </Panel>
          </div>
        )}
      </QueryView>
    </Page>
  );
}

function Settings({ workspace }: { workspace: Workspace }) {
  const { is_admin } = useSession();
  const update = useUpdateWorkspace(workspace.workspace_id);
  const [name, setName] = useState(workspace.name);
  const [catalog, setCatalog] = useState(workspace.default_catalog ?? "");
  const [warehouse, setWarehouse] = useState(workspace.default_warehouse_id ?? "");
  const [runs, setRuns] = useState(String(workspace.max_concurrent_runs ?? ""));
  function submit(event: FormEvent): void {
    event.preventDefault();
    const quota = runs.trim() ? Number(runs) : null;
    update.mutate(
      {
        name: name.trim(),
        default_catalog: catalog.trim() || null,
        default_warehouse_id: warehouse.trim() || null,
        // The operator's alone: sent only when it was changed.
        ...(quota !== (workspace.max_concurrent_runs ?? null) && { max_concurrent_runs: quota }),
      },
      { onSuccess: () => toast.success("The workspace is changed") },
    );
  }
  return (
    <Panel title="Settings">
      <form onSubmit={submit}>
        <fieldset disabled={!is_admin} className="flex max-w-lg flex-col gap-4">
          <Field label="Name">
            {(control) => (
              <Input
                {...control}
                required
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <Field label="Default catalog" hint="Of statements that name none; lakehouse when empty.">
            {(control) => (
              <Input
                {...control}
                value={catalog}
                onChange={(event) => setCatalog(event.target.value)}
              />
            )}
          </Field>
          <Field label="Default warehouse" hint="Its id; SQL that names no warehouse runs there.">
            {(control) => (
              <Input
                {...control}
                value={warehouse}
                onChange={(event) => setWarehouse(event.target.value)}
              />
            )}
          </Field>
          <Field
            label="Runs at the same time"
            hint="More wait in the queue. No limit when empty; only the operator changes it."
          >
            {(control) => (
              <Input
                {...control}
                type="number"
                min={1}
                className="w-40"
                value={runs}
                onChange={(event) => setRuns(event.target.value)}
              />
            )}
          </Field>
          <ErrorNote error={update.error} />
          <div>
            <Button type="submit" kind="primary" busy={update.isPending}>
              Save
            </Button>
          </div>
          {!is_admin && <p className="text-ink-soft">Admins of the workspace can change this.</p>}
        </fieldset>
      </form>
    </Panel>
  );
}
