import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/components/button";
import { Input, SearchBox, Select } from "@/components/form";
import { lookOf } from "@/lib/states";
import { useDebounced } from "@/lib/use-debounced";
import { isFiltered, type JobSearch } from "./job-search";

interface FilterBarProps {
  search: JobSearch;
  /** Changes some of the filters; replaces the place in the browser's history while typing. */
  onChange: (change: Partial<JobSearch>, typing?: boolean) => void;
}

const ANY = "any";
const STATES = ["SUCCESS", "FAILED", "TIMEDOUT", "CANCELED", "RUNNING", "QUEUED"];

/** Which jobs are shown, and in which order. */
export function JobFilterBar({ search, onChange }: FilterBarProps) {
  const [text, setText] = useTyped(search.q, (q) => onChange({ q }, true));
  const [tag, setTag] = useTyped(search.tag, (value) => onChange({ tag: value }, true));
  const [owner, setOwner] = useTyped(search.owner, (value) => onChange({ owner: value }, true));
  return (
    <search className="flex flex-wrap items-center gap-2">
      <SearchBox value={text} onChange={setText} label="Search jobs" />
      <Select
        label="State of the last run"
        className="w-44"
        value={search.state ?? ANY}
        onChange={(state) => onChange({ state: state === ANY ? undefined : state })}
        options={[
          { value: ANY, label: "Any last state" },
          ...STATES.map((state) => ({ value: state, label: lookOf(state).label })),
        ]}
      />
      <Select
        label="Paused or not"
        className="w-36"
        value={search.paused === undefined ? ANY : String(search.paused)}
        onChange={(value) => onChange({ paused: value === ANY ? undefined : value === "true" })}
        options={[
          { value: ANY, label: "Any trigger" },
          { value: "false", label: "Active" },
          { value: "true", label: "Paused" },
        ]}
      />
      <Input
        aria-label="Tag, as key or key:value"
        placeholder="Tag"
        title="A tag's key, or key:value"
        className="w-32"
        value={tag}
        onChange={(event) => setTag(event.target.value)}
      />
      <Input
        aria-label="Owner"
        placeholder="Owner"
        className="w-44"
        value={owner}
        onChange={(event) => setOwner(event.target.value)}
      />
      {isFiltered(search) && (
        <Button
          kind="quiet"
          onClick={() =>
            onChange({
              q: undefined,
              tag: undefined,
              owner: undefined,
              state: undefined,
              paused: undefined,
            })
          }
        >
          <X aria-hidden />
          Clear
        </Button>
      )}
      <Select
        label="Order"
        className="ml-auto w-40"
        value={search.sort ?? "name"}
        onChange={(sort) => onChange({ sort: sort === "name" ? undefined : (sort as never) })}
        options={[
          { value: "name", label: "By name" },
          { value: "-last_run_at", label: "Last run first" },
          { value: "-created_at", label: "Newest first" },
        ]}
      />
    </search>
  );
}

/** A text that is typed here and settles in the address a moment later. */
function useTyped(
  value: string | undefined,
  settle: (value: string | undefined) => void,
): [string, (value: string) => void] {
  const [text, setText] = useState(value ?? "");
  const settled = useDebounced(text, 250);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a text that has settled goes on
  useEffect(() => {
    if ((settled.trim() || undefined) !== value) settle(settled.trim() || undefined);
  }, [settled]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address changed by itself: back, clear, a tag
  useEffect(() => {
    if ((value ?? "") !== settled.trim()) setText(value ?? "");
  }, [value]);
  return [text, setText];
}
