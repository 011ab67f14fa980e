"""`/api/2.0/sql/history/queries`: what has been asked of warehouses."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.statements import history
from spec.api.query_history import QueryHistory, QueryStatus

router = APIRouter(prefix="/api/2.0/sql/history/queries", tags=["statements"])

_START = "filter_by.query_start_time_range.start_time_ms"
_QUERY = "filter_by.sql_query_id"
"""OpenLake's own: statements of one saved query."""
_END = "filter_by.query_start_time_range.end_time_ms"


@router.get("", response_model=QueryHistory)
async def list_query_history(
    caller: CallerArg,
    deps: DepsArg,
    statement_ids: Annotated[list[str], Query(alias="filter_by.statement_ids")] = [],  # noqa: B006
    warehouse_ids: Annotated[list[str], Query(alias="filter_by.warehouse_ids")] = [],  # noqa: B006
    user_ids: Annotated[list[int], Query(alias="filter_by.user_ids")] = [],  # noqa: B006
    statuses: Annotated[list[QueryStatus], Query(alias="filter_by.statuses")] = [],  # noqa: B006
    start_ms: Annotated[int | None, Query(ge=0, le=1 << 52, alias=_START)] = None,
    end_ms: Annotated[int | None, Query(ge=0, le=1 << 52, alias=_END)] = None,
    query_id: Annotated[str | None, Query(max_length=64, alias=_QUERY)] = None,
    max_results: Annotated[int, Query(ge=0, lt=1000)] = 100,
    include_metrics: bool = False,
    page_token: str | None = None,
) -> Response:
    """List the statements of warehouses, newest first; running ones too."""
    wanted = history.Filter(
        statement_ids=tuple(statement_ids),
        warehouse_ids=tuple(warehouse_ids),
        user_ids=tuple(user_ids),
        statuses=tuple(statuses),
        start_ms=start_ms,
        end_ms=end_ms,
        query_id=query_id,
    )
    found = await history.page(
        deps,
        caller,
        wanted,
        limit=max_results or 100,
        page_token=page_token,
        metrics=include_metrics,
    )
    return compact(found)
