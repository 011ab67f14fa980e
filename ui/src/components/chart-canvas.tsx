import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  TooltipComponent,
} from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { cx } from "@/lib/cx";
import { useDark } from "@/lib/theme";

use([
  BarChart,
  LineChart,
  ScatterChart,
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  TooltipComponent,
  CanvasRenderer,
]);

export type EChartsOption = EChartsCoreOption;

interface CanvasProps {
  option: EChartsOption;
  label: string;
  className?: string;
  onClick?: (dataIndex: number, seriesIndex: number) => void;
}

/** See `Chart`; this is the part that is loaded late. */
export default function ChartCanvas({ option, label, className, onClick }: CanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const click = useRef(onClick);
  click.current = onClick;
  const dark = useDark();
  useEffect(() => {
    if (!box.current) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const chart = init(box.current);
    chart.setOption({
      darkMode: dark,
      animationDuration: 250,
      aria: { enabled: true, label: { description: label } },
      color: ["accent", "live-fill", "good-fill", "warn-fill", "bad-fill", "calm-fill"].map(colour),
      textStyle: { fontFamily: "Inter Variable, sans-serif", color: colour("ink-soft") },
      grid: { left: 8, right: 16, top: 24, bottom: 8, containLabel: true },
      tooltip: {
        trigger: "axis",
        backgroundColor: colour("raised"),
        borderColor: colour("line-strong"),
        textStyle: { color: colour("ink"), fontSize: 12 },
      },
      ...themed(option, colour("line"), colour("ink-faint")),
    });
    chart.on("click", (event) => click.current?.(event.dataIndex, event.seriesIndex ?? 0));
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [option, label, dark]);
  return <div ref={box} role="img" aria-label={label} className={cx("h-64 w-full", className)} />;
}

function labelOf(axis: object): object {
  return "axisLabel" in axis && typeof axis.axisLabel === "object" ? (axis.axisLabel ?? {}) : {};
}

/** Axes in the console's colours, unless the option says otherwise. */
function themed(option: EChartsOption, line: string, text: string): EChartsOption {
  const axis = {
    axisLine: { lineStyle: { color: line } },
    axisTick: { show: false },
    axisLabel: { color: text, fontSize: 11 },
    splitLine: { lineStyle: { color: line } },
  };
  const dress = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(dress)
      : value && typeof value === "object"
        ? { ...axis, ...value, axisLabel: { ...axis.axisLabel, ...labelOf(value) } }
        : value;
  return { ...option, xAxis: dress(option.xAxis), yAxis: dress(option.yAxis) };
}
