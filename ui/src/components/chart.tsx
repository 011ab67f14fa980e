import { lazy, Suspense } from "react";
import type { EChartsOption } from "./chart-canvas";
import { Skeleton } from "./states";

const Canvas = lazy(() => import("./chart-canvas"));

interface ChartProps {
  /** ECharts' own option; colours and fonts are the console's. */
  option: EChartsOption;
  /** What it shows, in words. */
  label: string;
  className?: string;
  onClick?: (dataIndex: number, seriesIndex: number) => void;
}

/** A chart, loaded when first shown. */
export function Chart(props: ChartProps) {
  return (
    <Suspense fallback={<Skeleton lines={4} className={props.className} />}>
      <Canvas {...props} />
    </Suspense>
  );
}
