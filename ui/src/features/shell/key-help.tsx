import { Dialog } from "@/components/overlay";
import { ALL_PLACES } from "./places";

const KEYS: [string, string][] = [
  ["Ctrl K", "Search, or go to any page"],
  ["/", "Search on this page"],
  ["j k", "Next and previous row"],
  ["Enter", "Open the row"],
  ["[ ]", "Earlier and later run"],
  ["r", "Repair a run"],
  ["Ctrl Enter", "Run the SQL, or what is selected of it"],
  ["?", "This list"],
];

/** The keys that do something. */
export function KeyHelp({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const jumps: [string, string][] = ALL_PLACES.flatMap((place) =>
    place.key ? [[`g ${place.key}`, place.name]] : [],
  );
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Keys">
      <dl className="grid grid-cols-[7rem_1fr] gap-y-2 text-sm">
        {[...KEYS, ...jumps].map(([keys, what]) => (
          <div key={keys} className="contents">
            <dt>
              <kbd className="rounded border border-line-strong bg-sunken px-1.5 py-0.5 font-mono text-xs">
                {keys}
              </kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
