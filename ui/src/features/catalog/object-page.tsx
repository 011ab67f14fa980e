import { getRouteApi } from "@tanstack/react-router";
import { SchemaPage } from "./schema-page";
import { TablePage } from "./table-page";
import { VolumePage } from "./volume-page";

const route = getRouteApi("/_shell/catalog/$fullName");

/** The page of a schema, table or volume, by how its name looks. */
export function ObjectPage() {
  const { fullName } = route.useParams();
  const { volume } = route.useSearch();
  if (volume) return <VolumePage key={fullName} fullName={fullName} />;
  if (fullName.split(".").length < 3) return <SchemaPage key={fullName} fullName={fullName} />;
  return <TablePage key={fullName} fullName={fullName} />;
}
