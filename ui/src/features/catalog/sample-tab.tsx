import { useQuery } from "@tanstack/react-query";
import { Rows3 } from "lucide-react";
import { useState } from "react";
import { sampleQuery } from "@/api/catalog";
import { DataTable } from "@/components/data-table";
import { Select } from "@/components/form";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";
import { plural } from "@/lib/numbers";
import { rowColumn } from "./row-column";

type Row = { key: string; cells: (string | null)[] };

/** Some rows, as they are now. */
export function SampleTab({ name }: { name: string }) {
  const [limit, setLimit] = useState("100");
  const query = useQuery(sampleQuery(name, Number(limit)));
  return (
    <QueryView query={query}>
      {(sample) => (
        <Panel
          flush
          title={
            <>
              {plural(sample.rows?.length ?? 0, "row")}
              {sample.cut && (
                <span className="ml-2 font-normal text-ink-faint">There are more</span>
              )}
            </>
          }
          actions={
            <Select
              label="How many rows"
              className="w-32"
              value={limit}
              onChange={setLimit}
              options={["20", "100", "500", "1000"].map((value) => ({
                value,
                label: `${value} rows`,
              }))}
            />
          }
        >
          {!sample.deletes_applied && (
            <p className="border-b border-line bg-warn-soft px-4 py-2 text-sm text-warn">
              The table has so many deletes that some rows here may be deleted ones. Query it in SQL
              for the exact ones.
            </p>
          )}
          <DataTable
            label="Sample rows"
            rows={(sample.rows ?? []).map((cells, at): Row => ({ key: String(at), cells }))}
            columns={sample.columns.map((column, at) => rowColumn<Row>(column, at))}
            rowKey={(row) => row.key}
            maxHeight="68vh"
            empty={
              <EmptyState icon={Rows3} title="No rows yet">
                The table is there, but nothing has been written into it.
              </EmptyState>
            }
          />
        </Panel>
      )}
    </QueryView>
  );
}
