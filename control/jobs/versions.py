"""The history of a job's settings: every change is a version, and each can be read and restored."""

from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.auth import Caller
from control.deps import Deps
from control.jobs.access import permitted
from control.jobs.tables import Job, JobVersion
from control.jobs.wire import complete
from control.permissions.levels import Level
from control.runs.views import millis
from spec.api.versions import VersionDiff, VersionItem, VersionList, VersionView
from spec.diff import changes
from spec.errors import NotFound


def note(session: AsyncSession, job: Job, editor: str, cause: str) -> None:
    """Write down the version that a job has now, in the transaction that made it."""
    row = JobVersion(
        job_id=job.job_id, version=job.version, settings=job.settings, editor=editor, cause=cause
    )
    session.add(row)


async def find(session: AsyncSession, job: Job, version: int) -> JobVersion:
    """Return one version of a job.

    Raises:
        NotFound: there is no such version.
    """
    row = await session.get(JobVersion, (job.job_id, version))
    if row is None:
        raise NotFound(
            f"Job {job.job_id} has no version {version}; it has versions 1 to {job.version}.",
            job_id=job.job_id,
            version=version,
        )
    return row


async def list_versions(
    deps: Deps, caller: Caller, job_id: int, limit: int, page_token: str | None
) -> VersionList:
    """Return one page of a job's versions, newest first."""
    below = paging.integer(paging.decode(page_token), "below")
    query = select(JobVersion).where(JobVersion.job_id == job_id)
    if below is not None:
        query = query.where(JobVersion.version < below)
    query = query.order_by(col(JobVersion.version).desc()).limit(limit + 1)
    async with deps.database.read_session() as session:
        await permitted(session, caller, job_id, Level.CAN_VIEW)
        rows = (await session.exec(query)).all()
    shown = rows[:limit]
    return VersionList(
        versions=tuple(VersionItem.model_validate(_facts(row)) for row in shown),
        next_page_token=paging.encode(below=shown[-1].version) if len(rows) > limit else None,
    )


async def get(deps: Deps, caller: Caller, job_id: int, version: int) -> VersionView:
    """Return one version of a job's settings."""
    async with deps.database.read_session() as session:
        row = await find(session, await permitted(session, caller, job_id, Level.CAN_VIEW), version)
    return VersionView.model_validate(
        {**_facts(row), "job_id": job_id, "settings": complete(row.settings)}
    )


def _facts(row: JobVersion) -> dict[str, Any]:
    return {
        "version": row.version,
        "editor": row.editor,
        "cause": row.cause,
        "created_at": millis(row.created_at),
    }


async def diff(
    deps: Deps, caller: Caller, job_id: int, version: int, against: int | None
) -> VersionDiff:
    """Return what changed from one version to another; from the one before, when none is named.

    The first version is told against no settings at all.
    """
    base = version - 1 if against is None else against
    async with deps.database.read_session() as session:
        job = await permitted(session, caller, job_id, Level.CAN_VIEW)
        after = await find(session, job, version)
        first = against is None and version == 1
        before = {} if first else (await find(session, job, base)).settings
    return VersionDiff(
        job_id=job_id,
        before=base,
        after=version,
        changes=tuple(changes(before, after.settings)),
    )
