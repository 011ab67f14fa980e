"""What a job's settings may name of this stack: compute profiles, repositories, people."""

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.deps import Deps
from control.jobs.compute import resolve
from control.uploads import store as uploads
from control.warehouses.store import engines
from control.workspaces import principals
from control.workspaces.defaults import with_default_warehouse
from spec.errors import Forbidden, Invalid
from spec.jobs import JobSettings, RunAs
from spec.problems import Path
from spec.tasks import BUILT_IN, warehouse_engine, warehouse_of


class Refusal(NamedTuple):
    """Why settings are not taken, and where that is mended."""

    path: Path
    error: Invalid | Forbidden


async def check(
    deps: Deps,
    session: AsyncSession,
    caller: Caller,
    settings: JobSettings,
    before: RunAs | None = None,
) -> None:
    """Raise when settings name what there is not here, or whom the caller may not name.

    Args:
        deps: Of this process.
        session: To look people up.
        caller: Who wants the settings.
        settings: The settings.
        before: Whom the job ran as until now; who is left as he was needs no right.

    Raises:
        Invalid: a compute profile, a warehouse, a user or a kind of repository is unknown here, or
            clusters break their policies.
        Forbidden: only an admin of the workspace may let a job run as somebody else; or the caller
            may not use a cluster policy or an instance pool.
    """
    async for refusal in refusals(deps, session, caller, settings, before):
        raise refusal.error


async def refusals(
    deps: Deps,
    session: AsyncSession,
    caller: Caller,
    settings: JobSettings,
    before: RunAs | None = None,
) -> AsyncIterator[Refusal]:
    """Yield what `check` raises: all of it."""
    try:
        await resolve(session, caller, settings, deps.profiles)
    except (Invalid, Forbidden) as error:
        yield Refusal(place_of(settings, error.message), error)
    async for refusal in _of_warehouses(session, caller, settings):
        yield refusal
    async for refusal in _of_uploads(session, caller, settings):
        yield refusal
    try:
        if settings.git_source is not None:
            deps.git.check(settings.git_source)
    except Invalid as error:
        yield Refusal(("git_source", "git_url"), error)
    try:
        if settings.run_as is not None and settings.run_as != before:
            await _check_run_as(session, caller, settings.run_as.name)
    except (Invalid, Forbidden) as error:
        yield Refusal(("run_as",), error)


async def _of_uploads(
    session: AsyncSession, caller: Caller, settings: JobSettings
) -> AsyncIterator[Refusal]:
    loads = {task.task_key: task.load_task for task in settings.every_task() if task.load_task}
    named = {load.upload_id for load in loads.values()}
    gone = await uploads.missing(session, caller.workspace_id, named) if named else set[str]()
    for task_key, load in loads.items():
        if load.upload_id in gone:
            message = (
                f"there is no upload '{load.upload_id}'; upload the file first, it is kept a day"
            )
            yield Refusal((*_task(settings, task_key), "load_task", "upload_id"), Invalid(message))


async def _of_warehouses(
    session: AsyncSession, caller: Caller, settings: JobSettings
) -> AsyncIterator[Refusal]:
    try:
        await with_default_warehouse(session, caller.workspace_id, settings)
    except Invalid as error:
        yield Refusal(place_of(settings, error.message), error)
    named = [(task, warehouse_of(task)) for task in settings.every_task()]
    if {warehouse_id for _, warehouse_id in named} <= {None, *BUILT_IN}:
        return
    known = await engines(session, caller.workspace_id)
    for task, warehouse_id in named:
        try:
            if warehouse_id is not None:
                warehouse_engine(warehouse_id, known)
        except ValueError as error:
            place = (*_task(settings, task.task_key), task.kind, "warehouse_id")
            yield Refusal(place, Invalid(f"task '{task.task_key}': {error}"))


async def _check_run_as(session: AsyncSession, caller: Caller, name: str) -> None:
    if name == caller.user_name:
        return
    if not caller.is_admin:
        raise Forbidden(
            f"run_as names '{name}', but only an admin of the workspace may let a job run as"
            f" somebody else; name yourself ('{caller.user_name}') or leave it out"
        )
    found = await principals.find(session, caller.workspace_id, name)
    if found is None or not found.active:
        raise Invalid(f"run_as names '{name}', who is no active user of this workspace")


_OF_TASK = re.compile(r"task '([^']+)'|\btasks\[([A-Za-z0-9_-]+)\]")


def place_of(settings: JobSettings, message: str) -> Path:
    """Return the place of the task that a message speaks of; else that of the job's clusters."""
    found = _OF_TASK.search(message)
    if found is None:
        return ("job_clusters",) if "job_clusters[" in message else ()
    return _task(settings, found[1] or found[2])


def _task(settings: JobSettings, task_key: str) -> Path:
    """Return where a task stands, also one that is inside a for-each."""
    for i, task in enumerate(settings.tasks):
        if task.task_key == task_key:
            return ("tasks", i)
        if task.for_each_task is not None and task.for_each_task.task.task_key == task_key:
            return ("tasks", i, "for_each_task", "task")
    return ()


def runs_as(settings: JobSettings, owner: str) -> str:
    """Return whose rights a job's runs have: who `run_as` names, else the job's owner."""
    return settings.run_as.name if settings.run_as is not None else owner
