import { useQuery } from "@tanstack/react-query";
import { type Warehouse, warehousesQuery } from "@/api/warehouses";
import { Select } from "@/components/form";
import { cx } from "@/lib/cx";
import { TONE_FILL, type Tone } from "@/lib/states";

const LOOKS: Record<string, [Tone, string]> = {
  RUNNING: ["good", "running"],
  STARTING: ["live", "starting"],
  STOPPING: ["warn", "stopping"],
  STOPPED: ["calm", "stopped"],
  DELETING: ["calm", "being deleted"],
  DELETED: ["calm", "deleted"],
};

/** A warehouse's state in a word, with its tone. */
function lookOf(state: string): [Tone, string] {
  return LOOKS[state] ?? ["calm", state.toLowerCase()];
}

interface PickerProps {
  value: string | undefined;
  onChange: (id: string) => void;
}

/** Where statements run, with how that warehouse is now. */
export function WarehousePicker({ value, onChange }: PickerProps) {
  const { data = [] } = useQuery(warehousesQuery);
  return (
    <Select
      label="Warehouse"
      className="h-8 w-56"
      value={value}
      onChange={onChange}
      placeholder="Choose a warehouse"
      options={data.map((warehouse) => ({
        value: warehouse.id,
        label: <Choice warehouse={warehouse} />,
      }))}
    />
  );
}

function Choice({ warehouse }: { warehouse: Warehouse }) {
  const [tone, word] = lookOf(warehouse.state);
  return (
    <span className="inline-flex max-w-full items-center gap-2">
      <span
        aria-hidden
        className={cx(
          "size-2 shrink-0 rounded-full",
          TONE_FILL[tone],
          tone === "live" && "animate-pulse",
        )}
      />
      <span className="truncate">{warehouse.name}</span>
      <span className="shrink-0 text-xs text-ink-faint">{word}</span>
    </span>
  );
}

/** What a statement waits for that no worker has taken up yet. */
export function waitingWords(warehouse: Warehouse | undefined): string {
  if (!warehouse || warehouse.state === "RUNNING") return "Waiting for the warehouse";
  return `Starting the warehouse ${warehouse.name}; this takes some seconds`;
}
