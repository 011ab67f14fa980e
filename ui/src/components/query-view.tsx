import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorState, Skeleton } from "./states";

interface QueryViewProps<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  /** Shown until the first answer; grey bars when not given. */
  loading?: ReactNode;
}

/** Shows what a query found; until then that it is loading, or what went wrong. Old data stays when renewing it fails: the banner tells. */
export function QueryView<T>({ query, children, loading }: QueryViewProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return loading ?? <Skeleton />;
}
