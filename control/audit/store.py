"""Writes audit entries and reads them back."""

from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit.tables import AuditEntry
from control.auth import Caller


def record(
    session: AsyncSession,
    caller: Caller,
    action: str,
    object_type: str,
    object_id: object,
    **details: Any,
) -> None:
    """Note a deed in the transaction that does it."""
    session.add(
        AuditEntry(
            workspace_id=caller.workspace_id,
            actor=caller.user_name,
            action=action,
            object_type=object_type,
            object_id=str(object_id),
            request_id=caller.request_id,
            details=details,
        )
    )


async def entries(
    session: AsyncSession,
    workspace_id: int,
    *,
    before: int | None,
    limit: int,
    object_type: str | None = None,
    object_id: str | None = None,
) -> list[AuditEntry]:
    """Return entries, newest first, older than the id `before`."""
    query = select(AuditEntry).where(AuditEntry.workspace_id == workspace_id)
    if before is not None:
        query = query.where(col(AuditEntry.audit_id) < before)
    if object_type is not None:
        query = query.where(AuditEntry.object_type == object_type)
    if object_id is not None:
        query = query.where(AuditEntry.object_id == object_id)
    query = query.order_by(col(AuditEntry.audit_id).desc()).limit(limit)
    return list((await session.exec(query)).all())
