import { yaml } from "@codemirror/lang-yaml";
import { EditorView } from "@codemirror/view";
import { useMemo } from "react";
import { stringify } from "yaml";
import { Editor } from "@/components/editor";
import { plainTask, withoutDefaults } from "@/lib/job-schema";
import type { JobSettings, TaskSettings } from "@/lib/job-settings";

const READING = [yaml(), EditorView.lineWrapping];

interface YamlViewProps {
  value: JobSettings | TaskSettings;
  /** Whose settings these are. */
  of: "job" | "task";
  label: string;
  className?: string;
}

/** Settings as YAML, to read and copy; fields that are at their defaults are left out. Loaded when first shown. */
export default function YamlView({ value, of, label, className }: YamlViewProps) {
  const text = useMemo(() => {
    const plain =
      of === "job" ? withoutDefaults(value as JobSettings) : plainTask(value as TaskSettings);
    return stringify(plain, { lineWidth: 0 });
  }, [value, of]);
  return <Editor readOnly label={label} value={text} extensions={READING} className={className} />;
}
