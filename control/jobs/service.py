"""What may be done to jobs."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.audit import store as audit
from control.auth import Caller
from control.bodies import validate
from control.deps import Deps
from control.jobs import rules, store, versions
from control.jobs.access import owner_of, permitted
from control.jobs.tables import Job
from control.jobs.wire import complete, page_of, tidy
from control.notifications.checks import require_destinations
from control.permissions.access import own, owners, visible
from control.permissions.levels import Kind, Level
from control.permissions.objects import Target
from control.permissions.service import assign
from control.runs import admission, quota
from control.runs.ending import cancel_queued
from control.runs.views import millis
from control.triggers import service as triggers
from control.triggers.views import states_of
from spec.api.jobs import CreateJob, JobList, JobView, ListJobs, UpdateJob
from spec.diff import changes
from spec.errors import Invalid
from spec.jobs import JobSettings

MOST_TASKS_BEFORE_2_2 = 100
_MERGED = {"tasks": "task_key", "job_clusters": "job_cluster_key"}
"""Arrays that an update merges by a key of their entries."""


def stored(settings: JobSettings) -> dict[str, Any]:
    """Return settings as the database keeps them."""
    dumped = settings.model_dump(mode="json", exclude_none=True)
    # Only runs have one; whoever copies a run's settings may send it along.
    dumped.get("git_source", {}).pop("git_snapshot", None)
    return dumped


async def create(deps: Deps, caller: Caller, new: CreateJob, version: str) -> int:
    """Make a job, owned by its creator unless the request says otherwise; return its id.

    Raises:
        Invalid, NotFound, Forbidden: of what the settings name; and as
            `control.permissions.service.assign`.
    """
    settings = new.settings
    _check_version(settings, version)
    async with deps.database.session() as session:
        await rules.check(deps, session, caller, settings)
        await require_destinations(session, caller.workspace_id, settings)
        job = Job(
            job_id=await store.next_job_id(session),
            workspace_id=caller.workspace_id,
            name=settings.name,
            settings=stored(settings),
            queues_by_default=version == "2.2",
            creator=caller.user_name,
        )
        session.add(job)
        await session.flush()
        await _give(session, caller, job, new)
        versions.note(session, job, caller.user_name, "created")
        await triggers.settle(session, job)
        audit.record(session, caller, "job.created", "job", job.job_id, settings=job.settings)
    return job.job_id


async def _give(session: AsyncSession, caller: Caller, job: Job, new: CreateJob) -> None:
    await own(session, caller, Kind.JOB, job.job_id)
    if given := new.access_control_list:
        made = Target.job(job.job_id)
        names_owner = any(each.permission_level == Level.IS_OWNER for each in given)
        await assign(session, caller, made, given, replace=names_owner)


def _check_version(settings: JobSettings, version: str) -> None:
    if version != "2.2" and len(settings.tasks) > MOST_TASKS_BEFORE_2_2:
        raise Invalid("Jobs with more than 100 tasks can only be handled by API 2.2 and above.")


async def get(
    deps: Deps,
    caller: Caller,
    job_id: int,
    version: str,
    page_token: str | None,
    *,
    with_trigger: bool = False,
) -> JobView:
    """Return a job, long arrays by pages of 100."""
    offset = paging.integer(paging.decode(page_token), "offset") or 0
    async with deps.database.read_session() as session:
        job = await permitted(session, caller, job_id, Level.CAN_VIEW)
        owner = await owner_of(session, job)
        state = (await states_of(session, [job_id])).get(job_id) if with_trigger else None
    settings = complete(job.settings)
    if version != "2.2":
        _check_version(JobSettings.model_validate(job.settings), version)
    page, following = page_of(settings, offset)
    token = paging.encode(offset=following) if following is not None else None
    return _view(job, owner, page, next_page_token=token, trigger_state=state)


def _view(job: Job, owner: str, settings: dict[str, Any], **more: Any) -> JobView:
    return JobView(
        job_id=job.job_id,
        creator_user_name=job.creator,
        run_as_user_name=rules.runs_as(_shared(job.settings), owner),
        created_time=millis(job.created_at),
        settings=settings,
        **more,
    )


def _shared(settings: dict[str, Any]) -> JobSettings:
    return JobSettings.model_validate({k: v for k, v in settings.items() if k == "run_as"})


async def list_jobs(deps: Deps, caller: Caller, query: ListJobs) -> JobList:
    """Return one page of jobs, newest first."""
    place = paging.place_of(query.page_token)
    async with deps.database.read_session() as session:
        rows = await store.page(
            session,
            caller.workspace_id,
            limit=query.limit + 1,
            below=place.below,
            above=place.above,
            name=query.name or None,
            offset=query.offset if place.is_start else 0,
            visible=visible(caller, Kind.JOB, col(Job.job_id)),
        )
        owned = await owners(session, caller.workspace_id, Kind.JOB, [row.job_id for row in rows])
        states = await states_of(session, [job.job_id for job in rows])
    page = paging.cut(rows, query.limit, place, lambda job: job.job_id)
    return JobList(
        jobs=tuple(
            _list_entry(
                job,
                owned.get(str(job.job_id), job.creator),
                query.expand_tasks,
                states.get(job.job_id),
            )
            for job in page.rows
        ),
        has_more=page.next_token is not None,
        next_page_token=page.next_token,
        prev_page_token=page.previous_token,
    )


def _list_entry(job: Job, owner: str, expand: bool, state: dict[str, Any] | None) -> JobView:
    settings = complete(job.settings)
    if not expand:
        del settings["tasks"]
        return _view(job, owner, settings, trigger_state=state)
    page, following = page_of(settings, 0)
    return _view(job, owner, page, has_more=following is not None, trigger_state=state)


async def reset(
    deps: Deps, caller: Caller, job_id: int, settings: JobSettings, version: str
) -> None:
    """Replace all settings of a job; later runs use them."""
    _check_version(settings, version)
    async with deps.database.session() as session:
        await quota.room(session, caller.workspace_id)
        job = await permitted(session, caller, job_id, Level.CAN_MANAGE, lock=True)
        if settings.run_as is None:
            # As Databricks does: who is not named stays.
            settings = settings.model_copy(update={"run_as": _shared(job.settings).run_as})
        await _replace(deps, session, caller, job, settings, "reset")


async def update(deps: Deps, caller: Caller, change: UpdateJob, version: str) -> None:
    """Replace some top-level settings; tasks and job clusters are merged by key."""
    async with deps.database.session() as session:
        await quota.room(session, caller.workspace_id)
        job = await permitted(session, caller, change.job_id, Level.CAN_MANAGE, lock=True)
        settings = validate(JobSettings, merge(job.settings, change))
        _check_version(settings, version)
        await _replace(deps, session, caller, job, settings, "updated")


async def restore(deps: Deps, caller: Caller, job_id: int, number: int) -> int:
    """Give a job the settings of one of its versions again; return its version now.

    Raises:
        NotFound: there is no such version.
        Invalid: today's OpenLake does not take those settings any more.
    """
    async with deps.database.session() as session:
        await quota.room(session, caller.workspace_id)
        job = await permitted(session, caller, job_id, Level.CAN_MANAGE, lock=True)
        old = await versions.find(session, job, number)
        settings = validate(JobSettings, old.settings)
        await _replace(deps, session, caller, job, settings, f"restored from version {number}")
        return job.version


async def _replace(
    deps: Deps,
    session: AsyncSession,
    caller: Caller,
    job: Job,
    settings: JobSettings,
    cause: str,
) -> None:
    """Write new settings into a locked job, with all that follows from them.

    The version counts up only when something is different.
    """
    await rules.check(deps, session, caller, settings, _shared(job.settings).run_as)
    await require_destinations(session, caller.workspace_id, settings)
    fresh = stored(settings)
    if changes(job.settings, fresh):
        job.version += 1
        job.settings, job.name, job.updated_at = fresh, settings.name, datetime.now(UTC)
        versions.note(session, job, caller.user_name, cause)
    action, facts = f"job.{cause.split()[0]}", {"cause": cause, "version": job.version}
    audit.record(session, caller, action, "job", job.job_id, settings=job.settings, **facts)
    await session.flush()
    await triggers.settle(session, job)
    await admission.release(session, job.workspace_id, job.job_id)


def merge(current: dict[str, Any], change: UpdateJob) -> dict[str, Any]:
    """Return settings after an update.

    Raises:
        Invalid: `fields_to_remove` names what is not there.
    """
    merged = dict(current)
    given = tidy(change.new_settings)
    for field, key in _MERGED.items():
        if isinstance(given.get(field), list):
            by_key = {each[key]: each for each in current.get(field, [])}
            for each in given[field]:
                by_key[_key_of(each, key)] = each
            given[field] = list(by_key.values())
    merged.update(given)
    for field in change.fields_to_remove:
        _remove(merged, field)
    return merged


def _key_of(entry: Any, key: str) -> Any:
    # What is no object, or has no key, is refused by the validation that follows.
    return cast(dict[str, Any], entry).get(key) if isinstance(entry, dict) else None


def _remove(settings: dict[str, Any], field: str) -> None:
    group, slash, wanted = field.partition("/")
    if not slash:
        settings.pop(field, None)
        return
    if group not in _MERGED:
        known = " or ".join(f"'{name}/<{key}>'" for name, key in _MERGED.items())
        raise Invalid(f"fields_to_remove: '{field}' is neither a setting nor {known}")
    key = _MERGED[group]
    settings[group] = [each for each in settings.get(group, []) if each[key] != wanted]


async def delete(deps: Deps, caller: Caller, job_id: int) -> None:
    """Delete a job: active runs go on, queued ones are cancelled."""
    async with deps.database.session() as session:
        job = await permitted(session, caller, job_id, Level.CAN_MANAGE, lock=True)
        job.deleted_at = datetime.now(UTC)
        await triggers.settle(session, job)
        await cancel_queued(session, caller.workspace_id, job_id)
        audit.record(session, caller, "job.deleted", "job", job_id, name=job.name)
