"""Tables of saved queries and their versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from control.columns import instant, json_list, json_object, reference


class SavedQuery(SQLModel, table=True):
    """One saved query; a deleted one stays in the trash."""

    __tablename__ = "saved_queries"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_saved_queries_workspace", "workspace_id", "query_id"),
        Index(
            "uq_saved_queries_name",
            "workspace_id",
            "parent_path",
            "display_name",
            unique=True,
            postgresql_where=text("trashed_at IS NULL"),
        ),
    )

    query_id: str = Field(primary_key=True)
    """A UUID that sorts by its time of making (version 7)."""
    workspace_id: int = reference("workspaces.workspace_id")
    parent_path: str
    display_name: str
    query_text: str
    warehouse_id: str = ""
    description: str = ""
    tags: list[Any] = json_list()
    catalog: str | None = None
    schema_name: str | None = None
    parameters: list[Any] = json_list()
    """`spec.query_parameters.QueryParameter`, dumped."""
    run_as_mode: str
    apply_auto_limit: bool
    version: int = 1
    """Counts up with every change of the content; see `QueryVersion`."""
    owner: str
    last_modifier: str
    created_at: datetime | None = instant(now=True)
    updated_at: datetime | None = instant(now=True)
    trashed_at: datetime | None = instant(optional=True)


class QueryVersion(SQLModel, table=True):
    """The content that a query had at some time, and who wrote it."""

    __tablename__ = "query_versions"  # pyright: ignore[reportAssignmentType]

    query_id: str = Field(primary_key=True, foreign_key="saved_queries.query_id")
    version: int = Field(primary_key=True)
    content: dict[str, Any] = json_object()
    """`spec.api.queries.QueryContent`, dumped."""
    editor: str
    cause: str
    """How it came about: created, updated, or `restored from version n`."""
    created_at: datetime | None = instant(now=True)
