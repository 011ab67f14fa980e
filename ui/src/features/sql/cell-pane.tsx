import { X } from "lucide-react";
import { IconButton } from "@/components/button";
import { CopyButton } from "@/components/copy-button";
import {
  type Cell,
  cellBlock,
  cellLine,
  instantHint,
  kindOf,
  type ResultColumn,
} from "@/lib/cells";
import { formatCount } from "@/lib/numbers";

const MOST_FIELDS = 300;

interface CellPaneProps {
  columns: ResultColumn[];
  row: Cell[] | undefined;
  index: number;
  column: number;
  onColumn: (column: number) => void;
  onClose: () => void;
}

/** One cell whole, and the rest of its row; follows the grid's active cell. */
export function CellPane({ columns, row, index, column, onColumn, onClose }: CellPaneProps) {
  const shown = columns[column];
  const cell = row?.[column];
  if (!shown) return null;
  const kind = kindOf(shown);
  return (
    <aside
      aria-label="Cell"
      className="flex w-80 shrink-0 flex-col border-l border-line bg-surface"
    >
      <header className="flex items-center gap-1 border-b border-line py-1 pr-1.5 pl-3">
        <div className="min-w-0 flex-1">
          <h3 className="truncate text-sm font-semibold">{shown.name}</h3>
          <p className="truncate text-xs text-ink-faint lowercase">
            {shown.type_text} · row {formatCount(index + 1)}
          </p>
        </div>
        {cell != null && <CopyButton text={cell} label="Copy the value" />}
        <IconButton label="Close the cell" onClick={onClose}>
          <X />
        </IconButton>
      </header>
      <section tabIndex={0} aria-label="Value" className="max-h-1/2 shrink-0 overflow-auto p-3">
        {cell == null ? (
          <span className="text-ink-faint italic">{row ? "null" : "Loading…"}</span>
        ) : (
          <pre className="font-mono text-xs break-words whitespace-pre-wrap select-text">
            {cellBlock(cell, kind)}
          </pre>
        )}
        {cell && instantHint(cell, kind) && (
          <p className="mt-2 text-xs whitespace-pre-line text-ink-faint">
            {instantHint(cell, kind)}
          </p>
        )}
      </section>
      <ul
        aria-label="The rest of the row"
        className="min-h-0 flex-1 overflow-y-auto border-t border-line py-1"
      >
        {columns.slice(0, MOST_FIELDS).map((each, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place; names may be twice
          <li key={place}>
            <button
              type="button"
              aria-current={place === column || undefined}
              onClick={() => onColumn(place)}
              className="flex w-full gap-2 px-3 py-1.5 text-left text-xs hover:bg-sunken aria-[current]:bg-accent-soft"
            >
              <span className="w-28 shrink-0 truncate text-ink-faint">{each.name}</span>
              <span className="min-w-0 flex-1 truncate">
                {row?.[place] == null ? "null" : cellLine(row[place], kindOf(each))}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </aside>
  );
}
