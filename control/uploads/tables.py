"""The table of uploaded files."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import instant, reference


class Upload(SQLModel, table=True):
    """One file in the object store, under `uploads/<workspace>/<upload id>`."""

    __tablename__ = "uploads"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_uploads_workspace", "workspace_id", "upload_id"),
        Index("ix_uploads_expiry", "expires_at", postgresql_where=text("purged_at IS NULL")),
    )

    upload_id: str = Field(primary_key=True)
    """A UUID that sorts by its time of making (version 7)."""
    workspace_id: int = reference("workspaces.workspace_id")
    name: str
    """As the file was called where it came from; without folders."""
    size_bytes: int = Field(sa_type=BigInteger, nullable=False)
    sha256: str
    created_by: str
    created_at: datetime | None = instant(now=True)
    expires_at: datetime = instant()
    purged_at: datetime | None = instant(optional=True)
    """When it was deleted."""

    @property
    def key(self) -> str:
        """Where its bytes are in the object store."""
        return f"uploads/{self.workspace_id}/{self.upload_id}"
