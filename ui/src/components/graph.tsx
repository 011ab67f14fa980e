import { lazy, Suspense } from "react";
import type { GraphProps } from "./graph-view";
import { Skeleton } from "./states";

export type { GraphEdge, GraphNode, GraphProps } from "./graph-view";

const View = lazy(() => import("./graph-view"));

/** A directed graph, laid out from left to right; loaded when first shown. */
export function Graph(props: GraphProps) {
  return (
    <Suspense fallback={<Skeleton lines={5} className={props.className} />}>
      <View {...props} />
    </Suspense>
  );
}
