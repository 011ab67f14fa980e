"""Writes audit entries and reads them back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
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


@dataclass(frozen=True)
class Filters:
    """What entries are asked for; those that are not given let all pass."""

    actor: str | None = None
    action: str | None = None
    """Of the form `<noun>.*` it means all deeds on that noun."""
    object_type: str | None = None
    object_id: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    """Not earlier than this."""
    until: datetime | None = None
    """Earlier than this."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a query must ask for."""
        same = {
            AuditEntry.actor: self.actor,
            AuditEntry.object_type: self.object_type,
            AuditEntry.object_id: self.object_id,
            AuditEntry.request_id: self.request_id,
        }
        found = [col(column) == value for column, value in same.items() if value is not None]
        if self.action is not None and self.action.endswith(".*"):
            found.append(col(AuditEntry.action).startswith(self.action[:-1], autoescape=True))
        elif self.action is not None:
            found.append(col(AuditEntry.action) == self.action)
        if self.since is not None:
            found.append(col(AuditEntry.at) >= self.since)
        if self.until is not None:
            found.append(col(AuditEntry.at) < self.until)
        return found


async def entries(
    session: AsyncSession,
    workspace_id: int,
    filters: Filters,
    *,
    before: int | None,
    limit: int,
) -> list[AuditEntry]:
    """Return entries, newest first, older than the id `before`."""
    query = select(AuditEntry).where(AuditEntry.workspace_id == workspace_id, *filters.conditions())
    if before is not None:
        query = query.where(col(AuditEntry.audit_id) < before)
    query = query.order_by(col(AuditEntry.audit_id).desc()).limit(limit)
    return list((await session.exec(query)).all())
