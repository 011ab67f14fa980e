import { yaml } from "@codemirror/lang-yaml";
import { EditorView } from "@codemirror/view";
import { useMemo } from "react";
import { stringify } from "yaml";
import { Editor } from "@/components/editor";
import { plainSettings } from "./plain-settings";

const READING = [yaml(), EditorView.lineWrapping];

interface YamlViewProps {
  /** Settings of a job or a task. */
  value: object;
  label: string;
  className?: string;
}

/** Settings as YAML, to read and copy; fields that are at their defaults are left out. Loaded when first shown. */
export default function YamlView({ value, label, className }: YamlViewProps) {
  const text = useMemo(() => stringify(plainSettings(value), { lineWidth: 0 }), [value]);
  return <Editor readOnly label={label} value={text} extensions={READING} className={className} />;
}
