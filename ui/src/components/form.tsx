import { Check, ChevronDown, Search, X } from "lucide-react";
import { Checkbox as RadixCheckbox, Select as RadixSelect, Switch as RadixSwitch } from "radix-ui";
import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "@/lib/cx";

const BOX =
  "w-full rounded-md border border-line-strong bg-surface px-2.5 text-sm text-ink placeholder:text-ink-faint disabled:opacity-60 aria-invalid:border-bad";

interface FieldProps {
  label: ReactNode;
  /** What is to be written here, when the label does not say it all. */
  hint?: ReactNode;
  error?: ReactNode;
  /** Gives the control the id that the label points at and what describes it. */
  children: (control: {
    id: string;
    "aria-describedby"?: string;
    "aria-invalid"?: true;
  }) => ReactNode;
  className?: string;
}

/** A control with its label, hint and error. */
export function Field({ label, hint, error, children, className }: FieldProps) {
  const id = useId();
  const told = error || hint ? `${id}-told` : undefined;
  return (
    <div className={cx("flex min-w-0 flex-col gap-1", className)}>
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children({ id, "aria-describedby": told, ...(error ? { "aria-invalid": true } : {}) })}
      {told && (
        <p id={told} className={cx("text-xs", error ? "text-bad" : "text-ink-faint")}>
          {error || hint}
        </p>
      )}
    </div>
  );
}

export function Input({ className, ...props }: ComponentProps<"input">) {
  return (
    <input
      autoComplete="off"
      spellCheck={false}
      {...props}
      className={cx(BOX, "h-8.5", className)}
    />
  );
}

export function Textarea({ className, ...props }: ComponentProps<"textarea">) {
  return (
    <textarea spellCheck={false} {...props} className={cx(BOX, "min-h-20 py-1.5", className)} />
  );
}

interface SearchBoxProps extends Omit<ComponentProps<"input">, "onChange" | "value"> {
  value: string;
  onChange: (value: string) => void;
  /** What is searched; also its accessible name. */
  label: string;
}

/** A search field; `/` puts the cursor into it (the shell looks for `data-search`). */
export function SearchBox({ value, onChange, label, className, ...props }: SearchBoxProps) {
  return (
    <div className={cx("relative w-64", className)}>
      <Search
        aria-hidden
        className="pointer-events-none absolute top-2.5 left-2.5 size-3.5 text-ink-faint"
      />
      <Input
        type="search"
        data-search
        aria-label={label}
        placeholder={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
        {...props}
        className="pl-8 [&::-webkit-search-cancel-button]:hidden"
      />
      {value && (
        <button
          type="button"
          aria-label="Clear the search"
          className="absolute top-[3px] right-1 flex size-[24px] items-center justify-center rounded text-ink-faint hover:text-ink"
          onClick={() => onChange("")}
        >
          <X aria-hidden className="size-3.5" />
        </button>
      )}
    </div>
  );
}

export interface Option {
  value: string;
  label: ReactNode;
  hint?: ReactNode;
}

interface SelectProps {
  id?: string;
  value: string | undefined;
  onChange: (value: string) => void;
  options: Option[];
  placeholder?: string;
  /** Its name when no label points at it. */
  label?: string;
  disabled?: boolean;
  className?: string;
}

/** Choose one of a few. For many, or for what must be searched, use a `Combobox`. */
export function Select({
  id,
  value,
  onChange,
  options,
  placeholder,
  label,
  disabled,
  className,
}: SelectProps) {
  return (
    <RadixSelect.Root value={value ?? ""} onValueChange={onChange} disabled={disabled}>
      <RadixSelect.Trigger
        id={id}
        aria-label={label}
        className={cx(
          BOX,
          "inline-flex h-8.5 items-center justify-between gap-2 data-[placeholder]:text-ink-faint",
          className,
        )}
      >
        <span className="min-w-0 truncate">
          <RadixSelect.Value placeholder={placeholder} />
        </span>
        <ChevronDown aria-hidden className="size-4 shrink-0 text-ink-faint" />
      </RadixSelect.Trigger>
      <RadixSelect.Portal>
        <RadixSelect.Content
          position="popper"
          sideOffset={4}
          className="z-50 max-h-80 min-w-[var(--radix-select-trigger-width)] overflow-hidden rounded-md border border-line-strong bg-raised shadow-lg"
        >
          <RadixSelect.Viewport className="p-1">
            {options.map((option) => (
              <RadixSelect.Item
                key={option.value}
                value={option.value}
                className="flex items-center gap-2 rounded px-2 py-1.5 text-sm outline-none data-[highlighted]:bg-accent-soft"
              >
                <span className="min-w-0 flex-1">
                  <RadixSelect.ItemText>{option.label}</RadixSelect.ItemText>
                  {option.hint && (
                    <span className="block text-xs text-ink-faint">{option.hint}</span>
                  )}
                </span>
                <RadixSelect.ItemIndicator>
                  <Check aria-hidden className="size-4 text-accent" />
                </RadixSelect.ItemIndicator>
              </RadixSelect.Item>
            ))}
          </RadixSelect.Viewport>
        </RadixSelect.Content>
      </RadixSelect.Portal>
    </RadixSelect.Root>
  );
}

interface ToggleProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
  label: ReactNode;
  disabled?: boolean;
  className?: string;
}

/** On or off, at once. */
export function Switch({ checked, onChange, label, disabled, className }: ToggleProps) {
  const id = useId();
  return (
    <span className={cx("inline-flex items-center gap-2 text-sm", className)}>
      <RadixSwitch.Root
        id={id}
        checked={checked}
        onCheckedChange={onChange}
        disabled={disabled}
        className="h-4.5 w-8 shrink-0 rounded-full bg-calm-fill transition-colors data-[state=checked]:bg-accent disabled:opacity-50"
      >
        <RadixSwitch.Thumb className="block size-3.5 translate-x-0.5 rounded-full bg-white shadow transition-transform data-[state=checked]:translate-x-4" />
      </RadixSwitch.Root>
      <label htmlFor={id}>{label}</label>
    </span>
  );
}

/** Yes or no, one of several. */
export function Checkbox({ checked, onChange, label, disabled, className }: ToggleProps) {
  const id = useId();
  return (
    <span className={cx("inline-flex items-center gap-2 text-sm", className)}>
      <RadixCheckbox.Root
        id={id}
        checked={checked}
        onCheckedChange={(value) => onChange(value === true)}
        disabled={disabled}
        className="flex size-4 shrink-0 items-center justify-center rounded border border-line-strong bg-surface data-[state=checked]:border-accent data-[state=checked]:bg-accent data-[state=checked]:text-accent-ink disabled:opacity-50"
      >
        <RadixCheckbox.Indicator>
          <Check aria-hidden className="size-3" strokeWidth={3} />
        </RadixCheckbox.Indicator>
      </RadixCheckbox.Root>
      <label htmlFor={id} className="min-w-0">
        {label}
      </label>
    </span>
  );
}
