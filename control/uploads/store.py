"""Queries on uploaded files."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.uploads.tables import Upload
from spec.errors import NotFound


async def get(session: AsyncSession, workspace_id: int, upload_id: str) -> Upload:
    """Return an upload whose file is still there.

    Raises:
        NotFound: there is no such upload in the workspace, or its time is over.
    """
    found = await session.get(Upload, upload_id)
    if found is None or found.workspace_id != workspace_id:
        raise NotFound(f"Upload {upload_id} does not exist.", upload_id=upload_id)
    if found.purged_at is not None:
        raise NotFound(
            f"The file of upload {upload_id} was deleted on {found.purged_at:%Y-%m-%d}; upload it"
            " again.",
            upload_id=upload_id,
        )
    return found


async def missing(
    session: AsyncSession, workspace_id: int, upload_ids: Collection[str]
) -> set[str]:
    """Return those of these uploads that are not there."""
    query = select(Upload.upload_id).where(
        Upload.workspace_id == workspace_id,
        col(Upload.upload_id).in_(upload_ids),
        col(Upload.purged_at).is_(None),
    )
    return set(upload_ids) - set((await session.exec(query)).all())


async def page(
    session: AsyncSession, workspace_id: int, *, below: str | None, limit: int
) -> list[Upload]:
    """Return uploads whose files are still there, newest first, with ids below a bound."""
    query = select(Upload).where(
        Upload.workspace_id == workspace_id, col(Upload.purged_at).is_(None)
    )
    if below is not None:
        query = query.where(col(Upload.upload_id) < below)
    query = query.order_by(col(Upload.upload_id).desc()).limit(limit)
    return list((await session.exec(query)).all())


async def due(session: AsyncSession, now: datetime, limit: int) -> Sequence[Upload]:
    """Return uploads whose time is over, locked against other sweepers."""
    query = (
        select(Upload)
        .where(col(Upload.purged_at).is_(None), Upload.expires_at <= now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(query)).all()
