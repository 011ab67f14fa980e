import { lazy, Suspense } from "react";
import { Skeleton } from "./states";
import type { TextDiffProps } from "./text-diff-view";

const View = lazy(() => import("./text-diff-view"));

/** Two texts beside each other, with what differs marked; loaded when first shown. */
export function TextDiff(props: TextDiffProps) {
  return (
    <Suspense fallback={<Skeleton lines={6} className={props.className} />}>
      <View {...props} />
    </Suspense>
  );
}
