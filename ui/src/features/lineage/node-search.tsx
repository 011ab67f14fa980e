import { Command } from "cmdk";
import { Cog, FileText, Search, Table2 } from "lucide-react";
import { useState } from "react";
import type { MapNode } from "@/api/lineage";

const MOST = 12;

/** Find a node of the graph by a part of its name. */
export function NodeSearch({
  nodes,
  onFound,
}: {
  nodes: MapNode[];
  onFound: (id: string) => void;
}) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const found = wanted
    ? nodes.filter((node) => !node.hidden && node.full_name.toLowerCase().includes(wanted))
    : [];
  return (
    <Command
      label="Find a table or job"
      shouldFilter={false}
      className="relative w-72"
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setText("");
      }}
    >
      <Search
        aria-hidden
        className="pointer-events-none absolute top-2.5 left-2.5 size-3.5 text-ink-faint"
      />
      <Command.Input
        data-search
        value={text}
        onValueChange={setText}
        onKeyDown={(event) => event.key === "Escape" && setText("")}
        placeholder="Find a table or job"
        className="h-8.5 w-full rounded-md border border-line-strong bg-surface pr-2.5 pl-8 text-sm placeholder:text-ink-faint"
      />
      <Command.List
        hidden={!wanted}
        className="absolute z-30 mt-1 max-h-96 w-full overflow-y-auto rounded-md border border-line-strong bg-raised p-1 shadow-lg"
      >
        <Command.Empty className="px-2 py-3 text-center text-sm text-ink-soft">
          Nothing on this graph is called so.
        </Command.Empty>
        {found.slice(0, MOST).map((node) => {
          const Icon = node.kind === "job" ? Cog : node.kind === "table" ? Table2 : FileText;
          return (
            <Command.Item
              key={node.id}
              value={node.id}
              onSelect={() => {
                setText("");
                onFound(node.id);
              }}
              className="flex items-center gap-2 rounded px-2 py-1.5 text-sm data-[selected=true]:bg-accent-soft"
            >
              <Icon aria-hidden className="size-4 shrink-0 text-ink-faint" />
              <span className="min-w-0 truncate">{node.full_name}</span>
            </Command.Item>
          );
        })}
      </Command.List>
    </Command>
  );
}
