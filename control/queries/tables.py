"""The table of saved queries."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from control.columns import instant, json_list, reference


class SavedQuery(SQLModel, table=True):
    """One saved query; a deleted one stays in the trash."""

    __tablename__ = "saved_queries"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_saved_queries_workspace", "workspace_id", "query_id"),)

    query_id: str = Field(primary_key=True)
    """A UUID that sorts by its time of making (version 7)."""
    workspace_id: int = reference("workspaces.workspace_id")
    display_name: str
    query_text: str
    warehouse_id: str = ""
    description: str = ""
    tags: list[Any] = json_list()
    owner: str
    last_modifier: str
    created_at: datetime | None = instant(now=True)
    updated_at: datetime | None = instant(now=True)
    trashed_at: datetime | None = instant(optional=True)
