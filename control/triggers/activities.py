"""The activity behind a trigger's workflow: fire what is due, once, and say when to look again.

Every firing has a key made of the job and the instant (or the run before it), so that a repeated
one finds the run that the first one made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import col, select, update
from temporalio import activity

from control.auth import Caller, caller_named
from control.deps import Deps
from control.heartbeats import beating
from control.jobs.access import owner_of
from control.jobs.rules import runs_as
from control.jobs.tables import Job
from control.permissions.access import require
from control.permissions.levels import Kind, Level
from control.runs import outbox
from control.runs.admission import Ask, find_by_key
from control.runs.gathering import admit_gathered
from control.runs.tables import Run
from control.triggers.service import read_back
from control.triggers.tables import TriggerState
from control.triggers.watching import Watcher
from spec.errors import OpenLakeError
from spec.events import RunResult
from spec.jobs import JobSettings
from spec.schedules import CronSchedule, FileArrivalTrigger, TableUpdateTrigger, TriggerSettings
from spec.states import RunLife
from spec.triggers import (
    CATCH_UP,
    Look,
    Sight,
    TriggerKind,
    TriggerStep,
    TriggerTick,
    WatchRule,
    cron_due,
    look,
    pause_after,
    periodic_due,
)

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(seconds=10)
"""How often files and tables are looked at."""

LOOK_ANYWAY = timedelta(minutes=1)
"""The end of a run wakes a continuous trigger; a look so often makes up for a lost word."""

_LAST_RUNS = 20
_ACTIVE = tuple(life.value for life in RunLife if not life.is_over)
_FAILED = (RunResult.FAILED.value, RunResult.TIMEDOUT.value)


@dataclass(frozen=True)
class _Firing:
    key: str
    at: datetime
    info: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class _Fired:
    run_id: int | None
    error: str = ""


class Triggers:
    """The activity `advance_trigger` of `spec.ports`; one object a control worker."""

    def __init__(
        self,
        deps: Deps,
        watcher: Watcher,
        *,
        catch_up: timedelta = CATCH_UP,
        look_every: timedelta = LOOK_EVERY,
    ) -> None:
        """See class.

        Args:
            deps: Of this process.
            watcher: Looks at files and tables.
            catch_up: How late a missed instant may still fire.
            look_every: Pause between two looks at files and tables.
        """
        self._deps = deps
        self._watcher = watcher
        self._catch_up = catch_up
        self._look_every = look_every

    @activity.defn(name="advance_trigger")
    async def advance_trigger(self, tick: TriggerTick) -> TriggerStep:
        """See `spec.ports.advance_trigger`."""
        async with beating():
            return await self._advance(tick)

    async def _advance(self, tick: TriggerTick) -> TriggerStep:
        async with self._deps.database.read_session() as session:
            row = await session.get(TriggerState, tick.job_id)
            job = await session.get(Job, tick.job_id)
        if row is None or job is None or job.deleted_at is not None:
            return TriggerStep()
        kind = TriggerKind(row.kind)
        if kind in (TriggerKind.CRON, TriggerKind.PERIODIC):
            return await self._by_clock(job, row, tick.now)
        if kind is TriggerKind.CONTINUOUS:
            return await self._never_ending(job, row, tick.now)
        return await self._by_change(job, row, tick.now)

    async def _by_clock(self, job: Job, row: TriggerState, now: datetime) -> TriggerStep:
        given = read_back(row).settings
        if isinstance(given, CronSchedule):
            due = cron_due(given, row.handled_at, now, self._catch_up)
        elif isinstance(given, TriggerSettings) and given.periodic is not None:
            armed, handled = row.armed_at, row.handled_at
            due = periodic_due(given.periodic, armed, handled, now, self._catch_up)
        else:
            return TriggerStep()
        if due.fire is None:
            await self._keep(row, next_at=due.following)
            return TriggerStep(wake_at=due.following)
        fired = await self._fire(job, row, _Firing(_instant_key(job, due.fire), due.fire))
        await self._keep(
            row, handled_at=due.fire, next_at=due.following, **_outcome(fired, due.fire)
        )
        return TriggerStep(wake_at=due.following, fired_for=due.fire, run_id=fired.run_id)

    async def _never_ending(self, job: Job, row: TriggerState, now: datetime) -> TriggerStep:
        async with self._deps.database.read_session() as session:
            mine = select(Run).where(Run.job_id == job.job_id)
            active = mine.where(col(Run.life).in_(_ACTIVE)).limit(1)
            if (await session.exec(active)).first() is not None:
                return TriggerStep(wake_at=now + LOOK_ANYWAY)
            newest = mine.order_by(col(Run.run_id).desc()).limit(_LAST_RUNS)
            last = list((await session.exec(newest)).all())
        failures = _failures(last, row.armed_at)
        ended = last[0].ended_at if last else None
        begin = row.armed_at if ended is None else ended + pause_after(failures)
        begin = max(row.armed_at, begin)
        if begin > now:
            await self._keep(row, next_at=begin, failures=failures)
            return TriggerStep(wake_at=begin)
        key = f"trigger:{job.job_id}:after:{last[0].run_id if last else 0}"
        fired = await self._fire(job, row, _Firing(key, begin))
        await self._keep(row, next_at=None, failures=failures, **_outcome(fired, begin))
        # What could not be admitted is tried again after a while.
        wake = now + LOOK_ANYWAY
        return TriggerStep(wake_at=wake, fired_for=begin, run_id=fired.run_id)

    async def _by_change(self, job: Job, row: TriggerState, now: datetime) -> TriggerStep:
        if row.firing_at is not None:
            # The process died between deciding and the run.
            return await self._fire_for_change(job, row, row.firing_at, now)
        try:
            found = await self._look(row, now)
        except OpenLakeError as error:
            if error.retryable:
                raise
            await self._keep(row, last_error=error.message)
            return TriggerStep(wake_at=now + 6 * self._look_every)
        row.has_looked, row.handled = True, dict(found.sight.handled or {})
        row.seen, row.changed_at = dict(found.sight.seen), found.sight.changed_at
        row.firing_at = now if found.is_due else None
        await self._keep(
            row,
            has_looked=True,
            handled=row.handled,
            seen=row.seen,
            changed_at=row.changed_at,
            firing_at=row.firing_at,
            last_error="",
        )
        if row.firing_at is None:
            return TriggerStep(wake_at=now + self._look_every)
        return await self._fire_for_change(job, row, row.firing_at, now)

    async def _look(self, row: TriggerState, now: datetime) -> Look:
        given = read_back(row).settings
        if not isinstance(given, TriggerSettings):
            raise TypeError(f"job {row.job_id} watches nothing")
        sight = Sight(
            handled=row.handled if row.has_looked else None,
            seen=row.seen,
            changed_at=row.changed_at,
            fired_at=row.fired_at,
        )
        if given.file_arrival is not None:
            marks = await self._watcher.files(given.file_arrival.url)
            return look(sight, marks, _rule(given.file_arrival), row.armed_at, now)
        if given.table_update is None:
            raise TypeError(f"job {row.job_id} watches nothing")
        marks = await self._watcher.tables(given.table_update.table_names)
        return look(sight, marks, _rule(given.table_update), row.armed_at, now)

    async def _fire_for_change(
        self, job: Job, row: TriggerState, at: datetime, now: datetime
    ) -> TriggerStep:
        news = [name for name, version in row.seen.items() if row.handled.get(name) != version]
        if row.kind == TriggerKind.FILE_ARRIVAL.value:
            info: dict[str, Any] = {"location": row.watched[0], "files": len(news)}
        else:
            info = {"tables": {name: row.seen[name] for name in sorted(news)}}
        fired = await self._fire(job, row, _Firing(_instant_key(job, at), at, info))
        await self._keep(row, handled=row.seen, firing_at=None, **_outcome(fired, at))
        return TriggerStep(wake_at=now + self._look_every, fired_for=at, run_id=fired.run_id)

    async def _fire(self, job: Job, row: TriggerState, firing: _Firing) -> _Fired:
        """Ask for the run; a reason why there can be none is kept, and the trigger goes on.

        Raises:
            OpenLakeError: something is away; Temporal asks again.
        """
        ask = Ask(
            job_id=job.job_id,
            trigger=TriggerKind(row.kind).of_run,
            key=firing.key,
            queue=True if row.kind == TriggerKind.CONTINUOUS.value else None,
            triggered_at=firing.at,
            trigger_info=dict(firing.info),
        )
        caller = Caller.acting_for(job.workspace_id, job.creator)
        facts = {"job_id": job.job_id, "kind": row.kind, "instant": firing.at.isoformat()}
        try:
            await self._check_runner(job, caller, firing)
            admitted = await admit_gathered(self._deps, caller, ask)
        except OpenLakeError as error:
            if error.retryable:
                raise
            log.warning("trigger.refused", error=error.message, **facts)
            return _Fired(None, error.message)
        if admitted.outbox is not None:
            await outbox.deliver_now(self._deps.database, self._deps.launcher, admitted.outbox)
        run = admitted.run
        log.info("trigger.fired", run_id=run.run_id, life=run.life, **facts)
        return _Fired(run.run_id)

    async def _check_runner(self, job: Job, caller: Caller, firing: _Firing) -> None:
        """Ask whether the job may still be run by whose rights its runs have: nobody else asks.

        What the run may use is admission's to see. A service principal was named by an admin, and
        needs nothing on the job itself, as on Databricks.

        Raises:
            Forbidden: the principal is gone, or has lost CAN_MANAGE_RUN on the job.
        """
        settings = JobSettings.model_validate(job.settings)
        async with self._deps.database.read_session() as session:
            if await find_by_key(session, caller, firing.key) is not None:
                return
            name = runs_as(settings, await owner_of(session, job))
            runner = await caller_named(session, job.workspace_id, name)
            if settings.run_as is None or settings.run_as.service_principal_name is None:
                await require(session, runner, Kind.JOB, job.job_id, Level.CAN_MANAGE_RUN)

    async def _keep(self, row: TriggerState, **values: Any) -> None:
        """Write what is known now, unless the trigger was changed or removed meanwhile."""
        async with self._deps.database.session() as session:
            await session.exec(
                update(TriggerState)
                .where(
                    col(TriggerState.job_id) == row.job_id,
                    col(TriggerState.armed_at) == row.armed_at,
                )
                .values(updated_at=datetime.now(row.armed_at.tzinfo), **values)
            )


def _instant_key(job: Job, at: datetime) -> str:
    return f"trigger:{job.job_id}:{at.isoformat()}"


def _outcome(fired: _Fired, at: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {"fired_at": at, "last_error": fired.error}
    return values if fired.run_id is None else {**values, "last_run_id": fired.run_id}


def _rule(given: FileArrivalTrigger | TableUpdateTrigger) -> WatchRule:
    is_all = isinstance(given, TableUpdateTrigger) and given.condition == "ALL_UPDATED"
    return WatchRule(
        wait=timedelta(seconds=given.wait_after_last_change_seconds or 0),
        between=timedelta(seconds=given.min_time_between_triggers_seconds or 0),
        all_of=given.table_names if isinstance(given, TableUpdateTrigger) and is_all else (),
    )


def _failures(newest_first: list[Run], armed: datetime) -> int:
    """Return how many runs in a row failed, the newest first, since the trigger was set."""
    count = 0
    for run in newest_first:
        if run.result not in _FAILED or run.created_at < armed:
            break
        count += 1
    return count
