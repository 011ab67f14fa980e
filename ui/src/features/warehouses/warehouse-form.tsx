import { useState } from "react";
import { useSaveWarehouse, type Warehouse, type WarehouseWish } from "@/api/warehouses";
import { Field, Input, Select } from "@/components/form";
import { FormDialog } from "@/components/form-dialog";

const SIZES = [
  "2X-Small",
  "X-Small",
  "Small",
  "Medium",
  "Large",
  "X-Large",
  "2X-Large",
  "3X-Large",
  "4X-Large",
  "5X-Large",
] as const;

const ENGINES = [
  {
    value: "duckdb",
    label: "DuckDB",
    hint: "Starts in seconds; each statement on one machine.",
  },
  { value: "trino", label: "Trino", hint: "For large joins and many readers." },
];

const DIALECTS = [
  {
    value: "databricks",
    label: "Databricks SQL",
    hint: "Translated to the engine's own SQL.",
  },
  { value: "engine", label: "The engine's own SQL", hint: "Sent as it is written." },
];

interface FormProps {
  /** The one to be changed; nothing for a new one. */
  warehouse?: Warehouse;
  onClose: () => void;
}

/** Make or change a warehouse: what the API takes, and nothing that has no effect. */
export function WarehouseForm({ warehouse, onClose }: FormProps) {
  const save = useSaveWarehouse();
  const [name, setName] = useState(warehouse?.name ?? "");
  const [engine, setEngine] = useState<string>(warehouse?.engine ?? "duckdb");
  const [dialect, setDialect] = useState<string>(warehouse?.dialect ?? "databricks");
  const [size, setSize] = useState<string>(warehouse?.cluster_size ?? "Small");
  const [least, setLeast] = useState(String(warehouse?.min_num_clusters ?? 1));
  const [most, setMost] = useState(String(warehouse?.max_num_clusters ?? 1));
  const [stop, setStop] = useState(String(warehouse?.auto_stop_mins ?? 120));
  const [catalog, setCatalog] = useState(warehouse?.catalog ?? "");
  const [schema, setSchema] = useState(warehouse?.schema ?? "");

  async function submit(): Promise<void> {
    const wish = {
      ...(name.trim() === warehouse?.name ? {} : { name: name.trim() }),
      cluster_size: size,
      min_num_clusters: Number(least),
      max_num_clusters: Number(most),
      auto_stop_mins: Number(stop),
      dialect,
      ...(warehouse ? {} : { engine }),
      ...(catalog.trim() ? { catalog: catalog.trim() } : {}),
      ...(schema.trim() ? { schema: schema.trim() } : {}),
    } as WarehouseWish;
    const saved = await save.mutateAsync({ id: warehouse?.id, wish }).catch(() => null);
    if (saved) onClose();
  }

  return (
    <FormDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={warehouse ? `Edit ${warehouse.name}` : "New warehouse"}
      lead={
        warehouse
          ? "A running warehouse is started anew where the change needs it."
          : "Processes that run SQL; they start with the first statement and stop when nobody asks."
      }
      action={warehouse ? "Save" : "Create warehouse"}
      disabled={!name.trim()}
      busy={save.isPending}
      error={save.error}
      onSubmit={() => void submit()}
    >
      <Field label="Name">
        {(control) => (
          <Input
            {...control}
            autoFocus
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <div className="grid grid-cols-2 items-start gap-4">
        <Field label="Engine" hint={warehouse && "It never changes."}>
          {(control) => (
            <Select
              id={control.id}
              value={engine}
              onChange={setEngine}
              disabled={!!warehouse}
              options={ENGINES}
            />
          )}
        </Field>
        <Field label="Statements are written in">
          {(control) => (
            <Select id={control.id} value={dialect} onChange={setDialect} options={DIALECTS} />
          )}
        </Field>
        <Field label="Size" hint="Memory and threads of each process.">
          {(control) => (
            <Select
              id={control.id}
              value={size}
              onChange={setSize}
              options={SIZES.map((each) => ({ value: each, label: each }))}
            />
          )}
        </Field>
        <Field label="Stops when idle for" hint="Minutes: 10 or more, 0 for never.">
          {(control) => (
            <Input
              {...control}
              type="number"
              min={0}
              value={stop}
              onChange={(event) => setStop(event.target.value)}
            />
          )}
        </Field>
        <Field label="Processes at least">
          {(control) => (
            <Input
              {...control}
              type="number"
              min={1}
              max={30}
              value={least}
              onChange={(event) => setLeast(event.target.value)}
            />
          )}
        </Field>
        <Field label="Processes at most" hint="More start while statements wait.">
          {(control) => (
            <Input
              {...control}
              type="number"
              min={1}
              max={40}
              value={most}
              onChange={(event) => setMost(event.target.value)}
            />
          )}
        </Field>
        <Field label="Catalog" hint="Of names that give none.">
          {(control) => (
            <Input
              {...control}
              value={catalog}
              placeholder="The workspace's"
              onChange={(event) => setCatalog(event.target.value)}
            />
          )}
        </Field>
        <Field label="Schema">
          {(control) => (
            <Input
              {...control}
              value={schema}
              placeholder="default"
              onChange={(event) => setSchema(event.target.value)}
            />
          )}
        </Field>
      </div>
    </FormDialog>
  );
}
