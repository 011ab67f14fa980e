import { getRouteApi, useNavigate, useRouter } from "@tanstack/react-router";
import { LogIn } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useSignIn } from "@/api/sessions";
import { Button } from "@/components/button";
import { Field, Input } from "@/components/form";
import { ErrorNote } from "@/components/states";
import { Logo } from "./logo";

const route = getRouteApi("/login");

/** Sign in by token, or by the link that `openlake console` prints. Another way (OIDC) gets its button here. */
export function Login() {
  const { next } = route.useSearch();
  const navigate = useNavigate();
  const router = useRouter();
  const signIn = useSignIn();
  const [token, setToken] = useState("");
  const started = useRef(false);

  async function enter(proof: { token: string } | { code: string }): Promise<void> {
    const session = await signIn.mutateAsync(proof).catch(() => null);
    if (!session) return;
    await router.invalidate();
    const target = new URL(next ?? "/jobs", location.origin);
    target.searchParams.set("o", String(session.workspace_id));
    await navigate({ href: target.pathname + target.search + target.hash, replace: true });
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: a code is used once, when the page opens
  useEffect(() => {
    document.title = "Sign in · OpenLake";
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    if (!code || started.current) return;
    started.current = true;
    history.replaceState(history.state, "", location.pathname + location.search);
    void enter({ code });
  }, []);

  function submit(event: FormEvent): void {
    event.preventDefault();
    void enter({ token: token.trim() });
  }

  return (
    <main className="flex min-h-screen items-center justify-center px-4">
      <div className="w-full max-w-sm">
        <div className="mb-6 flex justify-center">
          <Logo className="text-xl" />
        </div>
        <form
          onSubmit={submit}
          className="flex flex-col gap-4 rounded-xl border border-line bg-surface p-6 shadow-sm"
        >
          <h1 className="text-lg font-semibold">Sign in</h1>
          <Field
            label="Access token"
            hint={
              <>
                <code className="font-sans font-medium text-ink-soft">openlake console</code> on the
                server opens this page signed in;{" "}
                <code className="font-sans font-medium text-ink-soft">openlake tokens create</code>{" "}
                makes a token.
              </>
            }
          >
            {(control) => (
              <Input
                {...control}
                type="password"
                name="token"
                autoFocus
                required
                value={token}
                onChange={(event) => setToken(event.target.value)}
              />
            )}
          </Field>
          <ErrorNote error={signIn.error} />
          <Button type="submit" kind="primary" busy={signIn.isPending} disabled={!token.trim()}>
            {!signIn.isPending && <LogIn aria-hidden />}
            Sign in
          </Button>
        </form>
      </div>
    </main>
  );
}
