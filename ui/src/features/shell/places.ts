import type { LinkProps } from "@tanstack/react-router";
import {
  Activity,
  ChartNetwork,
  Cpu,
  FileClock,
  KeyRound,
  LayoutList,
  Lock,
  type LucideIcon,
  Settings,
  ShieldCheck,
  SquareTerminal,
  Table2,
  Warehouse,
} from "lucide-react";

export interface Place {
  name: string;
  to: LinkProps["to"];
  icon: LucideIcon;
  /** Pressed after `g`. */
  key?: string;
}

/** The pages of the sidebar, in groups. */
export const PLACES: { group: string; places: Place[] }[] = [
  {
    group: "Workflows",
    places: [
      { name: "Jobs", to: "/jobs", icon: LayoutList, key: "j" },
      { name: "Runs", to: "/runs", icon: Activity, key: "r" },
    ],
  },
  {
    group: "Data",
    places: [
      { name: "SQL", to: "/sql", icon: SquareTerminal, key: "s" },
      { name: "Catalog", to: "/catalog", icon: Table2, key: "c" },
      { name: "Lineage", to: "/lineage", icon: ChartNetwork, key: "l" },
    ],
  },
  {
    group: "Compute",
    places: [
      { name: "Warehouses", to: "/warehouses", icon: Warehouse, key: "w" },
      { name: "Compute profiles", to: "/compute", icon: Cpu },
    ],
  },
  {
    group: "Workspace",
    places: [
      { name: "Secrets", to: "/secrets", icon: Lock },
      { name: "Tokens", to: "/tokens", icon: KeyRound },
      { name: "Permissions", to: "/permissions", icon: ShieldCheck },
      { name: "Audit", to: "/audit", icon: FileClock, key: "a" },
      { name: "Settings", to: "/workspace", icon: Settings },
    ],
  },
];

export const ALL_PLACES: Place[] = PLACES.flatMap((group) => group.places);
