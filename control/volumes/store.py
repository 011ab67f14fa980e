"""Queries on volumes and on uploads under way."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.volumes.tables import FileUpload, Volume
from spec.errors import NotFound


async def find(
    session: AsyncSession, workspace_id: int, catalog: str, schema: str, name: str
) -> Volume | None:
    """Return a volume that has not been deleted; None when there is none."""
    query = select(Volume).where(
        Volume.workspace_id == workspace_id,
        Volume.catalog_name == catalog,
        Volume.schema_name == schema,
        Volume.name == name,
        col(Volume.deleted_at).is_(None),
    )
    return (await session.exec(query)).first()


async def get(
    session: AsyncSession, workspace_id: int, catalog: str, schema: str, name: str
) -> Volume:
    """Return a volume that has not been deleted.

    Raises:
        NotFound: the workspace has none of this name.
    """
    found = await find(session, workspace_id, catalog, schema, name)
    if found is None:
        raise NotFound(f"Volume '{catalog}.{schema}.{name}' does not exist.")
    return found


async def page(
    session: AsyncSession,
    workspace_id: int,
    catalog: str,
    schema: str,
    *,
    after: str | None,
    limit: int,
) -> list[Volume]:
    """Return a schema's volumes by name, behind a name."""
    query = select(Volume).where(
        Volume.workspace_id == workspace_id,
        Volume.catalog_name == catalog,
        Volume.schema_name == schema,
        col(Volume.deleted_at).is_(None),
    )
    if after is not None:
        query = query.where(col(Volume.name) > after)
    return list((await session.exec(query.order_by(col(Volume.name)).limit(limit))).all())


async def deleted(session: AsyncSession, before: datetime, limit: int) -> list[Volume]:
    """Return volumes that were deleted before an instant, first ones first."""
    query = select(Volume).where(col(Volume.deleted_at) < before)
    return list((await session.exec(query.order_by(col(Volume.deleted_at)).limit(limit))).all())


async def forget_volume(session: AsyncSession, volume_id: str) -> None:
    """Drop the row of a volume whose files are gone."""
    await session.exec(delete(Volume).where(col(Volume.volume_id) == volume_id))


async def upload(
    session: AsyncSession, workspace_id: int, upload_id: int, *, lock: bool = False
) -> FileUpload | None:
    """Return an upload under way, or one that has just been completed; None when there is none."""
    query = select(FileUpload).where(
        FileUpload.upload_id == upload_id, FileUpload.workspace_id == workspace_id
    )
    return (await session.exec(query.with_for_update() if lock else query)).first()


async def any_upload(session: AsyncSession, upload_id: int) -> FileUpload | None:
    """Return an upload of whatever workspace: for links that name it and are signed."""
    return await session.get(FileUpload, upload_id)


async def expired(session: AsyncSession, now: datetime, limit: int) -> Sequence[FileUpload]:
    """Return uploads whose time is over."""
    query = select(FileUpload).where(col(FileUpload.expires_at) < now)
    return (await session.exec(query.order_by(col(FileUpload.expires_at)).limit(limit))).all()


async def forget_upload(session: AsyncSession, upload_id: int) -> None:
    """Drop the row of an upload."""
    await session.exec(delete(FileUpload).where(col(FileUpload.upload_id) == upload_id))
