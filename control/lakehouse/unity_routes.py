"""`/api/2.1/unity-catalog`: catalogs, schemas and tables as Databricks' clients ask for them.

Their switches for browsing, manifests and omitted fields change nothing: lists never load a table,
so they have no columns or properties, and a single table always has both.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from control.http import CallerArg, DepsArg, compact
from control.lakehouse import changes, sharing, unity
from spec.api.catalog import (
    CatalogInfo,
    CatalogList,
    CreateSchema,
    EffectiveGrantList,
    FunctionList,
    GrantList,
    MetastoreAssignment,
    MetastoreInfo,
    MetastoreList,
    SchemaInfo,
    SchemaList,
    TableExists,
    TableInfo,
    TableList,
    TableSummaryList,
)
from spec.api.jobs import Empty
from spec.errors import NotFound

router = APIRouter(prefix="/api/2.1/unity-catalog", tags=["catalogs"])

MaxResults = Annotated[
    int, Query(ge=0, description="0 means the server's own page size, 1,000; 10,000 at most.")
]


@router.get("/catalogs", response_model=CatalogList)
async def list_catalogs(
    caller: CallerArg, deps: DepsArg, max_results: MaxResults = 0, page_token: str | None = None
) -> Response:
    """List catalogs; one that is away is listed all the same."""
    return compact(unity.list_catalogs(deps, max_results, page_token))


@router.get("/catalogs/{name}", response_model=CatalogInfo)
async def get_catalog(name: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Read a catalog."""
    return compact(unity.get_catalog(deps, name))


@router.get("/schemas", response_model=SchemaList)
async def list_schemas(
    catalog_name: str,
    caller: CallerArg,
    deps: DepsArg,
    max_results: MaxResults = 0,
    page_token: str | None = None,
) -> Response:
    """List a catalog's schemas."""
    return compact(await unity.list_schemas(deps, catalog_name, max_results, page_token))


@router.get("/schemas/{full_name}", response_model=SchemaInfo)
async def get_schema(full_name: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Read a schema."""
    return compact(await unity.get_schema(deps, full_name))


@router.post("/schemas", response_model=SchemaInfo)
async def create_schema(body: CreateSchema, caller: CallerArg, deps: DepsArg) -> Response:
    """Make a schema in the stack's own catalog."""
    return compact(await changes.create_schema(deps, caller, body))


@router.delete("/schemas/{full_name}")
async def delete_schema(
    full_name: str, caller: CallerArg, deps: DepsArg, force: bool = False
) -> Empty:
    """Drop a schema of the stack's own catalog; with `force` also what is in it."""
    await changes.delete_schema(deps, caller, full_name, force=force)
    return Empty()


@router.get("/tables", response_model=TableList)
async def list_tables(
    catalog_name: str,
    schema_name: str,
    caller: CallerArg,
    deps: DepsArg,
    max_results: MaxResults = 0,
    page_token: str | None = None,
) -> Response:
    """List a schema's tables and views by name."""
    page = await unity.list_tables(deps, catalog_name, schema_name, max_results, page_token)
    return compact(page)


@router.get("/tables/{full_name}", response_model=TableInfo)
async def get_table(full_name: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Read a table with its columns."""
    return compact(await unity.get_table(deps, full_name))


@router.delete("/tables/{full_name}")
async def delete_table(full_name: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Drop a table or view of the stack's own catalog."""
    await changes.delete_table(deps, caller, full_name)
    return Empty()


@router.get("/tables/{full_name}/exists")
async def table_exists(full_name: str, caller: CallerArg, deps: DepsArg) -> TableExists:
    """Tell whether a table exists."""
    return await unity.table_exists(deps, full_name)


@router.get("/table-summaries", response_model=TableSummaryList)
async def list_table_summaries(
    catalog_name: str,
    caller: CallerArg,
    deps: DepsArg,
    schema_name_pattern: str | None = None,
    table_name_pattern: str | None = None,
    max_results: MaxResults = 0,
    page_token: str | None = None,
) -> Response:
    """List the tables of all schemas whose names match patterns of SQL's LIKE."""
    page = await unity.list_summaries(
        deps,
        catalog_name,
        schema_name_pattern,
        table_name_pattern,
        max_results,
        page_token,
    )
    return compact(page)


@router.get("/functions", response_model=FunctionList)
async def list_functions(
    catalog_name: str,
    schema_name: str,
    caller: CallerArg,
    deps: DepsArg,
    max_results: MaxResults = 0,
    page_token: str | None = None,
) -> Response:
    """List a schema's functions; there are none."""
    await unity.get_schema(deps, f"{catalog_name}.{schema_name}")
    return compact(FunctionList())


@router.get("/functions/{name}")
async def get_function(name: str, caller: CallerArg) -> Empty:
    """Read a function; there are none."""
    raise NotFound(f"Function '{name[:300]}' does not exist: catalogs hold no functions here.")


@router.get("/current-metastore-assignment", response_model=MetastoreAssignment)
async def get_metastore_assignment(caller: CallerArg) -> Response:
    """Read which metastore the workspace has, and its catalog of names without one."""
    return compact(sharing.assignment(caller))


@router.get("/metastore_summary", response_model=MetastoreInfo)
async def get_metastore_summary(caller: CallerArg) -> Response:
    """Read the stack's metastore."""
    return compact(sharing.metastore())


@router.get("/metastores", response_model=MetastoreList)
async def list_metastores(
    caller: CallerArg, max_results: MaxResults = 0, page_token: str | None = None
) -> Response:
    """List metastores: there is one."""
    return compact(MetastoreList(metastores=(sharing.metastore(),)))


@router.get("/metastores/{metastore_id}", response_model=MetastoreInfo)
async def get_metastore(metastore_id: str, caller: CallerArg) -> Response:
    """Read the stack's metastore by its id."""
    return compact(sharing.get_metastore(metastore_id))


@router.get("/permissions/{securable_type}/{full_name}", response_model=GrantList)
async def get_grants(
    securable_type: str, full_name: str, caller: CallerArg, deps: DepsArg
) -> Response:
    """Read what is given on a catalog, schema or table itself."""
    return compact(await sharing.grants(deps, securable_type, full_name))


@router.get(
    "/effective-permissions/{securable_type}/{full_name}", response_model=EffectiveGrantList
)
async def get_effective_grants(
    securable_type: str, full_name: str, caller: CallerArg, deps: DepsArg
) -> Response:
    """Read who may do what with a catalog, schema or table, and where that comes from."""
    return compact(await sharing.effective_grants(deps, securable_type, full_name))
