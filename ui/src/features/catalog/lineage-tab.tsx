import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ChartNetwork } from "lucide-react";
import { useState } from "react";
import { columnMapQuery, type Direction, lineageMapQuery } from "@/api/lineage";
import { isNotFound } from "@/api/query-client";
import { buttonClass } from "@/components/button";
import { Select } from "@/components/form";
import { LineageGraph } from "@/components/lineage-map";
import { Panel } from "@/components/panel";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { plural } from "@/lib/numbers";

const route = getRouteApi("/_shell/catalog/$fullName");

/** What the table is made from, and what is made from it. */
export function LineageTab({ name }: { name: string }) {
  const { direction = "both", hops = 2 } = route.useSearch();
  const change = route.useNavigate();
  const navigate = useNavigate();
  const query = useQuery(lineageMapQuery({ root: name, direction, depth: hops, limit: 200 }));
  const [open, setOpen] = useState<string[]>([]);
  const [column, setColumn] = useState<string>();
  const tables = (query.data?.nodes ?? []).filter((node) => node.kind === "table");
  const columns = useQuery({
    ...columnMapQuery(tables.map((node) => node.full_name)),
    enabled: open.length > 0,
  });
  const own = `table:${name}`;
  if (query.isPending) return <Skeleton />;
  if (query.error && !isNotFound(query.error))
    return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (!query.data || query.data.edges.length === 0)
    return (
      <Panel>
        <EmptyState icon={ChartNetwork} title="No job is known to have read or written it">
          Lineage comes by itself when a task of a job reads or writes the table. What people do by
          SQL or with a client of their own is not part of it.
        </EmptyState>
      </Panel>
    );
  return (
    <Panel
      flush
      title="Made from, and used by"
      actions={
        <>
          <Select
            label="Which way"
            className="w-44"
            value={direction}
            onChange={(value) =>
              void change({ search: (before) => ({ ...before, direction: value as Direction }) })
            }
            options={[
              { value: "both", label: "Up and down" },
              { value: "up", label: "Only upstream" },
              { value: "down", label: "Only downstream" },
            ]}
          />
          <Select
            label="How far"
            className="w-28"
            value={String(hops)}
            onChange={(value) =>
              void change({ search: (before) => ({ ...before, hops: Number(value) }) })
            }
            options={["1", "2", "3", "5", "10"].map((value) => ({
              value,
              label: plural(Number(value), "job"),
            }))}
          />
          <Link to="/lineage" search={{ around: own, node: own }} className={buttonClass()}>
            <ChartNetwork aria-hidden />
            Open in lineage
          </Link>
        </>
      }
    >
      <LineageGraph
        label={`Lineage of ${name}`}
        map={query.data}
        selected={own}
        open={open}
        onOpen={(ids, show) => {
          setOpen((before) => {
            const rest = before.filter((each) => !ids.includes(each));
            return show ? [...rest, ...ids] : [];
          });
          setColumn(undefined);
        }}
        columns={open.length > 0 ? columns.data : undefined}
        column={column}
        onColumn={(key) => setColumn((before) => (before === key ? undefined : key))}
        onSelect={(id) => {
          const node = query.data?.nodes.find((each) => each.id === id);
          if (node?.kind === "table" && id !== own)
            void navigate({
              to: "/catalog/$fullName",
              params: { fullName: node.full_name },
              search: { tab: "lineage" },
            });
          if (node?.kind === "job" && node.job_id)
            void navigate({ to: "/jobs/$jobId", params: { jobId: String(node.job_id) } });
        }}
        className="h-[60vh]"
      />
    </Panel>
  );
}
