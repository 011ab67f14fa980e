import { createContext, type ReactNode, useContext, useMemo, useRef, useState } from "react";
import { toast } from "sonner";
import type { JobSettings } from "@/lib/job-settings";
import { type Edit, editYaml, type Path, readYaml } from "./yaml-edit";

/** The job that is being edited: one text, which the form and the editor both change. */
export interface JobDraft {
  text: string;
  setText: (text: string) => void;
  /** What the text says; while it cannot be read, what it said before. */
  settings: JobSettings;
  /** False while the text is no YAML: the form waits then. */
  readable: boolean;
  /** Change places of the settings, in the text. */
  edit: (...edits: Edit[]) => void;
}

const DraftContext = createContext<JobDraft | null>(null);

/** The draft that the form's fields are about. */
export function useDraft(): JobDraft {
  const draft = useContext(DraftContext);
  if (!draft) throw new Error("this field belongs inside a DraftProvider");
  return draft;
}

export function DraftProvider({ draft, children }: { draft: JobDraft; children: ReactNode }) {
  return <DraftContext value={draft}>{children}</DraftContext>;
}

/** Keep a job's text, and what it says. */
export function useJobDraft(initial: string): JobDraft {
  const [text, setText] = useState(initial);
  const latest = useRef(text);
  const said = useRef<JobSettings>({});
  return useMemo(() => {
    const found = readYaml(text);
    if (found) said.current = found;
    latest.current = text;
    const change = (next: string) => {
      latest.current = next;
      setText(next);
    };
    return {
      text,
      setText: change,
      settings: said.current,
      readable: found !== null,
      edit: (...edits: Edit[]) => {
        try {
          change(editYaml(latest.current, ...edits));
        } catch (error) {
          toast.error((error as Error).message);
        }
      },
    };
  }, [text]);
}

/** What stands at a place of the settings; undefined where there is nothing. */
export function valueAt(settings: unknown, path: Path): unknown {
  let value = settings;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value ?? undefined;
}
