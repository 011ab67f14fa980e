import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useEvents } from "./events";

const BREATH_MS = 400;

/** What the server says of a run that has changed. */
export interface RunChanged {
  run_id: number;
  job_id: number;
  state: string;
}

/**
 * Keep what is shown of runs and jobs fresh, for the whole workspace.
 *
 * Queries whose key begins with `["runs"]` or `["jobs"]` are asked again when a run changes, and
 * those of `["run", run_id]` when that run does; changes that come in a burst make one round.
 */
export function useWorkspaceEvents(): void {
  const cache = useQueryClient();
  const waiting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const changed = useRef(new Set<number>());
  function refresh(text: string): void {
    changed.current.add((JSON.parse(text) as RunChanged).run_id);
    waiting.current ??= setTimeout(() => {
      waiting.current = undefined;
      void cache.invalidateQueries({ queryKey: ["runs"] });
      void cache.invalidateQueries({ queryKey: ["jobs"] });
      for (const runId of changed.current)
        void cache.invalidateQueries({ queryKey: ["run", runId] });
      changed.current.clear();
    }, BREATH_MS);
  }
  const greeted = useRef(false);
  useEvents("/api/openlake/1.0/events", {
    run: refresh,
    // Again: changes may have been missed meanwhile.
    hello: () => {
      if (greeted.current)
        for (const queryKey of [["runs"], ["jobs"], ["run"]])
          void cache.invalidateQueries({ queryKey });
      greeted.current = true;
    },
  });
}
