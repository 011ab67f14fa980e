"""What a job's settings may name of this stack: compute profiles, repositories, people."""

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
from spec.tasks import BUILT_IN, warehouse_engine, warehouse_of


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
    await resolve(session, caller, settings, deps.profiles)
    await _check_warehouses(session, caller, settings)
    await _check_uploads(session, caller, settings)
    if settings.git_source is not None:
        deps.git.check(settings.git_source)
    if settings.run_as is not None and settings.run_as != before:
        await _check_run_as(session, caller, settings.run_as.name)


async def _check_uploads(session: AsyncSession, caller: Caller, settings: JobSettings) -> None:
    named = {task.load_task.upload_id for task in settings.every_task() if task.load_task}
    gone = await uploads.missing(session, caller.workspace_id, named) if named else set[str]()
    if gone:
        raise Invalid(f"there is no upload '{min(gone)}'; upload the file first, it is kept a day")


async def _check_warehouses(session: AsyncSession, caller: Caller, settings: JobSettings) -> None:
    await with_default_warehouse(session, caller.workspace_id, settings)
    named = [(task.task_key, warehouse_of(task)) for task in settings.every_task()]
    if {warehouse_id for _, warehouse_id in named} <= {None, *BUILT_IN}:
        return
    known = await engines(session, caller.workspace_id)
    for task_key, warehouse_id in named:
        try:
            if warehouse_id is not None:
                warehouse_engine(warehouse_id, known)
        except ValueError as error:
            raise Invalid(f"task '{task_key}': {error}") from None


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


def runs_as(settings: JobSettings, owner: str) -> str:
    """Return whose rights a job's runs have: who `run_as` names, else the job's owner."""
    return settings.run_as.name if settings.run_as is not None else owner
