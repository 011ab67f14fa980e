"""Queries on transactions and the branches of attempts."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.jobs.tables import SettingsSnapshot
from control.runs.tables import Run
from control.transactions.tables import (
    AttemptBranch,
    AttemptBranchState,
    Transaction,
    TransactionState,
)
from spec.jobs import JobSettings
from spec.publish import PublishPolicy

_GONE = (AttemptBranchState.LANDED, AttemptBranchState.ABANDONED)


async def newest(session: AsyncSession, run_id: int, *, lock: bool = False) -> Transaction | None:
    """Return the transaction that a run works in, or did last; None when it has none."""
    query = (
        select(Transaction)
        .where(Transaction.run_id == run_id)
        .order_by(col(Transaction.number).desc())
        .limit(1)
    )
    found = (await session.exec(query)).first()
    return await get(session, run_id, found.number, lock=True) if lock and found else found


async def get(
    session: AsyncSession, run_id: int, number: int, *, lock: bool = False
) -> Transaction:
    """Return one transaction; with `lock`, whoever else changes it or lands in it waits."""
    return await session.get_one(
        Transaction,
        (run_id, number),
        with_for_update={"key_share": True} if lock else None,
        populate_existing=lock,
    )


async def all_of(session: AsyncSession, run_id: int) -> Sequence[Transaction]:
    """Return a run's transactions in their order."""
    query = select(Transaction).where(Transaction.run_id == run_id)
    return (await session.exec(query.order_by(col(Transaction.number)))).all()


async def answered(
    session: AsyncSession, run_id: int, execution: int, round_number: int
) -> dict[str, Any] | None:
    """Return what a publish request was answered; None when it was not yet."""
    query = select(Transaction).where(
        Transaction.run_id == run_id,
        Transaction.execution == execution,
        Transaction.round == round_number,
    )
    answers = [row.answer for row in (await session.exec(query)).all()]
    return next((answer for answer in answers if answer), None)


async def page(
    session: AsyncSession,
    workspace_id: int,
    *,
    limit: int,
    below: tuple[int, int] | None = None,
    states: Collection[str] = (),
    visible: ColumnElement[bool],
) -> Sequence[Transaction]:
    """Return transactions of a workspace, those of newer runs first, below a place.

    `visible` is a condition on their runs.
    """
    query = (
        select(Transaction)
        .join(Run, col(Run.run_id) == col(Transaction.run_id))
        .where(Transaction.workspace_id == workspace_id, visible)
    )
    if states:
        query = query.where(col(Transaction.state).in_(states))
    if below is not None:
        run_id, number = below
        same = (col(Transaction.run_id) == run_id) & (col(Transaction.number) < number)
        query = query.where(or_(col(Transaction.run_id) < run_id, same))
    order = (col(Transaction.run_id).desc(), col(Transaction.number).desc())
    return (await session.exec(query.order_by(*order).limit(limit))).all()


async def begin(session: AsyncSession, row: Transaction) -> None:
    """Insert a transaction, unless somebody else was faster."""
    values = row.model_dump(exclude={"created_at"})
    await session.exec(insert(Transaction).values(values).on_conflict_do_nothing())


async def begin_branch(session: AsyncSession, row: AttemptBranch) -> None:
    """Insert the branch of an attempt, unless somebody else was faster."""
    await session.exec(insert(AttemptBranch).values(row.model_dump()).on_conflict_do_nothing())


async def branch_of(
    session: AsyncSession, task_run_id: int, *, lock: bool = False
) -> AttemptBranch | None:
    """Return the branch of an attempt; None when it has none."""
    return await session.get(
        AttemptBranch, task_run_id, with_for_update=lock or None, populate_existing=lock
    )


async def branches_of_task(
    session: AsyncSession, run_id: int, task_key: str, before: int
) -> Sequence[AttemptBranch]:
    """Return the branches in use of a task's earlier attempts, locked."""
    query = select(AttemptBranch).where(
        AttemptBranch.run_id == run_id,
        AttemptBranch.task_key == task_key,
        AttemptBranch.task_run_id < before,
        col(AttemptBranch.state).not_in(_GONE),
    )
    return (await session.exec(query.with_for_update())).all()


async def branches_of_run(session: AsyncSession, run_id: int) -> Sequence[AttemptBranch]:
    """Return every attempt's branch of a run, in the order of the attempts."""
    query = select(AttemptBranch).where(AttemptBranch.run_id == run_id)
    return (await session.exec(query.order_by(col(AttemptBranch.task_run_id)))).all()


async def newest_branches(
    session: AsyncSession, run_id: int, limit: int
) -> Sequence[AttemptBranch]:
    """Return the branches of a run's newest attempts, in the order of the attempts."""
    query = (
        select(AttemptBranch)
        .where(AttemptBranch.run_id == run_id)
        .order_by(col(AttemptBranch.task_run_id).desc())
        .limit(limit)
    )
    return (await session.exec(query)).all()[::-1]


async def landings(session: AsyncSession, transaction: Transaction) -> list[AttemptBranch]:
    """Return what has landed in a transaction, what it took over too, in the order of landing."""
    query = select(AttemptBranch).where(
        AttemptBranch.run_id == transaction.run_id,
        AttemptBranch.state == AttemptBranchState.LANDED,
        or_(
            col(AttemptBranch.number) == transaction.number,
            col(AttemptBranch.task_run_id).in_(transaction.carried),
        ),
    )
    order = (col(AttemptBranch.landed_at), col(AttemptBranch.task_run_id))
    return list((await session.exec(query.order_by(*order))).all())


async def policy_of(session: AsyncSession, run_id: int) -> PublishPolicy | None:
    """Return how a run's settings want it published; None when they do not."""
    # One field of the settings, which may be large.
    query = (
        select(SettingsSnapshot.settings["publish"])
        .join(Run, col(Run.settings_hash) == col(SettingsSnapshot.hash))
        .where(Run.run_id == run_id)
    )
    found = (await session.exec(query)).one()
    return None if found is None else PublishPolicy.model_validate(found)


async def settings_of(session: AsyncSession, run_id: int) -> JobSettings:
    """Return the settings from which a run works now."""
    run = await session.get_one(Run, run_id)
    snapshot = await session.get_one(SettingsSnapshot, run.settings_hash)
    return JobSettings.model_validate(snapshot.settings)


async def due_transactions(session: AsyncSession, now: datetime, limit: int) -> list[Transaction]:
    """Return transactions whose branch is to be dropped, locked; those in other hands are not."""
    query = (
        select(Transaction)
        .where(col(Transaction.drop_after) <= now, col(Transaction.dropped_at).is_(None))
        .order_by(col(Transaction.drop_after))
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return list((await session.exec(query)).all())


async def due_branches(session: AsyncSession, limit: int) -> list[AttemptBranch]:
    """Return attempts' branches that are of no use any more."""
    query = (
        select(AttemptBranch)
        .where(col(AttemptBranch.state).in_(_GONE), col(AttemptBranch.dropped_at).is_(None))
        .order_by(col(AttemptBranch.task_run_id))
        .limit(limit)
    )
    return list((await session.exec(query)).all())


def abandon(row: AttemptBranch) -> None:
    """Note that what an attempt did does not count, unless it has landed."""
    if row.state not in _GONE:
        row.state = AttemptBranchState.ABANDONED


def conclude(row: Transaction, state: TransactionState, *, drop: bool = False) -> None:
    """Note how a transaction ended, and whether its branch may be dropped at once."""
    row.state = state
    row.ended_at = row.ended_at or datetime.now(UTC)
    if drop:
        row.drop_after = datetime.now(UTC)


async def note_dropped(session: AsyncSession, task_run_ids: Collection[int]) -> None:
    """Note that the branches of attempts are gone."""
    if task_run_ids:
        await session.exec(
            update(AttemptBranch)
            .where(col(AttemptBranch.task_run_id).in_(task_run_ids))
            .values(dropped_at=datetime.now(UTC))
        )
