import { lazy, Suspense } from "react";
import type { EditorProps } from "./editor-view";
import { Skeleton } from "./states";

const View = lazy(() => import("./editor-view"));

/** A text editor for SQL, YAML, JSON or Python; loaded when first shown. */
export function Editor(props: EditorProps) {
  return (
    <Suspense fallback={<Skeleton lines={5} className={props.className} />}>
      <View {...props} />
    </Suspense>
  );
}
