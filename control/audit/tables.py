"""The audit table; a trigger in the database refuses UPDATE and DELETE."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import SQLModel

from control.columns import instant, json_object, reference, serial


class AuditEntry(SQLModel, table=True):
    """Who did what to which object; written in the transaction of the deed itself."""

    __tablename__ = "audit_log"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_audit_log_workspace", "workspace_id", "audit_id"),)

    audit_id: int | None = serial()
    workspace_id: int = reference("workspaces.workspace_id")
    at: datetime | None = instant(now=True)
    actor: str
    action: str
    """`<noun>.<past participle>`, e.g. `job.created`."""
    object_type: str
    object_id: str
    request_id: str = ""
    details: dict[str, Any] = json_object()
