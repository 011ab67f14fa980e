"""Stopping runs, and ending those that never started."""

from datetime import UTC, datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.notifications.outbox import note
from control.runs.admission import FAST_PATH
from control.runs.tables import OutboxKind, OutboxRow, Run, TaskRun
from control.transactions import lifecycle
from control.triggers.service import run_ended
from spec.errors import Invalid
from spec.events import RunResult, StopCause
from spec.occasions import Occasion
from spec.states import RunLife

QUEUED_AT_MOST = timedelta(hours=48)


async def cancel(session: AsyncSession, run: Run, by: str) -> OutboxRow | None:
    """Cancel a run whose row is locked: a queued one at once, a started one through Temporal.

    Returns:
        What has to be delivered after the commit; None when nothing is.
    """
    life = RunLife(run.life)
    if life.is_over:
        return None
    if life is RunLife.QUEUED:
        await _end(session, run, f"Run was cancelled by {by} before it started.")
        return None
    return await _ask_to_stop(session, run.run_id, by)


async def cancel_task(session: AsyncSession, run: Run, task: TaskRun, by: str) -> OutboxRow | None:
    """Cancel one task run, though it may wait still; one that has ended is left as it is.

    Raises:
        Invalid: its whole run waits in a queue.
    """
    if task.ended_at is not None:
        return None
    if run.life == RunLife.QUEUED:
        raise Invalid(
            f"Run {task.task_run_id} is a task of run {run.run_id}, which waits in a queue; cancel"
            f" that run, or this task when the run has begun."
        )
    return await _ask_to_stop(session, task.run_id, by, task.task_run_id)


async def _ask_to_stop(
    session: AsyncSession, run_id: int, by: str, task_run_id: int | None = None
) -> OutboxRow:
    row = OutboxRow(
        run_id=run_id,
        task_run_id=task_run_id,
        kind=OutboxKind.CANCEL.value,
        by=by,
        not_before=datetime.now(UTC) + FAST_PATH,
    )
    session.add(row)
    await session.flush()
    return row


async def cancel_queued(session: AsyncSession, workspace_id: int, job_id: int | None) -> int:
    """Cancel all queued runs of a job, or of the workspace; return how many."""
    query = select(Run).where(Run.workspace_id == workspace_id, Run.life == RunLife.QUEUED.value)
    if job_id is not None:
        query = query.where(Run.job_id == job_id)
    runs = (await session.exec(query.order_by(col(Run.run_id)).with_for_update())).all()
    for run in runs:
        await _end(session, run, "Run was cancelled before it started.")
    return len(runs)


async def _end(session: AsyncSession, run: Run, message: str) -> None:
    run.stop_cause = StopCause.USER.value
    await end_now(session, run, RunResult.CANCELED, message)


async def end_now(session: AsyncSession, run: Run, result: RunResult, message: str) -> None:
    """End a run, whose row is locked, without its workflow: it has none, or not any more."""
    run.result = result.value
    await _close(session, run, RunLife.ENDED, result.value, message, datetime.now(UTC))


async def _close(
    session: AsyncSession, run: Run, life: RunLife, word: str, message: str, now: datetime
) -> None:
    """Make a run over and tell all who wait for that; `word` is what its notices say."""
    run.life, run.message, run.ended_at = life.value, message, now
    session.add(run)
    await note(session, run, run.execution, Occasion("ended", now, result=word, message=message))
    await run_ended(session, run)
    await lifecycle.run_ended(session, run)
    await hub.notify(session, hub.run_topic(run.run_id))


async def expire_queued(session: AsyncSession, now: datetime) -> int:
    """End the runs that have waited in a queue for 48 hours, as Databricks does; return how many.

    They count as skipped: they never ran.
    """
    query = (
        select(Run)
        .where(Run.life == RunLife.QUEUED.value, col(Run.queued_at) < now - QUEUED_AT_MOST)
        .with_for_update(skip_locked=True)
    )
    runs = (await session.exec(query)).all()
    for run in runs:
        message = "Skipped: it waited 48 hours in the job's queue."
        await _close(session, run, RunLife.SKIPPED, RunLife.SKIPPED.value, message, now)
    return len(runs)
