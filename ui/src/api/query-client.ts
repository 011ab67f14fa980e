import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { toast } from "sonner";
import { ApiError, OfflineError } from "./client";
import { reportAnswer, reportSilence } from "./connection";

const TRIES_OFFLINE_MS = 2000;

/** One cache of what the server said. Only a silent server is asked again by itself. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => (error instanceof OfflineError ? reportSilence() : reportAnswer()),
    onSuccess: reportAnswer,
  }),
  mutationCache: new MutationCache({
    // A form that shows its error itself says so with `meta: { quiet: true }`.
    onError: (error, _variables, _result, mutation) => {
      if (!mutation.meta?.quiet) toast.error(error.message);
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      retry: (_count, error) => {
        if (error instanceof OfflineError) reportSilence();
        return error instanceof OfflineError;
      },
      retryDelay: TRIES_OFFLINE_MS,
      throwOnError: false,
    },
  },
});

/** True when there is no such object, or it is another workspace's. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
