"""`/api/openlake/1.0/tables/{catalog.schema.table}`: what a table's page shows."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from control.http import CallerArg, DepsArg, compact
from control.lakehouse import schema_pages
from control.lakehouse.pages import Table
from spec.api.tables import (
    BranchList,
    Diff,
    FileList,
    PartitionList,
    RowDiff,
    Sample,
    SnapshotList,
    TableOverviewList,
    TablePage,
)

router = APIRouter(prefix="/api/openlake/1.0/tables", tags=["tables"])


def _table(
    name: Annotated[str, Path(description="`<catalog>.<schema>.<table>`")],
    caller: CallerArg,
    deps: DepsArg,
    branch: Annotated[
        str | None, Query(description="`main`, or the branch of a run of this workspace.")
    ] = None,
) -> Table:
    return Table(deps, caller, name, branch)


TableArg = Annotated[Table, Depends(_table)]


@router.get("", response_model=TableOverviewList)
async def list_schema_tables(
    schema: Annotated[str, Query(description="`<catalog>.<schema>`")],
    caller: CallerArg,
    deps: DepsArg,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    page_token: str | None = None,
) -> Response:
    """List a schema's tables with their size and who changed them last."""
    return compact(await schema_pages.list_tables(deps, caller, schema, limit, page_token))


@router.get("/{name}", response_model=TablePage)
async def get_table_page(table: TableArg) -> Response:
    """Read a table or view: schema, partitioning, properties, size, current snapshot."""
    return compact(await table.page())


@router.get("/{name}/snapshots", response_model=SnapshotList)
async def list_table_snapshots(
    table: TableArg,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    page_token: str | None = None,
) -> Response:
    """List a table's snapshots, newest first: what each changed and who made it."""
    return compact(await table.snapshots(limit, page_token))


FromArg = Annotated[str, Query(alias="from", description="The earlier snapshot.")]
ToArg = Annotated[
    str | None, Query(alias="to", description="The later one; the current one if unset.")
]


@router.get("/{name}/diff", response_model=Diff)
async def get_table_diff(table: TableArg, start: FromArg, end: ToArg = None) -> Response:
    """Tell how a table changed between two snapshots."""
    return compact(await table.diff(start, end))


@router.get("/{name}/diff/rows", response_model=RowDiff)
async def get_table_row_diff(
    table: TableArg,
    start: FromArg,
    end: ToArg = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Rows of each side.")] = 200,
) -> Response:
    """Read the rows that a table gained and lost between two snapshots."""
    return compact(await table.row_diff(start, end, limit))


@router.get("/{name}/branches", response_model=BranchList)
async def list_table_branches(table: TableArg) -> Response:
    """List the branches of runs that have changed a table, while they are there."""
    return compact(await table.branches())


@router.get("/{name}/partitions", response_model=PartitionList)
async def list_table_partitions(table: TableArg) -> Response:
    """List a table's partitions, those with most rows first, 1,000 at most."""
    return compact(await table.partitions())


@router.get("/{name}/files", response_model=FileList)
async def list_table_files(
    table: TableArg,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    page_token: str | None = None,
) -> Response:
    """List the files of a table's current snapshot."""
    return compact(await table.files(limit, page_token))


@router.get("/{name}/sample", response_model=Sample)
async def sample_table(
    table: TableArg, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """Read some rows of a table."""
    return compact(await table.sample(limit))
