import { useQuery } from "@tanstack/react-query";
import { Cpu, Plus, ScrollText } from "lucide-react";
import { useState } from "react";
import {
  type Policy,
  type PolicyDraft,
  type Pool,
  type Profile,
  policiesQuery,
  poolsQuery,
  profilesQuery,
  useDeletePolicy,
} from "@/api/compute";
import { Button } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Confirm, Dialog } from "@/components/overlay";
import { Page } from "@/components/page";
import { Facts, Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";
import { Time } from "@/components/time";
import { formatBytes } from "@/lib/numbers";
import { PolicyDialog } from "./policy-dialog";

const MIB = 1024 * 1024;
const NEW_POLICY: PolicyDraft = { name: "", description: "", definition: "{\n}\n" };

/** What jobs run on, and the rules that hold for it. */
export function ComputePage() {
  return (
    <Page
      title="Compute profiles"
      lead="What tasks run on. Databricks' clients see each profile as a cluster and as a node type."
    >
      <Profiles />
      <Policies />
      <Pools />
    </Page>
  );
}

const PROFILE_COLUMNS: Column<Profile>[] = [
  {
    id: "name",
    header: "Name",
    cell: (profile) => profile.cluster_name,
    sort: (profile) => profile.cluster_name,
  },
  {
    id: "cores",
    header: "Cores",
    align: "right",
    cell: (profile) => profile.cluster_cores,
    sort: (profile) => profile.cluster_cores,
  },
  {
    id: "memory",
    header: "Memory",
    align: "right",
    cell: (profile) => formatBytes(profile.cluster_memory_mb * MIB),
    sort: (profile) => profile.cluster_memory_mb,
  },
  { id: "spark", header: "Spark", cell: (profile) => profile.spark_version },
  {
    id: "settings",
    header: "Settings",
    cell: (profile) =>
      Object.keys(profile.spark_conf).length + Object.keys(profile.spark_env_vars).length || "–",
  },
];

function Profiles() {
  const query = useQuery(profilesQuery);
  const [chosen, setChosen] = useState<Profile | null>(null);
  return (
    <Panel title="Profiles" flush>
      <QueryView query={query}>
        {(profiles) => (
          <DataTable
            label="Compute profiles"
            rows={profiles}
            columns={PROFILE_COLUMNS}
            rowKey={(profile) => profile.cluster_id}
            onOpen={setChosen}
            empty={<EmptyState icon={Cpu} title="There are no profiles" />}
          />
        )}
      </QueryView>
      <Dialog
        open={chosen !== null}
        onOpenChange={() => setChosen(null)}
        title={chosen?.cluster_name}
        wide
      >
        {chosen && (
          <div className="flex flex-col gap-4">
            <Facts
              items={[
                [
                  "In a job",
                  <code
                    key="id"
                    className="font-mono text-xs"
                  >{`existing_cluster_id: ${chosen.cluster_id}`}</code>,
                ],
                ["Cores", chosen.cluster_cores],
                ["Memory", formatBytes(chosen.cluster_memory_mb * MIB)],
                ["Spark", chosen.spark_version],
              ]}
            />
            <Settings title="Spark settings" values={chosen.spark_conf} />
            <Settings title="Environment variables" values={chosen.spark_env_vars} />
          </div>
        )}
      </Dialog>
    </Panel>
  );
}

function Settings({ title, values }: { title: string; values: Record<string, unknown> }) {
  const entries = Object.entries(values);
  if (entries.length === 0) return null;
  return (
    <section>
      <h3 className="mb-2 font-medium">{title}</h3>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 font-mono text-xs">
        {entries.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-ink-soft">{name}</dt>
            <dd className="break-all">{String(value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Policies() {
  const query = useQuery(policiesQuery);
  const remove = useDeletePolicy();
  const [draft, setDraft] = useState<PolicyDraft | null>(null);
  const columns: Column<Policy>[] = [
    {
      id: "name",
      header: "Name",
      cell: (policy) => (
        <span className="flex flex-col">
          {policy.name}
          {policy.description && (
            <span className="text-xs text-ink-faint">{policy.description}</span>
          )}
        </span>
      ),
      sort: (policy) => policy.name,
    },
    { id: "creator", header: "Made by", cell: (policy) => policy.creator_user_name },
    {
      id: "created",
      header: "Created",
      cell: (policy) => <Time at={policy.created_at_timestamp} />,
      sort: (policy) => policy.created_at_timestamp,
    },
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      align: "right",
      cell: (policy) => (
        <Confirm
          trigger={
            <Button size="small" kind="danger" aria-label={`Delete ${policy.name}`}>
              Delete
            </Button>
          }
          title={`Delete the policy ${policy.name}?`}
          action="Delete"
          onConfirm={() => remove.mutateAsync(policy.policy_id)}
        >
          Jobs that name it cannot run until they name another.
        </Confirm>
      ),
    },
  ];
  return (
    <Panel
      title="Cluster policies"
      flush
      actions={
        <Button size="small" onClick={() => setDraft(NEW_POLICY)}>
          <Plus aria-hidden />
          Create policy
        </Button>
      }
    >
      <QueryView query={query}>
        {(policies) => (
          <DataTable
            label="Cluster policies"
            rows={policies}
            columns={columns}
            rowKey={(policy) => policy.policy_id}
            onOpen={(policy) => setDraft({ ...policy, description: policy.description ?? "" })}
            empty={
              <EmptyState icon={ScrollText} title="There are no policies" className="py-8">
                A policy says which compute a job may ask for: fixed values, lists, ranges,
                patterns.
              </EmptyState>
            }
          />
        )}
      </QueryView>
      <PolicyDialog
        key={draft?.policy_id ?? String(draft === null)}
        draft={draft}
        onClose={() => setDraft(null)}
      />
    </Panel>
  );
}

const POOL_COLUMNS: Column<Pool>[] = [
  {
    id: "name",
    header: "Name",
    cell: (pool) => pool.instance_pool_name,
    sort: (pool) => pool.instance_pool_name,
  },
  { id: "node", header: "Node type", cell: (pool) => pool.node_type_id },
  {
    id: "id",
    header: "Id",
    cell: (pool) => <code className="font-mono text-xs">{pool.instance_pool_id}</code>,
  },
];

function Pools() {
  const query = useQuery(poolsQuery);
  if (!query.data?.length) return null;
  return (
    <Panel title="Instance pools" flush>
      <DataTable
        label="Instance pools"
        rows={query.data}
        columns={POOL_COLUMNS}
        rowKey={(pool) => pool.instance_pool_id}
      />
    </Panel>
  );
}
