"""Queries on statements."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from control.runs.tables import OutboxKind, OutboxRow
from control.statements.tables import Statement, StatementResult
from control.transactions.tables import Transaction
from control.warehouses.tables import Warehouse
from spec.errors import AttemptOver, NotFound
from spec.statements import OPEN_STATES, StatementState
from spec.warehouses import Wanted


async def get(session: AsyncSession, workspace_id: int, statement_id: str) -> Statement:
    """Return a statement.

    Raises:
        NotFound: there is no such statement in the workspace.
    """
    query = select(Statement).where(
        Statement.statement_id == statement_id, Statement.workspace_id == workspace_id
    )
    found = (await session.exec(query)).first()
    if found is None:
        raise _unknown(statement_id)
    return found


async def with_result(
    session: AsyncSession, workspace_id: int, statement_id: str
) -> tuple[Statement, StatementResult | None]:
    """Return a statement and what there is of its answer.

    Raises:
        NotFound: as `get`.
    """
    query = (
        select(Statement, StatementResult)
        .join(
            StatementResult,
            col(StatementResult.statement_id) == col(Statement.statement_id),
            isouter=True,
        )
        .where(Statement.statement_id == statement_id, Statement.workspace_id == workspace_id)
    )
    found = (await session.exec(query)).first()
    if found is None:
        raise _unknown(statement_id)
    return found


async def lock(session: AsyncSession, statement_id: str) -> Statement:
    """Return a statement of any workspace, locked until the transaction ends.

    Raises:
        NotFound: there is no such statement.
    """
    query = select(Statement).where(Statement.statement_id == statement_id).with_for_update()
    # Whoever has read it before, unlocked, sees it as it is now.
    fresh = query.execution_options(populate_existing=True)
    found = (await session.exec(fresh)).first()
    if found is None:
        raise _unknown(statement_id)
    return found


async def current(session: AsyncSession, statement_id: str, attempt: int) -> Statement:
    """Return a statement, locked, for the worker of an attempt.

    Raises:
        AttemptOver: it has ended, or another worker has taken it up.
        NotFound: there is no such statement.
    """
    row = await lock(session, statement_id)
    if StatementState(row.state).is_over or row.attempt != attempt:
        raise AttemptOver(f"statement {statement_id} has ended, or another worker has it")
    return row


def _unknown(statement_id: str) -> NotFound:
    shown = statement_id[:64]
    return NotFound(f"Statement {shown} does not exist.", statement_id=shown)


async def of_token(session: AsyncSession, workspace_id: int, token: str) -> Statement | None:
    """Return the statement that was made with this idempotency token, if there is one."""
    query = select(Statement).where(
        Statement.workspace_id == workspace_id, Statement.idempotency_key == token
    )
    return (await session.exec(query)).first()


async def put_result(session: AsyncSession, result: StatementResult) -> None:
    """Write what there is of an answer, in place of what there was."""
    values = result.model_dump()
    statement = insert(StatementResult).values(values)
    changes = {name: value for name, value in values.items() if name != "statement_id"}
    await session.exec(
        statement.on_conflict_do_update(index_elements=["statement_id"], set_=changes)
    )


async def expired(session: AsyncSession, now: datetime, limit: int) -> Sequence[Statement]:
    """Return statements whose rows may be deleted, those that expired first before others."""
    query = (
        select(Statement)
        .where(col(Statement.expires_at) < now, col(Statement.purged_at).is_(None))
        .order_by(col(Statement.expires_at))
        .limit(limit)
    )
    return (await session.exec(query)).all()


async def purge(session: AsyncSession, statement_id: str, now: datetime) -> None:
    """Note that a statement's rows are gone from the object store, and drop those held here."""
    await session.exec(
        update(Statement).where(col(Statement.statement_id) == statement_id).values(purged_at=now)
    )
    await session.exec(
        update(StatementResult)
        .where(col(StatementResult.statement_id) == statement_id)
        .values(inline=None)
    )


async def stranded(session: AsyncSession) -> Sequence[tuple[Statement, Warehouse]]:
    """Return open statements whose warehouse nobody wants to run, and that warehouse.

    A statement wants its warehouse to run when it is made; so somebody has stopped it since.
    """
    query = (
        select(Statement, Warehouse)
        .join(
            Warehouse,
            (col(Warehouse.workspace_id) == col(Statement.workspace_id))
            & (col(Warehouse.warehouse_id) == col(Statement.warehouse_id)),
        )
        .where(
            col(Statement.state).in_(OPEN_STATES),
            col(Statement.cancel_asked_at).is_(None),
            col(Warehouse.wanted) != Wanted.RUNNING.value,
        )
        .limit(100)
    )
    return (await session.exec(query)).all()


async def open_since(
    session: AsyncSession, before: datetime, after: str, limit: int
) -> Sequence[Statement]:
    """Return open statements that were made before an instant, in the order of their ids.

    Not those of which Temporal has still to be told: they wait for it, or a process of their
    warehouse has them.
    """
    untold = select(OutboxRow.outbox_id).where(
        col(OutboxRow.statement_id) == col(Statement.statement_id),
        col(OutboxRow.kind) == OutboxKind.START.value,
    )
    query = (
        select(Statement)
        .where(
            col(Statement.state).in_(OPEN_STATES),
            col(Statement.created_at) < before,
            col(Statement.statement_id) > after,
            ~untold.exists(),
        )
        .order_by(col(Statement.statement_id))
        .limit(limit)
    )
    return (await session.exec(query)).all()


async def run_of_branch(session: AsyncSession, workspace_id: int, branch: str) -> int | None:
    """Return the run of the workspace that has this branch; None when it is not there any more."""
    query = select(Transaction.run_id).where(
        Transaction.workspace_id == workspace_id,
        Transaction.branch == branch,
        col(Transaction.dropped_at).is_(None),
    )
    return (await session.exec(query)).first()
