import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { LayoutList, Moon, Plus, Sun } from "lucide-react";
import { Dialog as RadixDialog } from "radix-ui";
import { useState } from "react";
import { jobChoicesQuery } from "@/api/job-overviews";
import { setDark, useDark } from "@/lib/theme";
import { useDebounced } from "@/lib/use-debounced";
import { ALL_PLACES } from "./places";

interface PaletteProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

const ITEM =
  "flex items-center gap-2.5 rounded-md px-2.5 py-2 text-sm data-[selected=true]:bg-accent-soft [&_svg]:size-4 [&_svg]:text-ink-faint";
const GROUP =
  "[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-ink-faint";

/** Go to any page or job by typing a part of its name. */
export function CommandPalette({ open, onOpenChange }: PaletteProps) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const dark = useDark();
  const jobs = useQuery({ ...jobChoicesQuery(useDebounced(text)), enabled: open });
  function act(what: () => void): void {
    onOpenChange(false);
    setText("");
    what();
  }
  return (
    <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="fixed inset-0 z-40 bg-black/45" />
        <RadixDialog.Content
          aria-describedby={undefined}
          className="fixed top-[14vh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-xl border border-line bg-raised shadow-2xl"
        >
          <RadixDialog.Title className="sr-only">Search or go to</RadixDialog.Title>
          <Command label="Search or go to">
            <Command.Input
              autoFocus
              value={text}
              onValueChange={setText}
              placeholder="A page, a job, an action…"
              className="w-full border-b border-line bg-transparent px-4 py-3 text-base outline-none placeholder:text-ink-faint"
            />
            <Command.List className="max-h-96 overflow-y-auto p-1.5">
              <Command.Empty className="px-3 py-8 text-center text-ink-soft">
                Nothing is called so.
              </Command.Empty>
              {jobs.data && jobs.data.length > 0 && (
                <Command.Group heading="Jobs" className={GROUP}>
                  {jobs.data.map((job) => (
                    <Command.Item
                      key={job.job_id}
                      value={`${job.name} job ${job.job_id}`}
                      className={ITEM}
                      onSelect={() =>
                        act(
                          () =>
                            void navigate({
                              to: "/jobs/$jobId",
                              params: { jobId: String(job.job_id) },
                            }),
                        )
                      }
                    >
                      <LayoutList aria-hidden />
                      {job.name}
                    </Command.Item>
                  ))}
                </Command.Group>
              )}
              <Command.Group heading="Pages" className={GROUP}>
                {ALL_PLACES.map((place) => (
                  <Command.Item
                    key={place.name}
                    value={place.name}
                    className={ITEM}
                    onSelect={() => act(() => void navigate({ to: place.to }))}
                  >
                    <place.icon aria-hidden />
                    <span className="flex-1">{place.name}</span>
                    {place.key && (
                      <kbd className="font-mono text-xs text-ink-faint">g {place.key}</kbd>
                    )}
                  </Command.Item>
                ))}
              </Command.Group>
              <Command.Group heading="Actions" className={GROUP}>
                <Command.Item
                  className={ITEM}
                  onSelect={() => act(() => void navigate({ to: "/jobs/new" }))}
                >
                  <Plus aria-hidden />
                  Create a job
                </Command.Item>
                <Command.Item className={ITEM} onSelect={() => act(() => setDark(!dark))}>
                  {dark ? <Sun aria-hidden /> : <Moon aria-hidden />}
                  {dark ? "Light colours" : "Dark colours"}
                </Command.Item>
              </Command.Group>
            </Command.List>
          </Command>
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}
