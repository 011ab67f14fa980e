import { useQuery } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { useSession } from "@/api/sessions";
import {
  type AnyToken,
  allTokensQuery,
  type OwnToken,
  ownTokensQuery,
  useRevokeOwnToken,
  useRevokeToken,
} from "@/api/tokens";
import { Button } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Confirm } from "@/components/overlay";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { ShownOnce } from "@/components/shown-once";
import { EmptyState } from "@/components/states";
import { Time } from "@/components/time";
import { CreateToken } from "./create-token";

/** One's own tokens, and for admins everybody's. */
export function TokensPage() {
  const session = useSession();
  const [creating, setCreating] = useState(false);
  const [value, setValue] = useState<string | null>(null);
  return (
    <Page
      title="Tokens"
      lead="Programs sign in by a token: the CLI, the databricks-sdk, MLflow, a bundle's deploy."
      actions={
        <Button kind="primary" onClick={() => setCreating(true)}>
          <Plus aria-hidden />
          Create token
        </Button>
      }
    >
      <OwnTokens />
      {session.is_admin && <AllTokens />}
      <CreateToken
        open={creating}
        onOpenChange={setCreating}
        onCreated={(made) => {
          setCreating(false);
          setValue(made);
        }}
      />
      <ShownOnce value={value} title="Your new token" onDone={() => setValue(null)} />
    </Page>
  );
}

function OwnTokens() {
  const query = useQuery(ownTokensQuery);
  const revoke = useRevokeOwnToken();
  const columns: Column<OwnToken>[] = [
    ...shared<OwnToken>(),
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      align: "right",
      cell: (token) => (
        <Revoke comment={token.comment} onRevoke={() => revoke.mutateAsync(token.token_id)} />
      ),
    },
  ];
  return (
    <Panel title="Yours" flush>
      <QueryView query={query}>
        {(tokens) => (
          <DataTable
            label="Your tokens"
            rows={tokens}
            columns={columns}
            rowKey={(token) => token.token_id}
            empty={
              <EmptyState icon={KeyRound} title="You have no tokens">
                Create one for a program that is to act as you.
              </EmptyState>
            }
          />
        )}
      </QueryView>
    </Panel>
  );
}

function AllTokens() {
  const query = useQuery(allTokensQuery);
  const revoke = useRevokeToken();
  const columns: Column<AnyToken>[] = [
    {
      id: "owner",
      header: "Owner",
      cell: (token) => token.created_by_username ?? "–",
      sort: (token) => token.created_by_username,
    },
    ...shared<AnyToken>(),
    {
      id: "used",
      header: "Last used on",
      cell: (token) => <Time at={token.last_used_day} as="relative" />,
      sort: (token) => token.last_used_day,
    },
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      align: "right",
      cell: (token) => (
        <Revoke comment={token.comment} onRevoke={() => revoke.mutateAsync(token.token_id)} />
      ),
    },
  ];
  return (
    <Panel title="Everybody's" flush>
      <QueryView query={query}>
        {(tokens) => (
          <DataTable
            label="Everybody's tokens"
            rows={tokens}
            columns={columns}
            rowKey={(token) => token.token_id}
            maxHeight="50vh"
          />
        )}
      </QueryView>
    </Panel>
  );
}

function shared<T extends OwnToken>(): Column<T>[] {
  return [
    {
      id: "comment",
      header: "Comment",
      cell: (token) => token.comment || <span className="text-ink-faint">No comment</span>,
      sort: (token) => token.comment,
    },
    {
      id: "created",
      header: "Created",
      cell: (token) => <Time at={token.creation_time} />,
      sort: (token) => token.creation_time,
    },
    {
      id: "expires",
      header: "Expires",
      cell: (token) =>
        token.expiry_time > 0 ? (
          <Time at={token.expiry_time} />
        ) : (
          <span className="text-ink-soft">Never</span>
        ),
      sort: (token) => (token.expiry_time > 0 ? token.expiry_time : undefined),
    },
  ];
}

function Revoke({ comment, onRevoke }: { comment?: string; onRevoke: () => Promise<unknown> }) {
  return (
    <Confirm
      trigger={
        <Button size="small" kind="danger" aria-label={`Revoke ${comment || "the token"}`}>
          Revoke
        </Button>
      }
      title={`Revoke ${comment ? `“${comment}”` : "this token"}?`}
      action="Revoke"
      onConfirm={onRevoke}
    >
      Programs that use it are refused from now on; a browser that signed in with it is signed out.
    </Confirm>
  );
}
