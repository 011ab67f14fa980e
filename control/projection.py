"""Writes what workflows decide into the rows that people read; the only writer of started runs.

The events of a batch are appended under (run, execution, seq) and folded into the current rows in
one transaction, so that repeating a batch, whole or in part, changes nothing.
"""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from control import hub
from control.db import Database
from control.gateway.attempts import close_attempt, order_ending
from control.lineage.collect import collect_from_catalog
from control.metrics import Metrics
from control.notifications.outbox import tell
from control.runs.admission import release
from control.runs.tables import ForEachRun, Run, RunEvent, TaskRun
from control.transactions import lifecycle
from control.triggers.service import run_ended
from spec.errors import Conflict, NotFound
from spec.events import (
    AttemptEnded,
    AttemptScheduled,
    DurationWarned,
    Event,
    ForEachExpanded,
    Projection,
    Published,
    PublishRefused,
    PublishStarted,
    Recorded,
    RunEnded,
    RunStarted,
    StopRequested,
    TaskSkipped,
    TaskStopRequested,
)
from spec.states import RunLife, TaskResult

log = structlog.get_logger(__name__)


class ProjectionConflict(Conflict):
    """A batch contradicts what is stored: a bug, or an execution that was reset from outside."""

    code = "PROJECTION_CONFLICT"


class Projector:
    """The activity `project`; one object a control worker."""

    def __init__(self, database: Database, metrics: Metrics | None = None) -> None:
        """See class."""
        self._database = database
        self._metrics = metrics or Metrics()

    @activity.defn(name="project")
    async def project(self, projection: Projection) -> None:
        """Append the events and update the run's rows; harmless when repeated.

        Raises:
            ProjectionConflict: an event came again with other content, or one is missing.
        """
        try:
            async with self._database.session() as session:
                written = await write(session, projection)
        except ProjectionConflict as error:
            self._metrics.projection_conflicts.inc()
            log.error("projection.conflict", run_id=projection.run_id, error=error.message)
            raise
        self._metrics.projected.inc(written)


async def write(session: AsyncSession, projection: Projection) -> int:
    """Append and fold the events that are not stored yet; return how many those were."""
    run = await _run(session, projection)
    fresh = await _append(session, projection)
    for recorded in fresh:
        await _fold(session, run, projection, recorded.event)
        await tell(session, run, projection, recorded.event)
    if fresh:
        await session.flush()
        await hub.notify(session, hub.run_topic(run.run_id))
    ended = any(isinstance(recorded.event, RunEnded) for recorded in fresh)
    if ended and not projection.stream:
        await release(session, run.workspace_id, run.job_id)
        await run_ended(session, run)
        await lifecycle.run_ended(session, run)
    return len(fresh)


async def _run(session: AsyncSession, projection: Projection) -> Run:
    """Return the run, its row locked; parts of a for-each change no run and need not take turns."""
    # Not stronger than is needed: inserts that refer to the run go on meanwhile.
    lock = None if projection.stream else {"key_share": True}
    run = await session.get(Run, projection.run_id, with_for_update=lock)
    if run is None:
        raise NotFound(f"Run {projection.run_id} does not exist.", run_id=projection.run_id)
    return run


async def _append(session: AsyncSession, projection: Projection) -> Sequence[Recorded]:
    """Store the new events; return them in order."""
    dumped = {r.seq: r.event.model_dump(mode="json") for r in projection.events}
    mine = _stream(projection)
    known = {
        row.seq: row.event
        for row in await session.exec(
            select(RunEvent).where(*mine, col(RunEvent.seq).in_(dumped.keys()))
        )
    }
    last = await _last_seq(session, projection)
    fresh: list[Recorded] = []
    for recorded in projection.events:
        if recorded.seq in known:
            if known[recorded.seq] != dumped[recorded.seq]:
                raise ProjectionConflict(
                    f"event {recorded.seq} of run {projection.run_id} is stored with other content"
                )
            continue
        if last is not None and recorded.seq != last + 1:
            raise ProjectionConflict(
                f"event {recorded.seq} of run {projection.run_id} came after event {last}"
            )
        last = recorded.seq
        fresh.append(recorded)
    if fresh:
        rows = [
            {
                "run_id": projection.run_id,
                "execution": projection.execution,
                "stream": projection.stream,
                "seq": recorded.seq,
                "event": dumped[recorded.seq],
            }
            for recorded in fresh
        ]
        await session.exec(insert(RunEvent).values(rows))
    return fresh


def _stream(projection: Projection) -> tuple[bool, bool, bool]:
    return (
        RunEvent.run_id == projection.run_id,
        RunEvent.execution == projection.execution,
        RunEvent.stream == projection.stream,
    )


async def _last_seq(session: AsyncSession, projection: Projection) -> int | None:
    query = (
        select(RunEvent.seq).where(*_stream(projection)).order_by(col(RunEvent.seq).desc()).limit(1)
    )
    return (await session.exec(query)).first()


async def _fold(session: AsyncSession, run: Run, projection: Projection, event: Event) -> None:
    match event:
        case AttemptScheduled():
            session.add(
                TaskRun(
                    **_place(run, projection, event),
                    attempt=event.attempt,
                    scheduled_at=event.at,
                )
            )
        case TaskSkipped():
            session.add(
                TaskRun(
                    **_place(run, projection, event),
                    attempt=event.attempt,
                    result=TaskResult(event.phase.value).value,
                    scheduled_at=event.at,
                    ended_at=event.at,
                )
            )
        case ForEachExpanded():
            row = await session.get_one(ForEachRun, event.task_run_id)
            row.last_ordinal = event.first_ordinal + event.todo * event.attempts_each
            session.add(row)
        case AttemptEnded():
            await _end_attempt(session, run, event)
        case TaskStopRequested() | DurationWarned():
            pass
        case _:
            # A part of a for-each begins and ends too; that says nothing of the run.
            if not projection.stream:
                _fold_run(run, projection.execution, event)


def _place(
    run: Run, projection: Projection, event: AttemptScheduled | TaskSkipped
) -> dict[str, Any]:
    return {
        "task_run_id": event.task_run_id,
        "run_id": run.run_id,
        "execution": projection.execution,
        "stream": projection.stream,
        "for_each_run_id": projection.for_each_run_id,
        "task_key": event.task_key,
    }


OfRun = RunStarted | StopRequested | PublishStarted | Published | PublishRefused | RunEnded
"""What happens to a run as a whole."""


def _fold_run(run: Run, execution: int, event: OfRun) -> None:
    if execution != run.execution or RunLife(run.life).is_over:
        raise ProjectionConflict(
            f"run {run.run_id} is {run.life} in execution {run.execution}; {event.type} of"
            f" execution {execution} comes too late"
        )
    match event:
        case RunStarted():
            run.started_at = event.at
            run.life = RunLife.RUNNING.value
        case StopRequested():
            run.stop_cause = event.cause.value
            run.life = RunLife.TERMINATING.value
        case PublishStarted():
            run.message = "Publishing what the run wrote."
        case Published():
            run.message = ""
        case PublishRefused():
            again = f" These tasks run again: {', '.join(event.rerun)}." if event.rerun else ""
            run.message = event.message + again
        case RunEnded():
            run.life = RunLife.ENDED.value
            run.result, run.message, run.ended_at = event.result.value, event.message, event.at


async def _end_attempt(session: AsyncSession, run: Run, event: AttemptEnded) -> None:
    await session.flush()
    await order_ending(session, event.task_run_id)
    task_run = await session.get_one(TaskRun, event.task_run_id)
    outcome = event.outcome
    task_run.result = TaskResult(outcome.result.value).value
    task_run.code = outcome.code
    task_run.message = outcome.message
    task_run.started_at, task_run.work_ended_at = outcome.started_at, outcome.ended_at
    # Another machine's clock may be ahead of Temporal's.
    task_run.ended_at = max(event.at, outcome.ended_at or event.at)
    task_run.condition, task_run.retry_at = outcome.condition, event.retry_at
    session.add(task_run)
    await close_attempt(session, event.task_run_id, f"it ended as {outcome.result.value}")
    await lifecycle.attempt_ended(session, event.task_run_id)
    await collect_from_catalog(session, run, event.task_run_id, event.task_key, event.at)
