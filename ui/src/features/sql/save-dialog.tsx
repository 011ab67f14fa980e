import { useState } from "react";
import { type SavedQuery, useSaveQuery } from "@/api/queries";
import { Field, Input, Textarea } from "@/components/form";
import { FormDialog } from "@/components/form-dialog";
import { parameterNames } from "@/lib/sql-text";
import type { Draft } from "./drafts";
import { toSaved } from "./parameters";

interface SaveDialogProps {
  draft: Draft;
  /** The query as it is saved, when it is to be changed and not a new one made. */
  query?: SavedQuery;
  onClose: () => void;
  onSaved: (query: SavedQuery) => void;
}

/** What a draft is as the content of a saved query. */
export function contentOf(draft: Draft, query?: SavedQuery) {
  return {
    query_text: draft.text,
    warehouse_id: draft.warehouseId ?? "",
    catalog: draft.catalog ?? null,
    schema: draft.schema ?? null,
    parameters: toSaved(parameterNames(draft.text), draft.parameters, query?.parameters ?? []),
  };
}

/** Give a query its name. */
export function SaveDialog({ draft, query, onClose, onSaved }: SaveDialogProps) {
  const save = useSaveQuery();
  const [name, setName] = useState(query?.display_name ?? draft.title);
  const [description, setDescription] = useState(query?.description ?? "");
  const [tags, setTags] = useState(query?.tags.join(", ") ?? "");
  async function submit(): Promise<void> {
    const saved = await save
      .mutateAsync({
        id: query?.id,
        wish: {
          ...contentOf(draft, query),
          display_name: name.trim(),
          description,
          tags: tags
            .split(",")
            .map((tag) => tag.trim())
            .filter(Boolean),
        },
      })
      .catch(() => null);
    if (saved) onSaved(saved);
  }
  return (
    <FormDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={query ? "Rename or describe the query" : "Save the query"}
      lead="A saved query has a link, versions, and alerts."
      action="Save"
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
      <Field label="Description">
        {(control) => (
          <Textarea
            {...control}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
          />
        )}
      </Field>
      <Field label="Tags" hint="Separated by commas.">
        {(control) => (
          <Input {...control} value={tags} onChange={(event) => setTags(event.target.value)} />
        )}
      </Field>
    </FormDialog>
  );
}
