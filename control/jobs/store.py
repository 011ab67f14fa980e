"""Queries on jobs and settings snapshots."""

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.jobs.tables import Job, SettingsSnapshot
from spec.errors import NotFound


async def next_job_id(session: AsyncSession) -> int:
    """Draw the next job id."""
    return int((await session.exec(select(func.nextval("job_ids")))).one())


async def get(session: AsyncSession, workspace_id: int, job_id: int, *, lock: bool = False) -> Job:
    """Return a job; with `lock`, nobody else admits a run of it until the session ends.

    Raises:
        NotFound: there is no such job in the workspace.
    """
    query = select(Job).where(
        Job.job_id == job_id, Job.workspace_id == workspace_id, col(Job.deleted_at).is_(None)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    job = (await session.exec(query)).first()
    if job is None:
        raise NotFound(f"Job {job_id} does not exist.", job_id=job_id)
    return job


async def get_any(session: AsyncSession, workspace_id: int, job_id: int) -> Job:
    """Return a job of the workspace, deleted or not.

    Raises:
        NotFound: there was never such a job.
    """
    query = select(Job).where(Job.job_id == job_id, Job.workspace_id == workspace_id)
    job = (await session.exec(query)).first()
    if job is None:
        raise NotFound(f"Job {job_id} does not exist.", job_id=job_id)
    return job


async def find(session: AsyncSession, workspace_id: int, job_id: int) -> Job | None:
    """Return a job that is not deleted, or None."""
    query = select(Job).where(
        Job.job_id == job_id, Job.workspace_id == workspace_id, col(Job.deleted_at).is_(None)
    )
    return (await session.exec(query)).first()


async def lock_any(session: AsyncSession, job_id: int) -> Job | None:
    """Lock a job's row, deleted or not; None when the runs of this id have no job."""
    query = select(Job).where(Job.job_id == job_id).with_for_update()
    return (await session.exec(query.execution_options(populate_existing=True))).first()


async def page(
    session: AsyncSession,
    workspace_id: int,
    *,
    limit: int,
    below: int | None = None,
    above: int | None = None,
    name: str | None = None,
    offset: int = 0,
    visible: ColumnElement[bool],
) -> list[Job]:
    """Return jobs, newest first, with ids below (or just above) a bound."""
    query = select(Job).where(
        Job.workspace_id == workspace_id, col(Job.deleted_at).is_(None), visible
    )
    if name is not None:
        query = query.where(func.lower(col(Job.name)) == name.lower())
    if above is not None:
        query = query.where(col(Job.job_id) > above).order_by(col(Job.job_id))
        return list((await session.exec(query.limit(limit))).all())[::-1]
    if below is not None:
        query = query.where(col(Job.job_id) < below)
    query = query.order_by(col(Job.job_id).desc()).offset(offset).limit(limit)
    return list((await session.exec(query)).all())


async def keep_snapshot(session: AsyncSession, snapshot: SettingsSnapshot) -> None:
    """Store a snapshot unless one of the same content is there."""
    row = {
        "hash": snapshot.hash,
        "settings": snapshot.settings,
        "files": snapshot.files,
    }
    await session.exec(insert(SettingsSnapshot).values(row).on_conflict_do_nothing())
