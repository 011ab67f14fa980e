"""What may be done with backfills, and the activity that keeps one going.

Each logical date's run has the key `backfill:<id>:<instant>`, so asking for it twice makes one run.
"""

from collections import Counter
from datetime import UTC, datetime

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from control import paging
from control.audit import store as audit
from control.auth import Caller, caller_named
from control.deps import Deps
from control.heartbeats import beating
from control.jobs import store as jobs
from control.jobs.access import permitted
from control.permissions.access import require
from control.permissions.levels import Kind, Level
from control.runs import ending, outbox
from control.runs.admission import Ask, run_parameters
from control.runs.gathering import admit_gathered
from control.triggers import backfill_store as store
from control.triggers.service import BACKFILL_KEY, tell
from control.triggers.tables import Backfill, BackfillDate
from spec.api.backfills import BackfillDateView, BackfillState, BackfillView, StartBackfill
from spec.backfills import (
    BY_SCHEDULE,
    Range,
    check_parameters,
    parameters_at,
    parse_bound,
)
from spec.errors import Invalid, OpenLakeError
from spec.jobs import JobSettings
from spec.triggers import BackfillRef, BackfillStep

PAGE = 1_000


async def start(deps: Deps, caller: Caller, job_id: int, wish: StartBackfill) -> BackfillView:
    """Order a backfill, or say what it would be."""
    async with deps.database.session() as session:
        # Locked, so that the same order sent twice at once is one.
        job = await permitted(session, caller, job_id, Level.CAN_MANAGE_RUN, lock=True)
        if known := await store.by_token(session, job_id, wish.idempotency_token):
            return _view(known, await store.tally(session, _id(known)))
        settings = JobSettings.model_validate(job.settings)
        asked = range_of(wish, settings)
        dates = asked.dates()[:: -1 if wish.reverse else 1]
        check_parameters(wish.parameters)
        run_parameters(settings, wish.parameters)
        row = Backfill(
            workspace_id=caller.workspace_id,
            job_id=job_id,
            first_at=asked.first,
            last_at=asked.last,
            every=asked.every,
            is_reverse=wish.reverse,
            max_concurrent=wish.max_concurrent_runs,
            parameters=wish.parameters,
            total=len(dates),
            creator=caller.user_name,
            idempotency_token=wish.idempotency_token,
        )
        if wish.dry_run:
            shown = tuple(
                BackfillDateView(at=at, parameters=parameters_at(wish.parameters, at))
                for at in dates[:PAGE]
            )
            return _view(row, Counter(), dates=shown)
        await _create(session, caller, row, dates)
    return _view(row, Counter())


async def rerun(deps: Deps, caller: Caller, job_id: int, backfill_id: int) -> BackfillView:
    """Order a new backfill of the dates of an ended one that did not succeed.

    Raises:
        Invalid: it has not ended, or every date succeeded.
    """
    async with deps.database.session() as session:
        await permitted(session, caller, job_id, Level.CAN_MANAGE_RUN)
        old = await store.get(session, caller.workspace_id, job_id, backfill_id)
        if old.ended_at is None:
            raise Invalid(f"Backfill {backfill_id} has not ended yet; follow it, or cancel it.")
        dates = await store.unfinished(session, backfill_id)
        if not dates:
            raise Invalid(f"Every date of backfill {backfill_id} succeeded; nothing is to rerun.")
        row = Backfill(
            workspace_id=old.workspace_id,
            job_id=job_id,
            first_at=min(dates),
            last_at=max(dates),
            every=old.every,
            is_reverse=old.is_reverse,
            max_concurrent=old.max_concurrent,
            parameters=old.parameters,
            total=len(dates),
            creator=caller.user_name,
        )
        await _create(session, caller, row, dates)
    return _view(row, Counter())


async def _create(
    session: AsyncSession, caller: Caller, row: Backfill, dates: list[datetime]
) -> None:
    session.add(row)
    await session.flush()
    backfill_id = _id(row)
    await store.keep_dates(session, backfill_id, dates)
    facts = {"job_id": row.job_id, "total": row.total, "parameters": row.parameters}
    audit.record(session, caller, "backfill.created", "backfill", backfill_id, **facts)
    await tell(session, backfill_id=backfill_id)


def range_of(wish: StartBackfill, settings: JobSettings) -> Range:
    """Return the range that a wish means for a job.

    Raises:
        Invalid: a date, zone or interval cannot be read.
    """
    schedule = settings.schedule
    every = wish.every or (BY_SCHEDULE if schedule else "1d")
    of_schedule = schedule.timezone_id if schedule and every == BY_SCHEDULE else "UTC"
    zone = wish.timezone_id or of_schedule
    first = parse_bound(wish.first, zone, is_last=False)
    last = parse_bound(wish.last, zone, is_last=True)
    if last < first:
        raise Invalid(f"the range ends before it begins: from {wish.first} to {wish.last}")
    return Range(first, last, every, zone, schedule)


async def get(
    deps: Deps,
    caller: Caller,
    job_id: int,
    backfill_id: int,
    page_token: str | None,
    *,
    with_dates: bool = True,
) -> BackfillView:
    """Return how far a backfill is, with its dates by pages."""
    offset = paging.integer(paging.decode(page_token), "offset") or 0
    async with deps.database.read_session() as session:
        await _require(session, caller, job_id, Level.CAN_VIEW)
        row = await store.get(session, caller.workspace_id, job_id, backfill_id)
        counts = await store.tally(session, backfill_id)
        if not with_dates:
            return _view(row, counts)
        dates = await store.page(session, backfill_id, offset, PAGE + 1)
    token = paging.encode(offset=offset + PAGE) if len(dates) > PAGE else None
    return _view(row, counts, dates=tuple(dates[:PAGE]), token=token)


async def list_backfills(deps: Deps, caller: Caller, job_id: int) -> tuple[BackfillView, ...]:
    """Return the newest backfills of a job."""
    async with deps.database.read_session() as session:
        await _require(session, caller, job_id, Level.CAN_VIEW)
        rows = await store.of_job(session, caller.workspace_id, job_id)
        return tuple([_view(row, await store.tally(session, _id(row))) for row in rows])


async def _require(session: AsyncSession, caller: Caller, job_id: int, wanted: Level) -> None:
    """Ask for a level on a job, which may be deleted: what it did can still be looked at.

    Raises:
        NotFound: the workspace never had such a job.
        Forbidden: the caller lacks the level.
    """
    await jobs.get_any(session, caller.workspace_id, job_id)
    await require(session, caller, Kind.JOB, job_id, wanted)


async def cancel(deps: Deps, caller: Caller, job_id: int, backfill_id: int) -> None:
    """Start no more runs of a backfill and cancel those that are active."""
    async with deps.database.session() as session:
        await _require(session, caller, job_id, Level.CAN_MANAGE_RUN)
        row = await store.get(session, caller.workspace_id, job_id, backfill_id, lock=True)
        if row.ended_at is not None or row.cancelled_at is not None:
            return
        row.cancelled_at = datetime.now(UTC)
        session.add(row)
        runs = await store.active_runs(session, backfill_id)
        told = [await ending.cancel(session, run, caller.user_name) for run in runs]
        audit.record(session, caller, "backfill.cancelled", "backfill", backfill_id)
        await tell(session, backfill_id=backfill_id)
    for each in filter(None, told):
        await outbox.deliver_now(deps.database, deps.launcher, each)


def _view(
    row: Backfill,
    counts: Counter[str],
    *,
    dates: tuple[BackfillDateView, ...] | None = None,
    token: str | None = None,
) -> BackfillView:
    succeeded = sum(counts[state] for state in store.SUCCEEDED)
    active = sum(counts[state] for state in store.ACTIVE)
    failed = sum(counts.values()) - succeeded - active - counts[store.WAITING]
    return BackfillView(
        backfill_id=row.backfill_id,
        job_id=row.job_id,
        state=_state_of(row, failed),
        first=row.first_at,
        last=row.last_at,
        every=row.every,
        max_concurrent_runs=row.max_concurrent,
        reverse=row.is_reverse,
        parameters=row.parameters,
        total=row.total,
        done=succeeded + failed,
        succeeded=succeeded,
        failed=failed,
        active=active,
        creator_user_name=row.creator,
        created_at=row.created_at,
        ended_at=row.ended_at,
        dates=dates,
        next_page_token=token,
    )


def _state_of(row: Backfill, failed: int) -> BackfillState:
    if row.ended_at is None:
        return "RUNNING"
    if row.cancelled_at is not None:
        return "CANCELED"
    return "FAILED" if failed else "SUCCEEDED"


def _id(row: Backfill) -> int:
    if row.backfill_id is None:
        raise ValueError("the backfill is not stored yet")
    return row.backfill_id


class Backfills:
    """The activity `advance_backfill` of `spec.ports`."""

    def __init__(self, deps: Deps) -> None:
        """See class."""
        self._deps = deps

    @activity.defn(name="advance_backfill")
    async def advance_backfill(self, ref: BackfillRef) -> BackfillStep:
        """See `spec.ports.advance_backfill`."""
        async with beating():
            return await self._advance(ref)

    async def _advance(self, ref: BackfillRef) -> BackfillStep:
        while True:
            async with self._deps.database.read_session() as session:
                row = await session.get_one(Backfill, ref.backfill_id)
                view = _view(row, await store.tally(session, ref.backfill_id))
                free = 0 if row.cancelled_at else row.max_concurrent - view.active
                dates = await store.waiting(session, ref.backfill_id, max(free, 0))
            if not dates:
                break
            for date in dates:
                await self._start(row, date)
        is_over = not view.active and (row.cancelled_at is not None or view.done == view.total)
        if is_over and row.ended_at is None:
            async with self._deps.database.session() as session:
                ended = await session.get_one(Backfill, ref.backfill_id)
                ended.ended_at = datetime.now(UTC)
                session.add(ended)
        return BackfillStep(done=view.done, total=view.total, is_over=is_over)

    async def _start(self, row: Backfill, date: BackfillDate) -> None:
        """Make the run of one date; a reason why there can be none is kept instead.

        Raises:
            OpenLakeError: something is away; Temporal asks again.
        """
        ask = Ask(
            job_id=row.job_id,
            trigger="ONE_TIME",
            key=f"backfill:{row.backfill_id}:{date.at.isoformat()}",
            parameters=parameters_at(row.parameters, date.at),
            queue=True,
            triggered_at=date.at,
            trigger_info={BACKFILL_KEY: row.backfill_id},
        )
        run_id, reason = None, ""
        try:
            async with self._deps.database.read_session() as session:
                caller = await caller_named(session, row.workspace_id, row.creator)
                await permitted(session, caller, row.job_id, Level.CAN_MANAGE_RUN)
            admitted = await admit_gathered(self._deps, caller, ask)
            run_id = admitted.run.run_id
            if admitted.outbox is not None:
                await outbox.deliver_now(self._deps.database, self._deps.launcher, admitted.outbox)
        except OpenLakeError as error:
            if error.retryable:
                raise
            reason = error.message
        async with self._deps.database.session() as session:
            kept = await session.get_one(BackfillDate, (date.backfill_id, date.number))
            kept.run_id, kept.error = run_id, reason
            session.add(kept)
