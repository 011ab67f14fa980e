"""Drops the branches that nobody needs any more; harmless when repeated."""

from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.hub import Hub
from control.transactions import store
from control.transactions.context import Context
from control.transactions.lifecycle import SWEEP
from control.transactions.opening import settle_publishing
from control.transactions.tables import Transaction, TransactionState
from spec.errors import OpenLakeError

log = structlog.get_logger(__name__)

_INTERVAL_S = 60.0
_AT_ONCE = 100

_LOST = (TransactionState.OPENING, TransactionState.KEPT, TransactionState.CONFLICT)
"""States that say that the branch holds what nothing else does."""


async def sweep_forever(context: Context, wakes: Hub) -> None:
    """Sweep whenever a branch has become useless, and every minute."""
    async with wakes.follow(SWEEP) as event:
        while True:
            try:
                while await sweep(context) >= _AT_ONCE:
                    pass
            except (OpenLakeError, SQLAlchemyError, OSError) as error:
                log.warning("transactions.sweep_put_off", error=str(error))
            await hub.wait(event, _INTERVAL_S)


async def sweep(context: Context) -> int:
    """Drop what is due, up to a number of each kind; return how many branches that were."""
    async with context.database.session() as session:
        due = await store.due_transactions(session, datetime.now(UTC), _AT_ONCE)
        for row in due:
            _give_up(session, row)
    for row in due:
        if row.state == TransactionState.PUBLISHING:
            await settle_publishing(context, row, otherwise=TransactionState.DROPPED)
        await context.references.delete(row.branch)
        await context.done(f"dropped {row.branch}")
        await _note_dropped(context, row)
    async with context.database.read_session() as session:
        branches = await store.due_branches(session, _AT_ONCE)
    for branch in branches:
        await context.references.delete(branch.branch)
        await context.done(f"dropped {branch.branch}")
    async with context.database.session() as session:
        await store.note_dropped(session, [branch.task_run_id for branch in branches])
    return max(len(due), len(branches))


def _give_up(session: AsyncSession, row: Transaction) -> None:
    """Say first that the branch is lost: from then on nobody takes it into use again."""
    if row.state in _LOST:
        row.state = TransactionState.DROPPED
        session.add(row)


async def _note_dropped(context: Context, row: Transaction) -> None:
    async with context.database.session() as session:
        mine = await store.get(session, row.run_id, row.number, lock=True)
        mine.dropped_at = datetime.now(UTC)
        session.add(mine)
