import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Check, ChevronsUpDown, CircleUser, Keyboard, LogOut, Plus, Sparkles } from "lucide-react";
import { sessionsQuery, useSession, useSignOut } from "@/api/sessions";
import { IconButton } from "@/components/button";
import { Menu } from "@/components/overlay";

/** The workspaces that this browser is signed in to; choosing one goes to its jobs. */
export function WorkspaceMenu() {
  const { data: sessions = [] } = useQuery(sessionsQuery);
  const session = useSession();
  const navigate = useNavigate();
  return (
    <Menu
      label="Workspaces"
      trigger={
        <button
          type="button"
          className="flex h-8 items-center gap-2 rounded-md border border-line px-2.5 text-sm hover:bg-sunken"
        >
          <span className="sr-only">Workspace:</span>
          <span className="max-w-40 truncate">{session.workspace_name}</span>
          <ChevronsUpDown aria-hidden className="size-3.5 text-ink-faint" />
        </button>
      }
      items={[
        ...sessions.map((each) => ({
          label: each.workspace_name,
          icon:
            each.workspace_id === session.workspace_id ? (
              <Check aria-hidden />
            ) : (
              <span aria-hidden className="size-4" />
            ),
          onSelect: () => void navigate({ to: "/jobs", search: { o: each.workspace_id } }),
        })),
        null,
        {
          label: "Sign in to another workspace",
          icon: <Plus aria-hidden />,
          onSelect: () => void navigate({ to: "/login", search: { o: undefined } }),
        },
      ]}
    />
  );
}

/** Who is signed in, and what belongs to that. */
export function UserMenu({ onHelp }: { onHelp: () => void }) {
  const session = useSession();
  const signOut = useSignOut();
  const navigate = useNavigate();
  const cache = useQueryClient();
  async function leave(): Promise<void> {
    await signOut.mutateAsync(session.workspace_id);
    await navigate({ to: "/login", search: { o: undefined } });
    cache.clear();
  }
  return (
    <Menu
      label="You"
      trigger={
        <IconButton label={`Signed in as ${session.user_name}`}>
          <CircleUser />
        </IconButton>
      }
      items={[
        {
          label: (
            <span className="flex flex-col">
              <span className="font-medium">{session.display_name}</span>
              <span className="text-xs text-ink-soft">
                {session.user_name}
                {session.is_admin && " · admin"}
              </span>
            </span>
          ),
          onSelect: () => void navigate({ to: "/tokens" }),
        },
        null,
        {
          label: "First steps",
          icon: <Sparkles aria-hidden />,
          onSelect: () => void navigate({ to: "/welcome" }),
        },
        { label: "Keys", icon: <Keyboard aria-hidden />, onSelect: onHelp },
        null,
        { label: "Sign out", icon: <LogOut aria-hidden />, onSelect: () => void leave() },
      ]}
    />
  );
}
