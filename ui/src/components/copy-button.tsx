import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton } from "./button";

interface CopyButtonProps {
  /** What is copied; a function is asked when it is wanted. */
  text: string | (() => string);
  label?: string;
}

/** Copies a text, and says so. */
export function CopyButton({ text, label = "Copy" }: CopyButtonProps) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <IconButton
      label={done ? "Copied" : label}
      onClick={() =>
        void navigator.clipboard
          .writeText(typeof text === "string" ? text : text())
          .then(() => setDone(true))
      }
    >
      {done ? <Check className="text-good" /> : <Copy />}
    </IconButton>
  );
}
