"""`/api/2.0/sql/queries`: saved queries."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.queries import service
from spec.api.jobs import Empty
from spec.api.queries import CreateQuery, QueryList, QueryView, UpdateQuery

router = APIRouter(prefix="/api/2.0/sql/queries", tags=["queries"])


@router.post("", response_model=QueryView)
async def create_query(body: CreateQuery, caller: CallerArg, deps: DepsArg) -> Response:
    """Save a query."""
    return compact(await service.create(deps, caller, body))


@router.get("", response_model=QueryList)
async def list_queries(
    caller: CallerArg,
    deps: DepsArg,
    page_size: Annotated[int, Query(ge=0, le=1000)] = 100,
    page_token: str | None = None,
) -> Response:
    """List saved queries, newest first."""
    return compact(await service.list_queries(deps, caller, page_size or 100, page_token))


@router.get("/{query_id}", response_model=QueryView)
async def get_query(query_id: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Read a saved query."""
    return compact(await service.get(deps, caller, query_id))


@router.patch("/{query_id}", response_model=QueryView)
async def update_query(
    query_id: str, body: UpdateQuery, caller: CallerArg, deps: DepsArg
) -> Response:
    """Change a saved query."""
    return compact(await service.update(deps, caller, query_id, body))


@router.delete("/{query_id}")
async def trash_query(query_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Put a saved query into the trash."""
    await service.trash(deps, caller, query_id)
    return Empty()
