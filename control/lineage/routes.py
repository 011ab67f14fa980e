"""The OpenLineage collector, and the graphs people read."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from control.audit import store as audit
from control.bodies import read_object
from control.http import CallerArg, DepsArg, compact
from control.lineage import impact
from control.lineage.atlas import Direction, draw
from control.lineage.collect import collect
from control.lineage.graph import run_graph, table_graph
from control.runs.access import permitted
from spec.api.lineage import ColumnMap, Graph, Impact, LineageMap
from spec.errors import Invalid, NotFound

collector = APIRouter(prefix="/api/v1", tags=["lineage"])
router = APIRouter(prefix="/api/openlake/1.0/lineage", tags=["lineage"])

_EVENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@collector.post("/lineage", status_code=201, openapi_extra=_EVENT)
async def collect_event(request: Request, caller: CallerArg, deps: DepsArg) -> Response:
    """Take one OpenLineage event, as Marquez does; the same one twice is kept once."""
    event = await read_object(request)
    async with deps.database.session() as session:
        if await collect(session, caller.workspace_id, [event]):
            about: dict[str, Any] = event.get("job") or event.get("dataset") or {}
            audit.record(session, caller, "lineage.collected", "lineage", about.get("name", ""))
    return Response(status_code=201)


@router.get("/runs/{run_id}", response_model=Graph)
async def get_run_lineage(run_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Return what the tasks of a run read and wrote."""
    async with deps.database.read_session() as session:
        await permitted(session, caller, run_id)
        return compact(await run_graph(session, caller.workspace_id, run_id))


@router.get("/tables/{name}", response_model=Graph)
async def get_table_lineage(
    name: Annotated[str, Path(description="`<catalog>.<schema>.<table>`")],
    caller: CallerArg,
    deps: DepsArg,
    depth: Annotated[str, Query(description="A number of jobs, or `all`.")] = "1",
) -> Response:
    """Return what a table was made from and what was made from it."""
    if depth != "all" and not (depth.isdigit() and int(depth) > 0):
        raise Invalid(f"depth: give a number from 1, or 'all', not '{depth}'")
    limit = None if depth == "all" else int(depth)
    async with deps.database.read_session() as session:
        graph = await table_graph(session, caller, name, limit)
    if not graph.nodes:
        raise NotFound(f"No lineage is known of '{name}'.", table=name)
    return compact(graph)


@router.get("/graph", response_model=LineageMap)
async def get_lineage_map(
    caller: CallerArg,
    deps: DepsArg,
    root: Annotated[
        str | None,
        Query(description="A table's full name, a node's id, or `job:<job id>`; unset, all."),
    ] = None,
    direction: Direction = "both",
    depth: Annotated[int, Query(ge=1, le=20, description="So many jobs away from the root.")] = 3,
    limit: Annotated[int, Query(ge=1, le=2000, description="At most so many nodes.")] = 500,
) -> Response:
    """Draw the datasets and jobs of the workspace, or those around one of them."""
    async with deps.database.read_session() as session:
        return compact(await draw(session, caller, root or None, direction, depth, limit))


@router.get("/impact", response_model=Impact)
async def get_lineage_impact(
    table: Annotated[str, Query(description="`<catalog>.<schema>.<table>`")],
    caller: CallerArg,
    deps: DepsArg,
) -> Response:
    """List everything that depends on a table, with owners and the jobs' next runs."""
    async with deps.database.read_session() as session:
        return compact(await impact.impact(session, caller, table))


@router.get("/columns", response_model=ColumnMap)
async def get_column_lineage(
    table: Annotated[
        list[str],
        Query(description="`<catalog>.<schema>.<table>`; again for more.", max_length=200),
    ],
    caller: CallerArg,
    deps: DepsArg,
) -> Response:
    """Read from which columns the columns of tables were made, and what was made from them."""
    async with deps.database.read_session() as session:
        return compact(await impact.columns(session, caller.workspace_id, set(table)))
