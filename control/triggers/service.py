"""Keeps a job's trigger state in step with its settings, in the transaction that changes them."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.jobs.tables import Job
from control.runs.tables import OutboxKind, OutboxRow, Run
from control.triggers.tables import TriggerState
from spec.jobs import JobSettings
from spec.schedules import CronSchedule, TriggerSettings
from spec.triggers import ActiveTrigger, TriggerKind, active_trigger

BACKFILL_KEY = "backfill_id"
"""In a run's `trigger_info`: the backfill that asked for it."""


async def settle(session: AsyncSession, job: Job) -> None:
    """Set, change or drop the trigger of a locked job as its settings now say.

    A schedule that was changed or unpaused begins anew: instants before this moment do not fire.
    Temporal learns of it by an outbox row of the same transaction.
    """
    settings = JobSettings.model_validate(job.settings)
    active = active_trigger(settings) if job.deleted_at is None else None
    known = await session.get(TriggerState, job.job_id)
    if active is None:
        if known is not None:
            await session.delete(known)
            await tell(session, job_id=job.job_id)
        return
    written = active.settings.model_dump(mode="json", exclude_none=True)
    if known is not None and (known.kind, known.settings) == (active.kind.value, written):
        return
    _arm(session, job, known, active, written)
    await tell(session, job_id=job.job_id)


def _arm(
    session: AsyncSession,
    job: Job,
    known: TriggerState | None,
    active: ActiveTrigger,
    written: dict[str, Any],
) -> None:
    now = datetime.now(UTC)
    things = watched(active)
    row = known or TriggerState(
        job_id=job.job_id,
        workspace_id=job.workspace_id,
        kind=active.kind.value,
        armed_at=now,
        handled_at=now,
    )
    if things and row.watched == things:
        # Only how long to wait is new: what was seen stays seen.
        row.settings, row.kind = written, active.kind.value
        session.add(row)
        return
    row.kind, row.settings, row.watched = active.kind.value, written, things
    row.armed_at = row.handled_at = now
    row.next_at = row.fired_at = row.changed_at = row.firing_at = None
    row.has_looked, row.handled, row.seen = False, {}, {}
    row.failures, row.last_error = 0, ""
    session.add(row)


def watched(active: ActiveTrigger) -> list[str]:
    """Return what a trigger of files or tables looks at; empty for every other one."""
    if not isinstance(active.settings, TriggerSettings):
        return []
    if active.settings.file_arrival is not None:
        return [active.settings.file_arrival.url]
    if active.settings.table_update is not None:
        return sorted(active.settings.table_update.table_names)
    return []


def read_back(row: TriggerState) -> ActiveTrigger:
    """Return the trigger that a row is about."""
    kind = TriggerKind(row.kind)
    if kind is TriggerKind.CRON:
        return ActiveTrigger(kind, CronSchedule.model_validate(row.settings))
    if kind is TriggerKind.CONTINUOUS:
        found = active_trigger(JobSettings.model_validate({"continuous": row.settings}))
        if found is None:
            raise ValueError(f"the continuous trigger of job {row.job_id} is paused")
        return found
    return ActiveTrigger(kind, TriggerSettings.model_validate(row.settings))


async def tell(
    session: AsyncSession, *, job_id: int | None = None, backfill_id: int | None = None
) -> None:
    """Have the workflow of a trigger or backfill look again, once the session commits."""
    session.add(
        OutboxRow(
            job_id=job_id,
            backfill_id=backfill_id,
            kind=OutboxKind.TRIGGER.value,
            not_before=datetime.now(UTC),
        )
    )
    await session.flush()
    await hub.notify(session, hub.OUTBOX)


async def run_ended(session: AsyncSession, run: Run) -> None:
    """Tell those who wait for a run's end: its job's continuous trigger, and its backfill."""
    if (backfill_id := run.trigger_info.get(BACKFILL_KEY)) is not None:
        await tell(session, backfill_id=int(backfill_id))
    query = select(TriggerState.job_id).where(
        TriggerState.job_id == run.job_id, TriggerState.kind == TriggerKind.CONTINUOUS.value
    )
    if (await session.exec(query)).first() is not None:
        await tell(session, job_id=run.job_id)


async def is_continuous(session: AsyncSession, workspace_id: int, job_id: int) -> bool:
    """Tell whether one run of the job is to be active at all times."""
    row = await session.get(TriggerState, job_id)
    is_it = row is not None and row.kind == TriggerKind.CONTINUOUS.value
    return is_it and row is not None and row.workspace_id == workspace_id


async def tell_all(session: AsyncSession) -> None:
    """Have every trigger look again: after a start, nothing relies on what Temporal remembers."""
    known = select(OutboxRow.job_id).where(OutboxRow.kind == OutboxKind.TRIGGER.value)
    told = {job_id for job_id in (await session.exec(known)).all() if job_id is not None}
    for job_id in (await session.exec(select(TriggerState.job_id))).all():
        if job_id not in told:
            session.add(
                OutboxRow(
                    job_id=job_id, kind=OutboxKind.TRIGGER.value, not_before=datetime.now(UTC)
                )
            )
    await session.flush()
