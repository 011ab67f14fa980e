"""`/api/2.1/unity-catalog`: catalogs, schemas and tables as Databricks' clients ask for them.

Their switches for browsing, manifests and omitted fields change nothing: lists never load a table,
so they have no columns or properties, and a single table always has both.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from control.http import CallerArg, DepsArg, compact
from control.lakehouse import unity
from spec.api.catalog import (
    CatalogInfo,
    CatalogList,
    SchemaInfo,
    SchemaList,
    TableExists,
    TableInfo,
    TableList,
    TableSummaryList,
)

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
