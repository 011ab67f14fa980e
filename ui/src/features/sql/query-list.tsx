import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FileText } from "lucide-react";
import { useState } from "react";
import { savedQueriesQuery } from "@/api/queries";
import { SearchBox } from "@/components/form";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";
import { formatRelative } from "@/lib/time";

const MOST = 200;

/** The saved queries; each opens in a tab. */
export function QueryList() {
  const [search, setSearch] = useState("");
  const queries = useQuery(savedQueriesQuery);
  const wanted = search.trim().toLowerCase();
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="p-2">
        <SearchBox
          value={search}
          onChange={setSearch}
          label="Find a saved query"
          className="w-full"
        />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-1.5 pb-3">
        <QueryView query={queries}>
          {(all) => {
            const found = all.filter((each) =>
              [each.display_name, each.owner_user_name, ...each.tags]
                .join("\n")
                .toLowerCase()
                .includes(wanted),
            );
            if (found.length === 0)
              return (
                <EmptyState
                  className="px-3 py-8"
                  icon={FileText}
                  title={wanted ? "Nothing fits" : "No saved queries yet"}
                >
                  {wanted
                    ? "Names, owners and tags are searched."
                    : "Write one and press Save; it then has a link that you can share."}
                </EmptyState>
              );
            return (
              <ul aria-label="Saved queries">
                {found.slice(0, MOST).map((query) => (
                  <li key={query.id}>
                    <Link
                      to="/sql/queries/$queryId"
                      params={{ queryId: query.id }}
                      className="flex flex-col rounded px-2 py-1.5 hover:bg-sunken"
                      activeProps={{ className: "bg-accent-soft" }}
                    >
                      <span className="truncate text-[13px] font-medium">{query.display_name}</span>
                      <span className="flex gap-1.5 truncate text-xs text-ink-faint">
                        <span className="truncate">{query.owner_user_name}</span>
                        <span className="shrink-0">
                          · {formatRelative(Date.parse(query.update_time), Date.now())}
                        </span>
                        {query.tags.map((tag) => (
                          <span key={tag} className="rounded bg-sunken px-1">
                            {tag}
                          </span>
                        ))}
                      </span>
                    </Link>
                  </li>
                ))}
              </ul>
            );
          }}
        </QueryView>
      </div>
    </div>
  );
}
