"""Who may do what with a run: what they may do with its job.

A one-time submitted run has no job: it belongs to who submitted it. Who was given something on it
(`access_control_list` of `runs/submit`) was given it on the job id that the run has all the same.
"""

from sqlalchemy import ColumnElement, or_, true
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from control.auth import Caller
from control.permissions.access import require, visible
from control.permissions.levels import Kind, Level
from control.runs import store
from control.runs.tables import Run, TaskRun
from spec.ids import is_task_run, run_of

SUBMITTED = "SUBMIT_RUN"
"""The `run_type` of a run without a job."""


async def check(session: AsyncSession, caller: Caller, run: Run, wanted: Level) -> None:
    """Let only those pass who may do so much with a run.

    Raises:
        Forbidden: the caller may not.
    """
    if run.run_type == SUBMITTED and run.creator == caller.user_name:
        return
    await require(session, caller, Kind.JOB, run.job_id, wanted)


async def permitted(
    session: AsyncSession,
    caller: Caller,
    run_id: int,
    wanted: Level = Level.CAN_VIEW,
    *,
    lock: bool = False,
) -> Run:
    """Return a run that the caller may do so much with.

    Raises:
        NotFound: there is no such run in the caller's workspace.
        Forbidden: the caller lacks the level on its job.
    """
    run = await store.get(session, caller.workspace_id, run_id, lock=lock)
    await check(session, caller, run, wanted)
    return run


async def permitted_task(
    session: AsyncSession, caller: Caller, task_run_id: int, wanted: Level = Level.CAN_VIEW
) -> TaskRun:
    """Return one task run, if the caller may do so much with its run.

    Raises:
        NotFound, Forbidden: as `permitted`.
    """
    if is_task_run(task_run_id):
        await permitted(session, caller, run_of(task_run_id), wanted)
    return await store.task_run(session, caller.workspace_id, task_run_id)


def runs_visible(caller: Caller) -> SelectOfScalar[int]:
    """Return the query of the ids of the runs that a caller may see, for what refers to runs."""
    return select(Run.run_id).where(Run.workspace_id == caller.workspace_id, visible_runs(caller))


def visible_runs(caller: Caller) -> ColumnElement[bool]:
    """Return the condition that keeps the runs that the caller may see."""
    if caller.is_admin:
        return true()
    mine = (col(Run.run_type) == SUBMITTED) & (col(Run.creator) == caller.user_name)
    return or_(mine, visible(caller, Kind.JOB, col(Run.job_id)))
