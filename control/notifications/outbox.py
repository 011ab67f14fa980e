"""Notes who is to be told, in the transaction of what happened."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.jobs.tables import SettingsSnapshot
from control.notifications.messages import Facts
from control.notifications.tables import Delivery, DeliveryState
from control.runs.tables import Run, TaskRun
from spec.events import (
    AttemptEnded,
    AttemptScheduled,
    DurationWarned,
    Event,
    Projection,
    RunEnded,
    RunStarted,
    TaskSkipped,
)
from spec.occasions import Level, Occasion, levels, notices

DELIVERIES = "deliveries"
"""The hub's topic: something is to be delivered."""
LONGEST = timedelta(hours=24)
"""For so long a delivery is tried."""

_REMEMBERED = 512
_levels: dict[str, dict[str | None, Level]] = {}
"""By the hash of the settings, which never change: most events are of runs that were seen before,
and most settings tell nobody."""


def new_delivery(
    *,
    workspace_id: int,
    event: str,
    channel: str,
    destination: str,
    facts: dict[str, Any],
    job_id: int = 0,
    run_id: int = 0,
    task_run_id: int = 0,
    execution: int = 0,
) -> Delivery:
    """Return a delivery that is due at once."""
    now = datetime.now(UTC)
    return Delivery(
        workspace_id=workspace_id,
        job_id=job_id,
        run_id=run_id,
        task_run_id=task_run_id,
        execution=execution,
        event=event,
        channel=channel,
        destination=destination,
        facts=facts,
        state=DeliveryState.PENDING.value,
        not_before=now,
        give_up_at=now + LONGEST,
    )


async def note(session: AsyncSession, run: Run, execution: int, occasion: Occasion) -> int:
    """Note whom an occasion is to be told; return how many. Noting it again changes nothing.

    Args:
        session: The transaction that makes the occasion true.
        run: The run, with the settings it works from.
        execution: 0 is the original, n the n-th repair.
        occasion: What happened.
    """
    level = (await _levels_of(session, run.settings_hash)).get(occasion.task_key)
    told = notices(level, occasion) if level is not None else []
    if not told:
        return 0
    facts = Facts(
        run_name=run.run_name,
        at=occasion.at,
        task_key=occasion.task_key,
        attempt=occasion.attempt,
        result=occasion.result,
        message=occasion.message,
        will_retry=occasion.will_retry,
        seconds=occasion.seconds,
    ).model_dump(mode="json")
    rows = [
        new_delivery(
            workspace_id=run.workspace_id,
            job_id=run.job_id,
            run_id=run.run_id,
            task_run_id=occasion.task_run_id,
            execution=execution,
            event=notice.event.value,
            channel=notice.channel,
            destination=notice.destination,
            facts=facts,
        ).model_dump(exclude={"delivery_id", "created_at", "ended_at"})
        for notice in told
    ]
    await session.exec(insert(Delivery).values(rows).on_conflict_do_nothing())
    await hub.notify(session, DELIVERIES)
    return len(rows)


async def tell(session: AsyncSession, run: Run, projection: Projection, event: Event) -> int:
    """Note whom one event of a run is to be told; return how many.

    The iterations of a for-each tell nobody: there may be thousands of them, and the for-each task
    itself tells how it ends.
    """
    if projection.stream:
        return 0
    task_key: str | None = getattr(event, "task_key", None)
    if task_key not in await _levels_of(session, run.settings_hash):
        return 0
    attempt = 0
    if isinstance(event, AttemptEnded):
        task_run = await session.get(TaskRun, event.task_run_id)
        attempt = task_run.attempt if task_run is not None else 0
    occasion = occasion_of(event, attempt)
    return await note(session, run, projection.execution, occasion) if occasion is not None else 0


def occasion_of(event: Event, attempt: int = 0) -> Occasion | None:
    """Return what somebody may want to be told of an event; None when it is nobody's news."""
    match event:
        case RunStarted():
            return Occasion("started", event.at)
        case RunEnded():
            return Occasion("ended", event.at, result=event.result.value, message=event.message)
        case AttemptScheduled():
            return Occasion(
                "started", event.at, event.task_key, event.task_run_id, attempt=event.attempt
            )
        case AttemptEnded():
            return Occasion(
                "ended",
                event.at,
                event.task_key,
                event.task_run_id,
                attempt=attempt,
                result=event.outcome.result.value,
                message=event.outcome.message,
                will_retry=event.retry_at is not None,
            )
        case TaskSkipped():
            return Occasion(
                "ended", event.at, event.task_key, event.task_run_id, result=event.phase.value
            )
        case DurationWarned():
            return Occasion(
                "warned",
                event.at,
                event.task_key,
                event.task_run_id or 0,
                seconds=event.seconds,
            )
        case _:
            return None


async def _levels_of(session: AsyncSession, settings_hash: str) -> dict[str | None, Level]:
    known = _levels.get(settings_hash)
    if known is None:
        snapshot = await session.get_one(SettingsSnapshot, settings_hash)
        known = levels(snapshot.settings)
        if len(_levels) >= _REMEMBERED:
            _levels.clear()
        _levels[settings_hash] = known
    return known
