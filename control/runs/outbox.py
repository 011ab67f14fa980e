"""Tells Temporal what the database has decided, until it knows.

The request that writes an outbox row delivers it right after its commit; `relay` delivers what was
left, because the process died or Temporal was away. Delivering twice is harmless.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import ColumnElement
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from control.db import Database
from control.hub import OUTBOX, Hub
from control.hub import wait as wait_for
from control.jobs.snapshots import pinned_warehouses
from control.jobs.tables import Job, SettingsSnapshot
from control.metrics import Metrics
from control.runs.plans import run_plan
from control.runs.tables import OutboxKind, OutboxRow, Run, RunExecution, TaskRun
from control.statements.tables import Statement
from control.temporal import Launcher
from control.triggers.tables import Backfill
from spec.errors import Unavailable
from spec.ids import part_workflow_id, run_of, workflow_id
from spec.plans import RunPlan
from spec.statements import StatementRef, StatementState
from spec.tasks import BUILT_IN

log = structlog.get_logger(__name__)

BATCH = 32
LEASE = timedelta(seconds=15)
"""A row that a relay took up is left alone by others for so long."""
_LONGEST_PAUSE = timedelta(seconds=30)
_FAST_PATH_S = 3.0
_FAST_LEASE = timedelta(seconds=5)


async def deliver_now(database: Database, launcher: Launcher, row: OutboxRow) -> bool:
    """Deliver a row whose transaction has just been committed; False leaves it to the relay."""
    try:
        async with asyncio.timeout(_FAST_PATH_S):
            await _deliver(database, launcher, row)
    except (Unavailable, TimeoutError, SQLAlchemyError, OSError) as error:
        # The wish is committed: whatever went wrong here, the answer is yes.
        log.warning("outbox.deferred", run_id=row.run_id, kind=row.kind, error=str(error))
        return False
    return True


async def _deliver(database: Database, launcher: Launcher, row: OutboxRow) -> None:
    if row.kind == OutboxKind.TRIGGER:
        await _wake(database, launcher, row)
    elif row.statement_id is not None:
        await _tell_statement(database, launcher, row, row.statement_id)
    elif row.task_run_id is not None:
        await _cancel_task(database, launcher, row, row.task_run_id)
    else:
        async with database.read_session() as session:
            plan = await _plan(session, row.run_id)
        if row.kind == OutboxKind.CANCEL:
            await launcher.cancel(plan, row.by)
        else:
            await launcher.start(plan)
    async with database.session() as session:
        await session.exec(delete(OutboxRow).where(col(OutboxRow.outbox_id) == row.outbox_id))


async def _tell_statement(
    database: Database, launcher: Launcher, row: OutboxRow, statement_id: str
) -> None:
    async with database.read_session() as session:
        statement = await session.get_one(Statement, statement_id)
    if StatementState(statement.state).is_over:
        return
    # Who works on a statement past Temporal may have died before it heard of the order to stop.
    is_to_stop = row.kind == OutboxKind.CANCEL or statement.cancel_asked_at is not None
    ref = StatementRef(
        workspace_id=statement.workspace_id,
        warehouse_id=statement.warehouse_id,
        statement_id=statement_id,
    )
    if is_to_stop:
        await launcher.cancel_statement(ref)
    else:
        await launcher.start_statement(ref)


async def start_now(database: Database, launcher: Launcher, row: OutboxRow) -> None:
    """Deliver a statement's START, unless a worker or a relay has it already.

    It is claimed before: who cancels the statement then knows that it goes by Temporal. A worker
    that has taken the statement up has put its START off.
    """
    is_as_it_was = col(OutboxRow.not_before) == row.not_before
    mine = update(OutboxRow).where(*_unclaimed(row.statement_id or ""), is_as_it_was)
    due = datetime.now(UTC) + _FAST_LEASE
    try:
        async with database.session() as session:
            is_ours = (await session.exec(mine.values(tries=1, not_before=due))).rowcount
    except (SQLAlchemyError, OSError) as error:
        log.warning("outbox.deferred", statement_id=row.statement_id, error=str(error))
        return
    if is_ours:
        await deliver_now(database, launcher, row)


async def put_off_start(session: AsyncSession, statement_id: str, by: timedelta) -> bool:
    """Let a statement's START come later, from now; False when it is on its way already."""
    mine = update(OutboxRow).where(*_unclaimed(statement_id))
    return bool((await session.exec(mine.values(not_before=datetime.now(UTC) + by))).rowcount)


async def is_start_unclaimed(session: AsyncSession, statement_id: str) -> bool:
    """Tell whether nobody has begun to tell Temporal of a statement."""
    found = await session.exec(select(OutboxRow.outbox_id).where(*_unclaimed(statement_id)))
    return found.first() is not None


async def take_back_start(session: AsyncSession, statement_id: str) -> None:
    """Forget to tell Temporal of a statement: it has ended."""
    await session.exec(delete(OutboxRow).where(*_start_of(statement_id)))


def _start_of(statement_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(OutboxRow.statement_id) == statement_id,
        col(OutboxRow.kind) == OutboxKind.START.value,
    )


def _unclaimed(statement_id: str) -> tuple[ColumnElement[bool], ...]:
    return (*_start_of(statement_id), col(OutboxRow.tries) == 0)


async def _wake(database: Database, launcher: Launcher, row: OutboxRow) -> None:
    async with database.read_session() as session:
        job = await session.get(Job, row.job_id) if row.job_id is not None else None
        backfill = await session.get(Backfill, row.backfill_id) if row.backfill_id else None
    if job is not None:
        await launcher.wake_trigger(job.workspace_id, job.job_id)
    if backfill is not None and backfill.backfill_id is not None:
        await launcher.wake_backfill(backfill.workspace_id, backfill.backfill_id)


async def _plan(session: AsyncSession, run_id: int | None) -> RunPlan:
    query = (
        select(Run, SettingsSnapshot)
        .join(SettingsSnapshot, col(SettingsSnapshot.hash) == col(Run.settings_hash))
        .where(Run.run_id == run_id)
    )
    run, snapshot = (await session.exec(query)).one()
    execution = None
    if run.execution:
        execution = await session.get_one(RunExecution, (run.run_id, run.execution))
    pinned = await pinned_warehouses(session, snapshot)
    engines = {warehouse_id: each.engine for warehouse_id, each in pinned.items()}
    return run_plan(run, snapshot, execution, {**BUILT_IN, **engines})


async def _cancel_task(
    database: Database, launcher: Launcher, row: OutboxRow, task_run_id: int
) -> None:
    async with database.read_session() as session:
        task = await session.get(TaskRun, task_run_id)
        waiting = None if task is not None else await _plan(session, run_of(task_run_id))
    if waiting is not None:
        # So may its workflow, and a signal needs that.
        await launcher.start(waiting)
    workflow = _workflow_of(task or waiting)
    await launcher.cancel_task(workflow, task_run_id, row.by)


def _workflow_of(task: TaskRun | RunPlan | None) -> str:
    match task:
        case TaskRun(for_each_run_id=int(loop)):
            return part_workflow_id(task.run_id, task.execution, loop, task.stream)
        case TaskRun() | RunPlan():
            return workflow_id(task.run_id, task.execution)
        case None:
            raise ValueError("neither a task run nor the plan that will make it")


async def relay(
    database: Database, launcher: Launcher, hub: Hub, metrics: Metrics, interval_s: float = 1.0
) -> None:
    """Deliver due rows for ever; several relays may run at once.

    Args:
        database: Of the control plane.
        launcher: Reaches Temporal.
        hub: Started; says when a queued run was let go.
        metrics: Of this process.
        interval_s: Pause between two looks when nothing wakes us.
    """
    async with hub.follow(OUTBOX) as wake:
        while True:
            try:
                busy = await relay_once(database, launcher, metrics)
            except (SQLAlchemyError, OSError) as error:
                log.warning("outbox.database_away", error=str(error))
                busy = False
            if not busy:
                await wait_for(wake, interval_s)


async def relay_once(database: Database, launcher: Launcher, metrics: Metrics) -> bool:
    """Take up what is due and deliver it; True when there may be more."""
    rows = await _claim(database)
    results = await asyncio.gather(
        *(_deliver(database, launcher, row) for row in rows), return_exceptions=True
    )
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, BaseException):
            metrics.outbox_failures.inc()
            await _put_off(database, row, result)
    return len(rows) == BATCH


async def _claim(database: Database) -> Sequence[OutboxRow]:
    now = datetime.now(UTC)
    async with database.session() as session:
        due = (
            select(col(OutboxRow.outbox_id))
            .where(OutboxRow.not_before <= now)
            .order_by(col(OutboxRow.not_before), col(OutboxRow.outbox_id))
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        claimed = (
            update(OutboxRow)
            .where(col(OutboxRow.outbox_id).in_(due))
            .values(not_before=now + LEASE, tries=OutboxRow.tries + 1)
            .returning(OutboxRow)
        )
        return [row for (row,) in (await session.exec(claimed)).all()]


async def _put_off(database: Database, row: OutboxRow, error: BaseException) -> None:
    pause = min(timedelta(seconds=2 ** min(row.tries, 10) / 2), _LONGEST_PAUSE)
    facts = {
        "run_id": row.run_id,
        "statement_id": row.statement_id,
        "kind": row.kind,
        "tries": row.tries,
    }
    log.warning("outbox.failed", error=str(error), **facts)
    async with database.session() as session:
        await session.exec(
            update(OutboxRow)
            .where(col(OutboxRow.outbox_id) == row.outbox_id)
            .values(not_before=datetime.now(UTC) + pause, last_error=str(error)[:1000])
        )
