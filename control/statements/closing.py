"""Ends statements that their workers cannot end, and deletes rows that are kept no longer."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity

from control import hub
from control.auth import Caller
from control.db import Database
from control.deps import Deps
from control.objects import ObjectStore
from control.statements import sessions, store
from control.statements.objects import prefix_of
from control.statements.redacting import redacted_text
from control.statements.service import order_cancel
from control.statements.work import topic
from control.temporal import Launcher
from control.warehouses.service import CHANGED
from spec.errors import Unavailable
from spec.statements import ServiceError, StatementClosing, StatementRef, StatementState

log = structlog.get_logger(__name__)

INTERVAL_S = 30.0
_GRACE = timedelta(minutes=2)
"""Within which the outbox has started every workflow."""
_BATCH = 100

_UNKNOWN = (
    " It was being worked on: whether it changed anything is not known. Look at its table's"
    " snapshots: one that it made carries 'openlake.statement-id'."
)


class StatementCloser:
    """The activity `close_statement`."""

    def __init__(self, deps: Deps) -> None:
        """See class."""
        self._deps = deps

    @activity.defn
    async def close_statement(self, closing: StatementClosing) -> bool:
        """See `spec.ports`."""
        return await close(self._deps, closing)


async def close(deps: Deps, closing: StatementClosing) -> bool:
    """End a statement that is still open; False when something of it may run at its engine."""
    now = datetime.now(UTC)
    async with deps.database.session() as session:
        row = await store.lock(session, closing.ref.statement_id)
        if StatementState(row.state).is_over:
            return True
        if row.attempt and not closing.stopped:
            return False
        if closing.canceled or row.cancel_asked_at is not None:
            row.state = StatementState.CANCELED.value
            row.message = row.message or "The statement was cancelled."
        else:
            row.state = StatementState.FAILED.value
            row.error_code = ServiceError.INTERNAL_ERROR.value
            caller = Caller.acting_for(row.workspace_id, row.user_name)
            reason = closing.reason + (_UNKNOWN if row.attempt else "")
            row.message = await redacted_text(session, deps, caller, reason)
        row.ended_at, row.body, row.expires_at = now, None, now
        session.add(row)
        await hub.notify(session, topic(row.statement_id))
    log.warning("statement.closed", statement_id=row.statement_id, state=row.state)
    return True


async def keep_up(deps: Deps, interval_s: float = INTERVAL_S) -> None:
    """Look after statements for ever: those nobody will run, and what has expired."""
    async with deps.hub.follow(CHANGED) as wake:
        while True:
            try:
                await cancel_stranded(deps.database)
                await purge_expired(deps.database, deps.objects)
                await close_forgotten(deps, deps.launcher)
                await sessions.end_unused(deps.database)
            except (SQLAlchemyError, OSError, Unavailable) as error:
                log.warning("statements.put_off", error=str(error))
            await hub.wait(wake, interval_s)


async def cancel_stranded(database: Database) -> int:
    """Cancel the statements of warehouses that were stopped; return how many."""
    async with database.session() as session:
        found = await store.stranded(session)
        for each, warehouse in found:
            row = await store.lock(session, each.statement_id)
            if StatementState(row.state).is_over:
                continue
            why = warehouse.health_summary or "somebody stopped or deleted it"
            reason = f"Its SQL warehouse '{warehouse.name}' was stopped: {why}."
            await order_cancel(session, row, "openlake", reason)
        if found:
            await session.flush()
            await hub.notify(session, hub.OUTBOX)
    return len(found)


async def purge_expired(database: Database, objects: ObjectStore) -> int:
    """Delete the rows of statements whose time is over; return of how many statements.

    Deleted first, noted then: who dies in between deletes nothing once more.
    """
    now = datetime.now(UTC)
    async with database.read_session() as session:
        rows = await store.expired(session, now, _BATCH)
    for row in rows:
        prefix = prefix_of(row.workspace_id, row.statement_id)
        while keys := await objects.keys(prefix):
            await objects.delete(keys)
        async with database.session() as session:
            await store.purge(session, row.statement_id, now)
    return len(rows)


async def close_forgotten(deps: Deps, launcher: Launcher) -> int:
    """End statements whose workflow somebody has ended from outside; return how many."""
    closed, after = 0, ""
    while True:
        async with deps.database.read_session() as session:
            before = datetime.now(UTC) - _GRACE
            rows = await store.open_since(session, before, after, _BATCH)
        for row in rows:
            after = row.statement_id
            if await launcher.is_statement_alive(row.statement_id):
                continue
            ref = StatementRef(
                workspace_id=row.workspace_id,
                warehouse_id=row.warehouse_id,
                statement_id=row.statement_id,
            )
            reason = "Its workflow was ended from outside of OpenLake, or could not be started."
            await close(deps, StatementClosing(ref=ref, reason=reason, stopped=True))
            closed += 1
        if len(rows) < _BATCH:
            return closed
        await asyncio.sleep(0)
