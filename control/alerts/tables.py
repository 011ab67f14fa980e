"""The table of alerts."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant, json_object, reference


class Alert(SQLModel, table=True):
    """One alert as it is now; a deleted one stays in the trash."""

    __tablename__ = "alerts"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_alerts_workspace", "workspace_id", "alert_id"),)

    alert_id: str = Field(primary_key=True)
    """A UUID that sorts by its time of making (version 7)."""
    workspace_id: int = reference("workspaces.workspace_id")
    display_name: str
    query_id: str
    condition: dict[str, Any] = json_object()
    """`spec.alerts.AlertCondition`, dumped."""
    custom_subject: str | None = None
    custom_body: str | None = None
    notify_on_ok: bool = False
    seconds_to_retrigger: int = 0
    parent_path: str | None = None
    owner: str
    state: str = "UNKNOWN"
    """A `spec.alerts.AlertState`, as last judged."""
    judged_by: int = big_id()
    """The task run that judged it last; 0 before the first."""
    triggered_at: datetime | None = instant(optional=True)
    """When it was last found triggered."""
    told_at: datetime | None = instant(optional=True)
    """When subscribers were last told that it is triggered."""
    created_at: datetime | None = instant(now=True)
    updated_at: datetime | None = instant(now=True)
    trashed_at: datetime | None = instant(optional=True)
