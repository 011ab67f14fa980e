"""What the control worker looks after by itself, every half minute."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.db import Database
from control.gateway.attempts import close_attempt, order_ending
from control.runs.admission import release
from control.runs.ending import end_now, expire_queued
from control.runs.tables import Run, RunEvent, TaskRun
from control.temporal import Launcher
from control.transactions import lifecycle
from spec.errors import Unavailable
from spec.events import RunResult
from spec.ids import execution_of
from spec.states import RunLife, TaskResult

log = structlog.get_logger(__name__)

INTERVAL_S = 30.0
LOOK_BACK = timedelta(days=1)
"""Workflows that were ended longer ago are not looked for; a control worker is away for less."""

RECONCILED = -1
"""The stream under which the reconciler's own event stands."""


async def keep_up(database: Database, launcher: Launcher, interval_s: float = INTERVAL_S) -> None:
    """Expire queued runs, and end runs whose workflow was ended from outside; for ever."""
    while True:
        try:
            async with database.session() as session:
                await expire_queued(session, datetime.now(UTC))
            await reconcile(database, launcher)
        except (SQLAlchemyError, OSError, Unavailable) as error:
            log.warning("upkeep.put_off", error=str(error))
        await asyncio.sleep(interval_s)


async def reconcile(database: Database, launcher: Launcher) -> list[int]:
    """End the runs whose workflow somebody terminated or reset; return their ids."""
    found = await launcher.ended_from_outside(datetime.now(UTC) - LOOK_BACK)
    active = await _still_active(database, {execution_of(workflow) for workflow, _ in found})
    ended: list[int] = []
    for workflow, status in found:
        which = execution_of(workflow)
        if which in active:
            async with database.session() as session:
                if await _end(session, *which, status):
                    ended.append(which[0])
                    log.warning("run.reconciled", run_id=which[0], status=status)
    return ended


async def _still_active(
    database: Database, asked: set[tuple[int, int] | None]
) -> set[tuple[int, int]]:
    ids = [each[0] for each in asked if each is not None]
    if not ids:
        return set()
    async with database.read_session() as session:
        query = select(Run.run_id, Run.execution).where(
            col(Run.run_id).in_(ids), col(Run.life).not_in([RunLife.ENDED, RunLife.SKIPPED])
        )
        return {(run_id, execution) for run_id, execution in (await session.exec(query)).all()}


async def _end(session: AsyncSession, run_id: int, execution: int, status: str) -> bool:
    run = await session.get(Run, run_id, with_for_update={"key_share": True})
    if run is None or run.execution != execution or RunLife(run.life).is_over:
        return False
    message = f"The run's workflow was ended from outside of OpenLake ({status})."
    now = datetime.now(UTC)
    open_ones = select(TaskRun).where(TaskRun.run_id == run_id, col(TaskRun.ended_at).is_(None))
    for task_run in (await session.exec(open_ones)).all():
        await order_ending(session, task_run.task_run_id)
        task_run.result, task_run.code = TaskResult.CANCELED.value, "CANCELED"
        task_run.message, task_run.ended_at = message, now
        session.add(task_run)
        await close_attempt(session, task_run.task_run_id, message)
        await lifecycle.attempt_ended(session, task_run.task_run_id)
    mine = (RunEvent.run_id == run_id, RunEvent.execution == execution)
    earlier = select(func.count()).where(*mine, RunEvent.stream == RECONCILED)
    seq = (await session.exec(earlier)).one() + 1
    event = {"type": "run.reconciled", "at": now.isoformat(), "status": status}
    session.add(
        RunEvent(run_id=run_id, execution=execution, stream=RECONCILED, seq=seq, event=event)
    )
    await end_now(session, run, RunResult.CANCELED, message)
    await session.flush()
    await release(session, run.workspace_id, run.job_id)
    return True
