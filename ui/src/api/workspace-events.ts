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
 * Queries whose key begins with `["runs"]` or `["jobs"]` are asked again when a run changes;
 * changes that come in a burst make one round.
 */
export function useWorkspaceEvents(): void {
  const cache = useQueryClient();
  const waiting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  function refresh(): void {
    waiting.current ??= setTimeout(() => {
      waiting.current = undefined;
      void cache.invalidateQueries({ queryKey: ["runs"] });
      void cache.invalidateQueries({ queryKey: ["jobs"] });
    }, BREATH_MS);
  }
  useEvents("/api/openlake/1.0/events", { run: refresh });
}
