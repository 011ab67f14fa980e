"""Who may do what with a job, and who owns it."""

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.jobs import store
from control.jobs.tables import Job
from control.permissions.access import owners, require
from control.permissions.levels import Kind, Level


async def permitted(
    session: AsyncSession, caller: Caller, job_id: int, wanted: Level, *, lock: bool = False
) -> Job:
    """Return a job that the caller may do so much with.

    Raises:
        NotFound: there is no such job in the caller's workspace.
        Forbidden: the caller lacks the level.
    """
    job = await store.get(session, caller.workspace_id, job_id, lock=lock)
    await require(session, caller, Kind.JOB, job_id, wanted)
    return job


async def owner_of(session: AsyncSession, job: Job) -> str:
    """Return the owner of a job; its creator when the owner is not there any more."""
    found = await owners(session, job.workspace_id, Kind.JOB, [job.job_id])
    return found.get(str(job.job_id), job.creator)
