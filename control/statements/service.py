"""What people do with statements: send one, follow it, fetch its rows, cancel it.

A statement is a row. The request writes it and an outbox row in one transaction, and hands it to a
process of its warehouse that waits for one (`direct`); where none waits it starts the statement's
workflow, which is the wait in the warehouse's queue. Then it waits for the end. Whoever dies in
between: the outbox relay starts the workflow, and the workflow brings the statement to an end.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from control import faults, hub
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.http import to_json
from control.ids import new_id
from control.queries.service import iso
from control.runs.access import permitted
from control.runs.admission import FAST_PATH
from control.runs.outbox import deliver_now, is_start_unclaimed, start_now
from control.runs.tables import OutboxKind, OutboxRow
from control.statements import direct, sessions, store
from control.statements.desk import Seat
from control.statements.objects import chunk_key
from control.statements.redacting import redacted_text
from control.statements.tables import Statement, StatementResult
from control.statements.views import EXPIRED, chunk_infos, next_of, state_of, view
from control.statements.work import seal, take_up, topic, work_of
from control.warehouses import service as warehouses
from control.workspaces.defaults import defaults_of
from spec.api.queries import ASKED_BY_TAG
from spec.api.statements import (
    ChunkInfo,
    ExecuteStatement,
    ExternalLink,
    ResultData,
)
from spec.errors import Conflict, Forbidden, NotFound, Unavailable
from spec.statements import (
    Disposition,
    Parameter,
    ResultFormat,
    StatementBody,
    StatementState,
    StatementWork,
    check_parameter,
)
from spec.warehouses import WarehouseState, place_of

log = structlog.get_logger(__name__)

LINK_LIFE = timedelta(minutes=15)
_LOOK_ANYWAY_S = 5.0
"""A wake-up says when something has changed; a look so often makes up for a lost one."""
_CANCEL_PATIENCE_S = 5.0
"""How long a request whose time to wait is over waits for the statement to be stopped."""

_background: set[asyncio.Task[Any]] = set()


@dataclass(frozen=True)
class Origin:
    """Where a statement comes from, for its history."""

    client: str = ""
    """The User-Agent."""


async def execute(
    deps: Deps, caller: Caller, order: ExecuteStatement, origin: Origin | None = None
) -> str:
    """Run a statement and wait for its end as long as the order says; return JSON as `get`.

    Raises:
        Invalid: a parameter's value is not of its type.
        NotFound: there is no such warehouse, or no such branch.
        Forbidden: the caller may not use the warehouse, or not see the run of the branch; or the
            idempotency token is that of somebody else's statement.
        Exhausted: too many statements wait for the warehouse.
    """
    until = time.monotonic() + order.wait_s
    parameters = tuple(
        check_parameter(Parameter(name=each.name, value=each.value, type=each.type))
        for each in order.parameters
    )
    body = StatementBody(text=order.statement, parameters=parameters)
    statement_id = new_id()
    async with deps.hub.follow(topic(statement_id)) as wake:
        deps.desk.await_end(statement_id)
        try:
            admitted = await _admit(deps, caller, order, body, statement_id, origin or Origin())
            if isinstance(admitted, str):
                return await follow(deps, caller, admitted, until)
            await faults.reach("statement admitted")
            _send_on(deps, admitted)
            found = await _ended(deps, caller, statement_id, wake, until)
            is_late = order.wait_s > 0 and not StatementState(found[0].state).is_over
            if is_late and order.on_wait_timeout == "CANCEL":
                await cancel(deps, caller, statement_id)
                patience = time.monotonic() + _CANCEL_PATIENCE_S
                found = await _ended(deps, caller, statement_id, wake, patience)
        finally:
            deps.desk.forget(statement_id)
    return await _shown(deps, *found)


async def follow(deps: Deps, caller: Caller, statement_id: str, until: float) -> str:
    """Wait for the end of a statement that was sent before; return JSON as `get`.

    Args:
        deps: The collaborators.
        caller: Who asks.
        statement_id: Which.
        until: On the monotonic clock.
    """
    async with deps.hub.follow(topic(statement_id)) as wake:
        wake.set()
        found = await _ended(deps, caller, statement_id, wake, until)
    return await _shown(deps, *found)


async def get(deps: Deps, caller: Caller, statement_id: str) -> str:
    """Return a statement, with the first chunk of its rows once it has succeeded, as JSON.

    Raises:
        NotFound: there is no such statement in the workspace.
        Forbidden: it is somebody else's.
    """
    async with deps.database.read_session() as session:
        found = await store.with_result(session, caller.workspace_id, statement_id)
        check(caller, found[0])
    return await _shown(deps, *found)


async def _shown(deps: Deps, row: Statement, result: StatementResult | None) -> str:
    shown = view(row, result).model_dump(mode="json", exclude_none=True, by_alias=True)
    if shown["status"]["state"] != StatementState.SUCCEEDED or result is None:
        return to_json(shown)
    if not result.chunks:
        return to_json(shown | {"result": {}})
    fields, rows = await _chunk(deps, row, result, 0)
    return _with_rows(shown | {"result": fields}, rows, depth=2)


async def succeeded(
    deps: Deps, caller: Caller, statement_id: str
) -> tuple[Statement, StatementResult]:
    """Return a statement that succeeded, and where its rows are.

    Raises:
        NotFound: there is no such statement in the workspace, or its rows have been deleted.
        Forbidden: it is somebody else's.
        Conflict: it has not succeeded.
    """
    async with deps.database.read_session() as session:
        row, result = await store.with_result(session, caller.workspace_id, statement_id)
        check(caller, row)
    state = state_of(row)
    if state is StatementState.CLOSED:
        raise NotFound(EXPIRED.format(at=iso(row.purged_at)), statement_id=statement_id)
    if state is not StatementState.SUCCEEDED or result is None:
        raise Conflict(f"Statement {statement_id} is {state}; only one that SUCCEEDED has rows.")
    return row, result


async def get_chunk(deps: Deps, caller: Caller, statement_id: str, index: int) -> str:
    """Return one chunk of a statement's rows, or a link to it, as JSON.

    Raises:
        NotFound: there is no such statement, or no such chunk, or its rows are gone.
        Conflict: the statement has not succeeded.
    """
    row, result = await succeeded(deps, caller, statement_id)
    if not 0 <= index < len(result.chunks):
        raise NotFound(
            f"Statement {statement_id} has {len(result.chunks)} chunks, counted from 0; there is"
            f" no chunk {index}.",
            statement_id=statement_id,
        )
    fields, rows = await _chunk(deps, row, result, index)
    return _with_rows(fields, rows, depth=1)


async def cancel(deps: Deps, caller: Caller, statement_id: str) -> None:
    """Ask a statement to stop; it is CANCELED once its query has. One that is over stays as it is.

    Raises:
        NotFound: there is no such statement in the workspace.
        Forbidden: it is somebody else's.
    """
    async with deps.database.session() as session:
        check(caller, await store.get(session, caller.workspace_id, statement_id))
        row = await store.lock(session, statement_id)
        if StatementState(row.state).is_over:
            return
        audit.record(session, caller, "statement.cancelled", "statement", statement_id)
        outbox = await order_cancel(session, row, caller.user_name)
    if outbox is not None:
        _in_background(deliver_now(deps.database, deps.launcher, outbox))


async def close(deps: Deps, caller: Caller, statement_id: str) -> None:
    """Stop a statement if it is not over; else let its rows be deleted. Harmless when repeated.

    Raises:
        NotFound: there is no such statement in the workspace.
    """
    await cancel(deps, caller, statement_id)
    async with deps.database.session() as session:
        row = await store.lock(session, statement_id)
        if row.expires_at is not None and row.purged_at is None:
            row.expires_at = min(row.expires_at, datetime.now(UTC))
            session.add(row)


async def order_cancel(
    session: AsyncSession, row: Statement, by: str, reason: str = ""
) -> OutboxRow | None:
    """Ask a locked, open statement to stop.

    Returns:
        What Temporal is to be told, to be delivered after the commit. None when a process of the
        warehouse has the statement past Temporal: it is told with the next renewal of its lease,
        and when it has died, the workflow that takes its place stops the statement.
    """
    now = datetime.now(UTC)
    row.cancel_asked_at = row.cancel_asked_at or now
    row.message = reason or f"The statement was cancelled by {by}."
    session.add(row)
    if row.attempt and await is_start_unclaimed(session, row.statement_id):
        await hub.notify(session, topic(row.statement_id))
        return None
    outbox = OutboxRow(
        statement_id=row.statement_id,
        kind=OutboxKind.CANCEL.value,
        by=by,
        not_before=now + FAST_PATH,
    )
    session.add(outbox)
    return outbox


# Parts -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Admitted:
    """A statement whose rows are written."""

    row: Statement
    start: OutboxRow
    is_running: bool
    """The warehouse takes statements."""
    seat: Seat | None = None
    """Of the process that it was taken up for."""
    work: StatementWork | None = None


async def _admit(
    deps: Deps,
    caller: Caller,
    order: ExecuteStatement,
    body: StatementBody,
    statement_id: str,
    origin: Origin,
) -> _Admitted | str:
    """Write the statement's row and its outbox row; or return the id of one of the same token."""
    seat: Seat | None = None
    try:
        async with deps.database.session() as session:
            if order.idempotency_token and (
                known := await store.of_token(session, caller.workspace_id, order.idempotency_token)
            ):
                check(caller, known)
                return known.statement_id
            defaults = await defaults_of(session, caller.workspace_id)
            named = {"warehouse_id": defaults.warehouse(order.warehouse_id)}
            order = await sessions.applied(session, caller, order.model_copy(update=named))
            warehouse = await warehouses.wake(session, caller, order.warehouse_id)
            if order.catalog is None and warehouse.catalog is None:
                order = order.model_copy(update={"catalog": defaults.catalog})
            if order.branch is not None:
                await _check_branch(session, caller, order.branch)
            text = await redacted_text(session, deps, caller, order.statement)
            row = _row(deps, caller, order, body, statement_id, origin, text)
            is_running = warehouse.state == WarehouseState.RUNNING
            seat = await _seat_for(deps, row) if is_running else None
            if seat is None:
                await warehouses.admit_statement(session, warehouse)
                if is_running:
                    place = place_of(row.workspace_id, row.warehouse_id)
                    await hub.notify(session, direct.offers(place) + statement_id)
            admitted = await _written(deps, session, row, body, seat, is_running)
            details = {"warehouse_id": order.warehouse_id}
            audit.record(
                session, caller, "statement.executed", "statement", statement_id, **details
            )
        seat = None
        return admitted
    except IntegrityError as error:
        # The same request came twice at the same moment.
        if order.idempotency_token is None:
            raise
        async with deps.database.read_session() as session:
            known = await store.of_token(session, caller.workspace_id, order.idempotency_token)
            if known is not None:
                check(caller, known)
        if known is None:
            raise error
        return known.statement_id
    finally:
        if seat is not None:
            deps.desk.put_back(seat)


async def _seat_for(deps: Deps, row: Statement) -> Seat | None:
    """Reserve a process that waits, if there is one and all can be had that it will need."""
    seat = deps.desk.reserve(place_of(row.workspace_id, row.warehouse_id))
    if seat is None:
        return None
    try:
        await deps.readers.of(deps.access, row.workspace_id, row.user_name, row.branch)
    except Unavailable as error:
        # The statement waits for it, not the request.
        log.warning("statement.put_off", statement_id=row.statement_id, reason=error.message)
        deps.desk.put_back(seat)
        return None
    except BaseException:
        deps.desk.put_back(seat)
        raise
    return seat


async def _written(
    deps: Deps,
    session: AsyncSession,
    row: Statement,
    body: StatementBody,
    seat: Seat | None,
    is_running: bool,
) -> _Admitted:
    """Write the rows of a statement; as taken up, if a process waits for it."""
    work = None
    if seat is not None:
        take_up(row)
        work = await work_of(deps, row, body, {})
    start = OutboxRow(
        statement_id=row.statement_id,
        kind=OutboxKind.START.value,
        not_before=datetime.now(UTC) + (direct.FIRST_LEASE if seat else FAST_PATH),
    )
    session.add(row)
    await session.flush()
    session.add(start)
    return _Admitted(row, start, is_running, seat, work)


def _send_on(deps: Deps, admitted: _Admitted) -> None:
    """Bring a statement on its way, as quickly as can be."""
    start = admitted.start
    if admitted.seat is not None and admitted.work is not None:
        if admitted.seat.give(admitted.work):
            return
    elif admitted.is_running:
        _in_background(direct.offer(deps, admitted.row, start))
        return
    _in_background(start_now(deps.database, deps.launcher, start))


async def _check_branch(session: AsyncSession, caller: Caller, branch: str) -> None:
    run_id = await store.run_of_branch(session, caller.workspace_id, branch)
    if run_id is None:
        raise NotFound(
            f"No run of this workspace has a branch '{branch}' that can be read; it may have been"
            " dropped.",
            branch=branch,
        )
    await permitted(session, caller, run_id)


def check(caller: Caller, row: Statement) -> None:
    """Let only those pass who may see a statement: who asked for it, and admins.

    Raises:
        Forbidden: it is somebody else's.
    """
    if caller.is_admin or row.user_name == caller.user_name:
        return
    # Of a query that runs with its owner's rights, who asked is noted in a tag.
    if {"key": ASKED_BY_TAG, "value": caller.user_name} in row.query_tags:
        return
    raise Forbidden(
        f"Statement {row.statement_id} is {row.user_name}'s; a statement can be seen by who sent it"
        " and by admins of the workspace",
        statement_id=row.statement_id,
    )


def _row(
    deps: Deps,
    caller: Caller,
    order: ExecuteStatement,
    body: StatementBody,
    statement_id: str,
    origin: Origin,
    text: str,
) -> Statement:
    return Statement(
        statement_id=statement_id,
        workspace_id=caller.workspace_id,
        warehouse_id=order.warehouse_id,
        user_name=caller.user_name,
        client=origin.client[:500],
        text=text,
        body=seal(deps, statement_id, body),
        catalog=order.catalog,
        schema_name=order.schema_name,
        branch=order.branch,
        query_tags=[each.model_dump(exclude_none=True) for each in order.query_tags],
        disposition=order.disposition.value,
        format=order.format.value,
        row_limit=order.row_limit,
        byte_limit=order.byte_limit,
        idempotency_key=order.idempotency_token,
        state=StatementState.PENDING.value,
    )


async def _ended(
    deps: Deps, caller: Caller, statement_id: str, wake: asyncio.Event, until: float
) -> tuple[Statement, StatementResult | None]:
    """Wait until the statement is over, or the time is; return it as it stands then."""
    while True:
        left = max(0.0, until - time.monotonic())
        if left:
            await hub.wait(wake, min(_LOOK_ANYWAY_S, left))
        if (ended := deps.desk.end_of(statement_id)) is not None:
            return ended
        async with deps.database.read_session() as session:
            found = await store.with_result(session, caller.workspace_id, statement_id)
        if StatementState(found[0].state).is_over or time.monotonic() >= until:
            return found


async def _chunk(
    deps: Deps, row: Statement, result: StatementResult, index: int
) -> tuple[dict[str, Any], str | None]:
    """Return a chunk's fields, and its rows as JSON unless a link leads to them."""
    infos = chunk_infos(result)
    info = infos[index]
    is_here = result.inline is not None or row.disposition == Disposition.INLINE
    if not is_here:
        link = await _link(deps, row, result, info, next_of(row, infos, index))
        data = ResultData(external_links=(link,))
        return data.model_dump(mode="json", exclude_none=True), None
    fields = {
        "chunk_index": info.chunk_index,
        "row_offset": info.row_offset,
        "row_count": info.row_count,
        **next_of(row, infos, index),
    }
    if row.disposition == Disposition.INLINE_OR_EXTERNAL_LINKS:
        return fields | {"attachment": result.inline}, None
    if result.inline is not None:
        return fields, result.inline
    content = await deps.objects.get(_key(row, result, index))
    return fields, content.decode()


async def _link(
    deps: Deps,
    row: Statement,
    result: StatementResult,
    info: ChunkInfo,
    following: dict[str, Any],
) -> ExternalLink:
    life = min(LINK_LIFE, (row.expires_at or datetime.max.replace(tzinfo=UTC)) - datetime.now(UTC))
    if life <= timedelta(0):
        raise NotFound(EXPIRED.format(at="just now"), statement_id=row.statement_id)
    expiration = datetime.now(UTC) + life
    url = await deps.objects.link(_key(row, result, info.chunk_index), int(life.total_seconds()))
    return ExternalLink(
        **info.model_dump(), external_link=url, expiration=iso(expiration), **following
    )


def _key(row: Statement, result: StatementResult, index: int) -> str:
    where = (row.workspace_id, row.statement_id, result.attempt, index)
    return chunk_key(*where, ResultFormat(row.format))


def _with_rows(body: dict[str, Any], rows: str | None, depth: int) -> str:
    """Put rows that are JSON already into an answer, as last field of its innermost object."""
    text = to_json(body)
    if rows is None:
        return text
    return f'{text[:-depth]},"data_array":{rows}{text[-depth:]}'


def _in_background(work: Coroutine[Any, Any, Any]) -> None:
    """Run beside the request: what it does is repeated by the outbox if this process dies."""
    task = asyncio.create_task(work)
    _background.add(task)
    task.add_done_callback(_background.discard)
