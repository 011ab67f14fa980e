import { useSession } from "@/api/sessions";
import { Page } from "@/components/page";
import { Tabs } from "@/components/tabs";
import { Groups } from "./groups";
import { Objects } from "./objects";
import { People } from "./people";

export type PermissionsTab = "people" | "groups" | "objects";

export interface PermissionsSearch {
  tab?: PermissionsTab;
  /** The object whose permissions are shown, as the permissions API names it: `jobs`, `1`. */
  type?: string;
  id?: string;
}

interface PermissionsPageProps {
  search: PermissionsSearch;
  onSearch: (search: PermissionsSearch) => void;
}

const TABS: { value: PermissionsTab; label: string }[] = [
  { value: "people", label: "People" },
  { value: "groups", label: "Groups" },
  { value: "objects", label: "Objects" },
];

/** Who belongs to the workspace, and who may do what with its objects. */
export function PermissionsPage({ search, onSearch }: PermissionsPageProps) {
  const { workspace_name } = useSession();
  const tab = search.tab ?? (search.type ? "objects" : "people");
  return (
    <Page
      title="Permissions"
      lead={`Who belongs to ${workspace_name}, and who may do what with its objects.`}
    >
      <Tabs
        value={tab}
        onChange={(next) => onSearch({ tab: next })}
        tabs={TABS}
        label="Permissions"
      >
        {tab === "people" && <People />}
        {tab === "groups" && <Groups />}
        {tab === "objects" && <Objects search={search} onSearch={onSearch} />}
      </Tabs>
    </Page>
  );
}
