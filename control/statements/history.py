"""What has been asked of warehouses: the history of statements, newest first.

Ids of statements sort by their time of making, so that a page and a range of time are ranges of the
primary order: a page costs the same however many statements there are.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.auth import Caller
from control.deps import Deps
from control.permissions.access import visible
from control.permissions.levels import Kind, Level
from control.runs.views import millis
from control.statements.tables import Statement
from control.workspaces.tables import Principal
from spec.api.queries import ASKED_BY_TAG, QUERY_TAG
from spec.api.query_history import (
    MOST_RANGE_MS,
    STATUS_OF,
    QueryHistory,
    QueryInfo,
    QueryMetrics,
    QuerySource,
    QueryStatus,
    statement_type,
)
from spec.errors import Invalid
from spec.statements import StatementState


@dataclass(frozen=True)
class Filter:
    """Which statements are wanted; of every empty tuple, all."""

    statement_ids: tuple[str, ...] = ()
    warehouse_ids: tuple[str, ...] = ()
    user_ids: tuple[int, ...] = ()
    statuses: tuple[QueryStatus, ...] = ()
    start_ms: int | None = None
    end_ms: int | None = None
    """Epoch milliseconds; a statement of this very instant is in the range."""
    query_id: str | None = None
    """Of a saved query."""


async def page(
    deps: Deps,
    caller: Caller,
    wanted: Filter,
    *,
    limit: int,
    page_token: str | None,
    metrics: bool,
) -> QueryHistory:
    """Return one page.

    Raises:
        Invalid: the range of time is longer than 30 days or ends before it starts, or the token is
            none of ours.
    """
    below = paging.text_below(page_token)
    conditions = _conditions(wanted)
    if below is not None:
        conditions.append(col(Statement.statement_id) < below)
    async with deps.database.read_session() as session:
        users = await _users(session, caller.workspace_id)
        if wanted.user_ids:
            names = [name for name, number in users.items() if number in wanted.user_ids]
            conditions.append(col(Statement.user_name).in_(names))
        query = (
            select(Statement)
            .where(Statement.workspace_id == caller.workspace_id, _visible(caller), *conditions)
            .order_by(col(Statement.statement_id).desc())
            .limit(limit + 1)
        )
        rows = list((await session.exec(query)).all())
    shown, token = paging.cut_below(rows, limit, lambda row: row.statement_id)
    now = datetime.now(UTC)
    return QueryHistory(
        res=tuple(_info(row, users, now, metrics=metrics) for row in shown),
        has_next_page=token is not None,
        next_page_token=token,
    )


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.statement_ids:
        conditions.append(col(Statement.statement_id).in_(wanted.statement_ids))
    if wanted.warehouse_ids:
        conditions.append(col(Statement.warehouse_id).in_(wanted.warehouse_ids))
    if wanted.statuses:
        states = [state.value for state, word in STATUS_OF.items() if word in wanted.statuses]
        conditions.append(col(Statement.state).in_(states))
    if wanted.query_id is not None:
        tag = [{"key": QUERY_TAG, "value": wanted.query_id}]
        conditions.append(col(Statement.query_tags).contains(tag))
    start, end = wanted.start_ms, wanted.end_ms
    if start is not None and end is not None:
        if end < start:
            raise Invalid("query_start_time_range: it ends before it starts")
        if end - start > MOST_RANGE_MS:
            raise Invalid("query_start_time_range: it may be 30 days long at most")
    if start is not None:
        conditions.append(col(Statement.statement_id) >= first_id(start))
    if end is not None:
        conditions.append(col(Statement.statement_id) < first_id(end + 1))
    return conditions


def first_id(at_ms: int) -> str:
    """Return what all ids made at this instant or later are not below."""
    stamp = min(max(at_ms, 0), (1 << 48) - 1)
    return str(UUID(int=stamp << 80))


def _visible(caller: Caller) -> ColumnElement[bool]:
    """Return the condition that keeps the caller's own, and those of warehouses it may monitor."""
    monitored = visible(caller, Kind.WAREHOUSE, col(Statement.warehouse_id), Level.CAN_MONITOR)
    return or_(col(Statement.user_name) == caller.user_name, monitored)


async def _users(session: AsyncSession, workspace_id: int) -> dict[str, int | None]:
    query = select(Principal).where(Principal.workspace_id == workspace_id)
    return {each.user_name: each.principal_id for each in (await session.exec(query)).all()}


def _info(
    row: Statement, users: dict[str, int | None], now: datetime, *, metrics: bool
) -> QueryInfo:
    state = StatementState(row.state)
    sent, ended = millis(row.created_at), millis(row.ended_at)
    took = (ended or millis(now)) - sent
    tags = {str(tag["key"]): tag.get("value") for tag in row.query_tags}
    query_id = tags.pop(QUERY_TAG, None)
    tags.pop(ASKED_BY_TAG, None)
    return QueryInfo(
        query_id=row.statement_id,
        lookup_key=row.statement_id,
        query_text=row.text,
        status=STATUS_OF[state],
        statement_type=statement_type(row.kind),
        warehouse_id=row.warehouse_id,
        endpoint_id=row.warehouse_id,
        user_id=users.get(row.user_name),
        user_name=row.user_name,
        executed_as_user_id=users.get(row.user_name),
        executed_as_user_name=row.user_name,
        query_start_time_ms=sent,
        execution_end_time_ms=ended or None,
        query_end_time_ms=ended or None,
        duration=max(took, 0),
        rows_produced=row.row_count,
        result_bytes=row.byte_count,
        error_message=row.message or None,
        is_final=state.is_over,
        client_application=row.client,
        query_tags=tuple({"key": key, "value": value} for key, value in tags.items()),
        query_source=QuerySource(sql_query_id=query_id) if query_id else None,
        metrics=_metrics(row, took, now) if metrics else None,
    )


def _metrics(row: Statement, took: int, now: datetime) -> QueryMetrics:
    started = millis(row.started_at)
    ended = millis(row.ended_at or now)
    return QueryMetrics(
        total_time_ms=max(took, 0),
        execution_time_ms=max(ended - started, 0) if started else 0,
        provisioning_queue_start_timestamp=millis(row.created_at),
        rows_produced_count=row.row_count,
    )
