import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Lock, Plus } from "lucide-react";
import { useState } from "react";
import {
  type SecretKey,
  scopesQuery,
  secretKeysQuery,
  useDeleteScope,
  useDeleteSecret,
} from "@/api/secrets";
import { Button } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Confirm } from "@/components/overlay";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";
import { Time } from "@/components/time";
import { cx } from "@/lib/cx";
import { CreateScope } from "./create-scope";
import { PutSecret } from "./put-secret";
import { ScopeAccess } from "./scope-access";

interface SecretsPageProps {
  /** The scope that is looked at; the first one when none is named. */
  scope?: string;
  onScope: (scope: string | undefined) => void;
}

/** Scopes at the left, the keys and permissions of one at the right. */
export function SecretsPage({ scope, onScope }: SecretsPageProps) {
  const query = useQuery(scopesQuery);
  const [creating, setCreating] = useState(false);
  return (
    <Page
      title="Secrets"
      lead="Values go in here and come out in a running task alone; they are kept out of logs and results."
      actions={
        <Button kind="primary" onClick={() => setCreating(true)}>
          <Plus aria-hidden />
          Create scope
        </Button>
      }
    >
      <QueryView query={query}>
        {(scopes) =>
          scopes.length === 0 ? (
            <Panel>
              <EmptyState icon={Lock} title="There are no scopes">
                A scope holds secrets that belong together, and says who may read them.
              </EmptyState>
            </Panel>
          ) : (
            <div className="grid items-start gap-4 md:grid-cols-[15rem_1fr]">
              <Panel title="Scopes" flush>
                <ul className="p-1.5">
                  {scopes.map(({ name }) => (
                    <li key={name}>
                      <Link
                        to="/secrets"
                        search={{ scope: name }}
                        aria-current={name === (scope ?? scopes[0]?.name) ? "true" : undefined}
                        className={cx(
                          "block truncate rounded-md px-2.5 py-1.5 hover:bg-sunken",
                          name === (scope ?? scopes[0]?.name) &&
                            "bg-accent-soft font-medium text-accent",
                        )}
                      >
                        {name}
                      </Link>
                    </li>
                  ))}
                </ul>
              </Panel>
              <Scope name={scope ?? scopes[0]?.name ?? ""} onDeleted={() => onScope(undefined)} />
            </div>
          )
        }
      </QueryView>
      <CreateScope
        open={creating}
        onOpenChange={setCreating}
        onCreated={(name) => {
          setCreating(false);
          onScope(name);
        }}
      />
    </Page>
  );
}

function Scope({ name, onDeleted }: { name: string; onDeleted: () => void }) {
  const query = useQuery(secretKeysQuery(name));
  const deleteScope = useDeleteScope();
  const deleteSecret = useDeleteSecret();
  const [put, setPut] = useState<string | null>(null);
  const columns: Column<SecretKey>[] = [
    {
      id: "key",
      header: "Key",
      cell: (secret) => <code className="font-mono text-xs">{secret.key}</code>,
      sort: (secret) => secret.key,
    },
    {
      id: "use",
      header: "In a job",
      cell: (secret) => (
        <code className="font-mono text-xs text-ink-soft">{`{{secrets/${name}/${secret.key}}}`}</code>
      ),
    },
    {
      id: "changed",
      header: "Changed",
      cell: (secret) => <Time at={secret.last_updated_timestamp} />,
      sort: (secret) => secret.last_updated_timestamp,
    },
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      align: "right",
      cell: (secret) => (
        <span className="inline-flex gap-2">
          <Button
            size="small"
            aria-label={`Replace ${secret.key}`}
            onClick={() => setPut(secret.key)}
          >
            Replace
          </Button>
          <Confirm
            trigger={
              <Button size="small" kind="danger" aria-label={`Delete ${secret.key}`}>
                Delete
              </Button>
            }
            title={`Delete ${secret.key}?`}
            action="Delete"
            onConfirm={() => deleteSecret.mutateAsync({ scope: name, key: secret.key })}
          >
            Tasks that ask for it fail from now on. Its value cannot be brought back.
          </Confirm>
        </span>
      ),
    },
  ];
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <Panel
        flush
        title={name}
        actions={
          <>
            <Confirm
              trigger={
                <Button size="small" kind="danger">
                  Delete scope
                </Button>
              }
              title={`Delete the scope ${name}?`}
              action="Delete scope"
              onConfirm={() => deleteScope.mutateAsync(name).then(onDeleted)}
            >
              All its secrets go with it, and cannot be brought back.
            </Confirm>
            <Button size="small" onClick={() => setPut("")}>
              <Plus aria-hidden />
              Add secret
            </Button>
          </>
        }
      >
        <QueryView query={query}>
          {(secrets) => (
            <DataTable
              label={`Secrets of ${name}`}
              rows={secrets}
              columns={columns}
              rowKey={(secret) => secret.key}
              empty={
                <EmptyState icon={Lock} title="No secrets in this scope yet" className="py-8" />
              }
            />
          )}
        </QueryView>
      </Panel>
      <ScopeAccess scope={name} />
      <PutSecret key={put} scope={name} secretKey={put} onClose={() => setPut(null)} />
    </div>
  );
}
