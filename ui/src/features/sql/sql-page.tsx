import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { savedQueryQuery } from "@/api/queries";
import { QueryView } from "@/components/query-view";
import { Skeleton } from "@/components/states";
import { readChoice } from "./chart-choice";
import { openDraft, readDrafts, updateDraft, useDrafts } from "./drafts";
import { fromSaved } from "./parameters";
import { Workbench, type WorkbenchSearch } from "./workbench";

interface DraftPageProps {
  /** Of which tab; the last one when it is not said, a new one when there is none. */
  draftId?: string;
  /** A text to begin a new tab with. */
  text?: string;
  search: WorkbenchSearch;
  onSearch: (part: WorkbenchSearch) => void;
  onDraft: (id: string) => void;
  /** The tab is of a saved query, which has a page of its own. */
  onSaved: (queryId: string) => void;
}

/** The editor on a text that is not saved. */
export function DraftPage(props: DraftPageProps) {
  const { draftId, text, search, onSearch, onDraft, onSaved } = props;
  const { drafts } = useDrafts();
  const draft = drafts.find((each) => each.id === draftId);
  useEffect(() => {
    if (draft?.queryId) onSaved(draft.queryId);
    if (draft) return;
    if (text !== undefined) {
      onDraft(openDraft({ text }).id);
      return;
    }
    const { drafts: all, active } = readDrafts();
    const own = all.filter((each) => !each.queryId);
    onDraft((own.find((each) => each.id === active) ?? own.at(-1) ?? openDraft()).id);
  }, [draft, text, onDraft, onSaved]);
  if (!draft) return <Skeleton className="m-6" />;
  return <Workbench key={draft.id} draft={draft} search={search} onSearch={onSearch} />;
}

interface SavedPageProps {
  queryId: string;
  /** The chart that a shared link carries. */
  chart?: string;
  search: WorkbenchSearch;
  onSearch: (part: WorkbenchSearch) => void;
}

/** The editor on a saved query. */
export function SavedQueryPage({ queryId, chart, search, onSearch }: SavedPageProps) {
  const query = useQuery(savedQueryQuery(queryId));
  const { drafts } = useDrafts();
  const draft = drafts.find((each) => each.queryId === queryId);
  const saved = query.data;
  useEffect(() => {
    if (!saved) return;
    const title = saved.display_name;
    const known = readDrafts().drafts.find((each) => each.queryId === saved.id);
    const shared = readChoice(chart);
    if (!known)
      openDraft({
        queryId: saved.id,
        title,
        text: saved.query_text,
        savedText: saved.query_text,
        warehouseId: saved.warehouse_id || undefined,
        catalog: saved.catalog ?? undefined,
        schema: saved.schema ?? undefined,
        parameters: fromSaved(saved.parameters),
        ...(shared ? { chart: shared } : {}),
      });
    else if (known.savedText !== saved.query_text || known.title !== title)
      // Somebody has saved it elsewhere; what is being written here is not lost.
      updateDraft(known.id, {
        title,
        savedText: saved.query_text,
        ...(known.text === known.savedText ? { text: saved.query_text } : {}),
      });
  }, [saved, chart]);
  return (
    <QueryView query={query} loading={<Skeleton className="m-6" />}>
      {(found) =>
        draft ? (
          <Workbench
            key={draft.id}
            draft={draft}
            query={found}
            search={search}
            onSearch={onSearch}
          />
        ) : (
          <Skeleton className="m-6" />
        )
      }
    </QueryView>
  );
}
