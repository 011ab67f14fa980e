"""What a run's course means for its transaction; all of it within the caller's session."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.runs.tables import Run
from control.transactions import store
from control.transactions.names import run_branch
from control.transactions.tables import (
    AttemptBranch,
    AttemptBranchState,
    Transaction,
    TransactionState,
)
from spec.errors import Invalid
from spec.publish import PublishPolicy

SWEEP = "transactions"
"""The topic that is notified when a branch may have become useless."""


async def attempt_ended(session: AsyncSession, task_run_id: int) -> None:
    """Give up what an attempt did, unless it has landed; it has ended, or was superseded."""
    row = await store.branch_of(session, task_run_id, lock=True)
    if row is not None:
        store.abandon(row)
        session.add(row)
        await hub.notify(session, SWEEP)


async def run_ended(session: AsyncSession, run: Run) -> None:
    """Say until when the branch of a run that has ended is kept."""
    row = await store.newest(session, run.run_id, lock=True)
    if row is None or row.state == TransactionState.DROPPED:
        return
    policy = await store.policy_of(session, run.run_id) or PublishPolicy()
    now = datetime.now(UTC)
    kept = policy.on_failure == "keep_branch" and row.state != TransactionState.PUBLISHED
    row.drop_after = now + timedelta(hours=policy.keep_hours) if kept else now
    row.ended_at = row.ended_at or now
    if row.state in (TransactionState.OPENING, TransactionState.OPEN):
        row.state = TransactionState.KEPT
    session.add(row)
    await session.exec(
        update(AttemptBranch)
        .where(
            col(AttemptBranch.run_id) == run.run_id,
            col(AttemptBranch.state).in_([AttemptBranchState.OPENING, AttemptBranchState.OPEN]),
        )
        .values(state=AttemptBranchState.ABANDONED)
    )
    await hub.notify(session, SWEEP)


async def reopen(session: AsyncSession, run_id: int) -> None:
    """Take a run's transaction into use again, for a repair; without one it is left at that.

    A branch that was kept goes on, one in conflict is cut anew when it is first needed, and after
    a publication a new one begins.

    Raises:
        Invalid: the branch has been dropped, and with it what the run's tasks did.
    """
    row = await store.newest(session, run_id, lock=True)
    if row is None:
        return
    if row.state == TransactionState.DROPPED:
        raise Invalid(
            f"The catalog branch of run {run_id} has been dropped, and with it what its tasks"
            " wrote: it cannot be repaired. Start a new run of the job."
        )
    if row.state == TransactionState.KEPT:
        row.state = TransactionState.OPENING
    if row.state != TransactionState.PUBLISHED:
        row.drop_after = row.ended_at = None
    session.add(row)


async def begin_replay(session: AsyncSession, run: Run, replay_of: int, base_hash: str) -> None:
    """Note that a new run works on a scratch branch, cut from an older commit of main.

    It is never published: its end keeps the branch as a failure would. See
    `control.gateway.references.References.commit_at` for the commit of an instant.

    Args:
        session: Of the transaction that admits the run.
        run: The new run.
        replay_of: The run that it runs again.
        base_hash: The commit of main whose tables it sees.
    """
    row = Transaction(
        run_id=run.run_id,
        number=0,
        workspace_id=run.workspace_id,
        job_id=run.job_id,
        branch=run_branch(run.run_id, 0),
        base_hash=base_hash,
        replay_of=replay_of,
    )
    await store.begin(session, row)
