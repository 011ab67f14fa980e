import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { CloudOff, Moon, PanelLeft, Search, Sun } from "lucide-react";
import { useMemo, useState } from "react";
import { useConnectionLost } from "@/api/connection";
import { useWorkspaceEvents } from "@/api/workspace-events";
import { IconButton } from "@/components/button";
import { cx } from "@/lib/cx";
import { setDark, useDark } from "@/lib/theme";
import { useShortcuts } from "@/lib/use-shortcuts";
import { CommandPalette } from "./command-palette";
import { KeyHelp } from "./key-help";
import { Logo } from "./logo";
import { ALL_PLACES, PLACES } from "./places";
import { UserMenu, WorkspaceMenu } from "./session-menus";

const NARROW = "openlake.sidebar";

/** What is around every page: where one can go, which workspace it is, who is signed in. */
export function Shell() {
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [narrow, setNarrow] = useState(() => localStorage.getItem(NARROW) === "narrow");
  const navigate = useNavigate();
  const dark = useDark();
  useWorkspaceEvents();
  const shortcuts = useMemo(
    () => ({
      "mod+k": () => setPalette(true),
      "?": () => setHelp(true),
      "/": () => document.querySelector<HTMLInputElement>("[data-search]")?.focus(),
      ...Object.fromEntries(
        ALL_PLACES.flatMap((place) =>
          place.key ? [[`g ${place.key}`, () => void navigate({ to: place.to })]] : [],
        ),
      ),
    }),
    [navigate],
  );
  useShortcuts(shortcuts);

  function fold(): void {
    localStorage.setItem(NARROW, narrow ? "wide" : "narrow");
    setNarrow(!narrow);
  }

  return (
    <div className="flex h-screen flex-col">
      <a
        href="#page"
        className="sr-only z-50 rounded bg-accent px-3 py-2 text-accent-ink focus:not-sr-only focus:absolute focus:top-2 focus:left-2"
      >
        Skip to the page
      </a>
      <header className="flex h-12 shrink-0 items-center gap-3 border-b border-line bg-surface px-3">
        <IconButton label={narrow ? "Widen the sidebar" : "Fold the sidebar"} onClick={fold}>
          <PanelLeft />
        </IconButton>
        <Link to="/jobs" aria-label="OpenLake: jobs">
          <Logo />
        </Link>
        <WorkspaceMenu />
        <button
          type="button"
          onClick={() => setPalette(true)}
          className="mx-auto flex h-8 w-full max-w-md items-center gap-2 rounded-md border border-line bg-canvas px-3 text-sm text-ink-faint hover:border-line-strong"
        >
          <Search aria-hidden className="size-3.5" />
          <span className="flex-1 text-left">Search or go to…</span>
          <kbd className="rounded border border-line bg-surface px-1.5 font-sans text-xs">
            Ctrl K
          </kbd>
        </button>
        <IconButton label={dark ? "Light colours" : "Dark colours"} onClick={() => setDark(!dark)}>
          {dark ? <Sun /> : <Moon />}
        </IconButton>
        <UserMenu onHelp={() => setHelp(true)} />
      </header>
      <ConnectionBanner />
      <div className="flex min-h-0 flex-1">
        <Sidebar narrow={narrow} />
        <main id="page" tabIndex={-1} className="min-w-0 flex-1 overflow-auto outline-none">
          <Outlet />
        </main>
      </div>
      <CommandPalette open={palette} onOpenChange={setPalette} />
      <KeyHelp open={help} onOpenChange={setHelp} />
    </div>
  );
}

function Sidebar({ narrow }: { narrow: boolean }) {
  return (
    <nav
      aria-label="Pages"
      className={cx(
        "shrink-0 overflow-y-auto border-r border-line bg-surface py-3",
        narrow ? "w-13 px-2" : "w-52 px-3",
      )}
    >
      {PLACES.map(({ group, places }) => (
        <div key={group} className="mb-4">
          {!narrow && <h2 className="px-2 pb-1 text-xs font-medium text-ink-faint">{group}</h2>}
          <ul className="flex flex-col gap-0.5">
            {places.map((place) => (
              <li key={place.name}>
                <Link
                  to={place.to}
                  title={narrow ? place.name : undefined}
                  aria-label={narrow ? place.name : undefined}
                  className="flex h-8 items-center gap-2.5 rounded-md px-2 text-ink-soft hover:bg-sunken hover:text-ink [&_svg]:size-4"
                  activeProps={{
                    className: "!bg-accent-soft !text-accent font-medium",
                    "aria-current": "page",
                  }}
                  activeOptions={{ includeSearch: false }}
                >
                  <place.icon aria-hidden className="shrink-0" />
                  {!narrow && place.name}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

/** Says that the server is silent, or that a page takes long to come. */
function ConnectionBanner() {
  const lost = useConnectionLost();
  const loading = useRouterState({ select: (state) => state.isLoading });
  if (lost)
    return (
      <p
        role="status"
        className="flex items-center justify-center gap-2 bg-warn-soft py-1.5 text-sm text-warn"
      >
        <CloudOff aria-hidden className="size-4" />
        The connection to OpenLake is lost. What you see may be old; it comes back by itself.
      </p>
    );
  return (
    <div
      aria-hidden
      className={cx("h-0.5 bg-accent transition-opacity", loading ? "animate-pulse" : "opacity-0")}
    />
  );
}
