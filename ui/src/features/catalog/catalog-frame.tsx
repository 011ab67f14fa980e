import { Outlet, useParams } from "@tanstack/react-router";
import { CatalogTree } from "./catalog-tree";

/** The tree, which stays while one goes from table to table, and the page beside it. */
export function CatalogFrame() {
  const { fullName } = useParams({ strict: false });
  return (
    <div className="flex h-full min-h-0">
      <CatalogTree current={fullName} />
      <div className="min-w-0 flex-1 overflow-auto">
        <Outlet />
      </div>
    </div>
  );
}
