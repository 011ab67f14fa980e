import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";

/**
 * Change something on the server, and ask anew for what was read of it.
 *
 * Whoever calls shows the error where the change was asked for: no toast tells it.
 *
 * @param stale What the keys of the queries begin with that are out of date afterwards.
 */
export function useChange<T, R>(stale: QueryKey, act: (given: T) => Promise<R>) {
  const cache = useQueryClient();
  return useMutation({
    meta: { quiet: true },
    mutationFn: act,
    onSuccess: () => cache.invalidateQueries({ queryKey: stale }),
  });
}
