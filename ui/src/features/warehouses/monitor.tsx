import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { warehouseHistoryQuery } from "@/api/statements";
import type { Warehouse } from "@/api/warehouses";
import { Chart } from "@/components/chart";
import { Dialog } from "@/components/overlay";
import { Facts } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";
import { plural } from "@/lib/numbers";
import { formatDuration, formatInstant } from "@/lib/time";
import { loadOf } from "./load";

const DAY_MS = 24 * 3_600_000;

/** What a warehouse has been asked in the last day. */
export function Monitor({ warehouse, onClose }: { warehouse: Warehouse; onClose: () => void }) {
  const [until] = useState(() => Date.now());
  const since = until - DAY_MS;
  const history = useQuery(warehouseHistoryQuery(warehouse.id, since));
  return (
    <Dialog open wide onOpenChange={onClose} title={warehouse.name} lead="The last 24 hours">
      <QueryView query={history}>
        {({ res = [], has_next_page }) =>
          res.length === 0 ? (
            <EmptyState title="Nobody has asked it anything">
              Statements of the last day are counted here.
            </EmptyState>
          ) : (
            <div className="flex flex-col gap-4">
              <StatementChart items={res} since={since} until={until} />
              <Facts
                items={[
                  [
                    "Statements",
                    <span key="count">
                      {has_next_page ? "The last " : ""}
                      {plural(res.length, "statement")},{" "}
                      {plural(res.filter((each) => each.status === "FAILED").length, "failure")}.{" "}
                      <Link
                        to="/sql/history"
                        search={{ warehouse: warehouse.id }}
                        className="text-accent underline"
                      >
                        See them
                      </Link>
                    </span>,
                  ],
                  ["Half took less than", formatDuration(loadOf(res, since, until).median)],
                  ["One in twenty more than", formatDuration(loadOf(res, since, until).slow)],
                ]}
              />
            </div>
          )
        }
      </QueryView>
    </Dialog>
  );
}

interface ChartProps {
  items: Parameters<typeof loadOf>[0];
  since: number;
  until: number;
}

function StatementChart({ items, since, until }: ChartProps) {
  const option = useMemo(() => {
    const load = loadOf(items, since, until);
    const style = getComputedStyle(document.documentElement);
    const fill = (name: string) => style.getPropertyValue(`--${name}-fill`).trim();
    const series = (name: string, data: number[], tone: string) => ({
      name,
      type: "bar",
      stack: "all",
      data,
      itemStyle: { color: fill(tone) },
    });
    return {
      grid: { left: 8, right: 8, top: 16, bottom: 4, containLabel: true },
      xAxis: {
        type: "category",
        data: load.starts.map((start) => formatInstant(start, until)),
        axisLabel: { hideOverlap: true },
        splitLine: { show: false },
      },
      yAxis: { type: "value", minInterval: 1 },
      series: [
        series("Succeeded, cancelled or open", load.succeeded, "live"),
        series("Failed", load.failed, "bad"),
      ],
    };
  }, [items, since, until]);
  return <Chart option={option} label="Statements in the last 24 hours" className="h-52" />;
}
