"""Jobs at a glance: what starts them, how their newest runs went, what the caller may do."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.auth import Caller
from control.deps import Deps
from control.jobs import overview_store as store
from control.jobs.access import permitted
from control.jobs.overview_store import After, Facts, RunFacts
from control.jobs.rules import runs_as
from control.jobs.tables import Job
from control.permissions.access import levels, owners, visible
from control.permissions.levels import Kind, Level
from control.runs.glances import instant, span
from control.runs.views import millis
from control.triggers.tables import TriggerState
from spec.api.overview import (
    JobOverview,
    JobOverviewList,
    JobTrigger,
    LastRun,
    ListJobOverviews,
    PreviewSchedule,
    SchedulePreview,
    TriggerWord,
)
from spec.cron import parse_cron
from spec.cron_fire import next_fires
from spec.cron_words import describe
from spec.errors import Invalid
from spec.events import RunResult
from spec.jobs import JobSettings
from spec.schedules import CronSchedule
from spec.states import RunLife, run_word
from spec.trigger_words import describe_trigger
from spec.triggers import TriggerKind, next_instant, set_trigger

_KINDS: dict[TriggerKind, TriggerWord] = {
    TriggerKind.CRON: "schedule",
    TriggerKind.PERIODIC: "periodic",
    TriggerKind.FILE_ARRIVAL: "file_arrival",
    TriggerKind.TABLE: "table_update",
    TriggerKind.CONTINUOUS: "continuous",
}
_SHARED = ("run_as", "schedule", "trigger", "continuous")
"""The settings that are read as such; all others are shown as they are stored."""


async def list_overviews(deps: Deps, caller: Caller, query: ListJobOverviews) -> JobOverviewList:
    """Return one page of jobs; a fixed number of queries, however many jobs and runs there are."""
    async with deps.database.read_session() as session:
        found = await store.page(
            session,
            caller.workspace_id,
            query,
            after=_after(query),
            limit=query.limit + 1,
            visible=visible(caller, Kind.JOB, col(Job.job_id)),
        )
        shown = found[: query.limit]
        jobs = await _overviews(session, caller, [job_id for job_id, _ in shown])
    token = None
    if len(found) > query.limit:
        job_id, key = shown[-1]
        token = paging.encode(sort=query.sort, key=key, job_id=job_id)
    return JobOverviewList(jobs=tuple(jobs), next_page_token=token)


def _after(query: ListJobOverviews) -> After | None:
    place = paging.decode(query.page_token)
    if not place:
        return None
    key, job_id = place.get("key"), paging.integer(place, "job_id")
    fits = isinstance(key, str) if query.sort == "name" else isinstance(key, int)
    if key is None or job_id is None or place.get("sort") != query.sort or not fits:
        raise Invalid("'page_token' is not one that this server gave out for this order.")
    return After(key, job_id)


async def overview(deps: Deps, caller: Caller, job_id: int) -> JobOverview:
    """Return one job.

    Raises:
        NotFound, Forbidden: see `control.jobs.access.permitted`.
    """
    async with deps.database.read_session() as session:
        await permitted(session, caller, job_id, Level.CAN_VIEW)
        return (await _overviews(session, caller, [job_id]))[0]


async def _overviews(
    session: AsyncSession, caller: Caller, job_ids: list[int]
) -> list[JobOverview]:
    if not job_ids:
        return []
    facts = await store.facts(session, job_ids)
    runs: defaultdict[int, list[RunFacts]] = defaultdict(list)
    for run in await store.last_runs(session, job_ids):
        runs[run.job_id].append(run)
    owned = await owners(session, caller.workspace_id, Kind.JOB, job_ids)
    held = await levels(session, caller, Kind.JOB, job_ids)
    armed = await _armed(session, job_ids)
    now = datetime.now(UTC)
    return [
        _overview(
            facts[job_id],
            runs[job_id],
            owned.get(str(job_id), facts[job_id].creator),
            held[str(job_id)],
            armed.get(job_id),
            now,
        )
        for job_id in job_ids
    ]


async def _armed(session: AsyncSession, job_ids: list[int]) -> dict[int, datetime]:
    """Return job → when its trigger was set, of jobs with an active one."""
    query = select(TriggerState.job_id, TriggerState.armed_at)
    query = query.where(col(TriggerState.job_id).in_(job_ids))
    return dict((await session.exec(query)).all())


def _overview(
    facts: Facts,
    runs: list[RunFacts],
    owner: str,
    held: Level,
    armed: datetime | None,
    now: datetime,
) -> JobOverview:
    given: dict[str, Any] = facts.settings
    shared = JobSettings.model_validate({name: given[name] for name in _SHARED if name in given})
    return JobOverview(
        job_id=facts.job_id,
        name=facts.name,
        description=given.get("description"),
        tags=given.get("tags", {}),
        creator_user_name=facts.creator,
        owner_user_name=owner,
        run_as_user_name=runs_as(shared, owner),
        created_at=millis(facts.created_at),
        edit_mode=given.get("edit_mode"),
        task_count=facts.task_count,
        task_types=tuple(sorted(set(facts.task_types))),
        trigger=_trigger(shared, armed, now),
        last_runs=tuple(map(_last_run, runs)),
        permission_level=held.value,
    )


def _trigger(settings: JobSettings, armed: datetime | None, now: datetime) -> JobTrigger:
    found = set_trigger(settings)
    if found is None:
        return JobTrigger(kind="none", words="")
    given = found.settings
    is_active = given.pause_status == "UNPAUSED"
    return JobTrigger(
        kind=_KINDS[found.kind],
        words=describe_trigger(found),
        pause_status=given.pause_status,
        next_fire_at=instant(next_instant(given, armed, now)) if is_active else None,
        timezone_id=given.timezone_id if isinstance(given, CronSchedule) else None,
    )


def _last_run(run: RunFacts) -> LastRun:
    return LastRun(
        run_id=run.run_id,
        state=run_word(RunLife(run.life), None if run.result is None else RunResult(run.result)),
        start_time=millis(run.created_at),
        end_time=instant(run.ended_at),
        run_duration=span(run.created_at, run.ended_at),
        trigger=run.trigger,
    )


def preview(order: PreviewSchedule) -> SchedulePreview:
    """Return what a schedule means from now on."""
    cron, zone = parse_cron(order.quartz_cron_expression), order.timezone_id
    instants = next_fires(cron, datetime.now(UTC), zone, order.count)
    return SchedulePreview(words=describe(cron, zone), instants=tuple(map(millis, instants)))
