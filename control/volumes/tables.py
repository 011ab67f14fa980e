"""Tables of volumes and of uploads under way; the files themselves are in the object store."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant, reference


class Volume(SQLModel, table=True):
    """One managed volume: a prefix of the lakehouse's bucket that belongs to one workspace."""

    __tablename__ = "volumes"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index(
            "uq_volumes_name",
            "workspace_id",
            "catalog_name",
            "schema_name",
            "name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_volumes_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")
        ),
    )

    volume_id: str = Field(primary_key=True)
    """A UUID that sorts by its time of making (version 7)."""
    workspace_id: int = reference("workspaces.workspace_id")
    catalog_name: str
    schema_name: str
    name: str
    comment: str | None = None
    owner: str
    created_by: str
    created_at: datetime | None = instant(now=True)
    updated_by: str
    updated_at: datetime | None = instant(now=True)
    deleted_at: datetime | None = instant(optional=True)
    """When it was deleted; its files follow a day later, and then this row."""

    @property
    def full_name(self) -> str:
        """As Unity Catalog's API spells it."""
        return f"{self.catalog_name}.{self.schema_name}.{self.name}"


class FileUpload(SQLModel, table=True):
    """A file that arrives in pieces, by the Files API or by a handle of DBFS.

    Nothing of it is to be seen at its path before it is complete.
    """

    __tablename__ = "file_uploads"  # pyright: ignore[reportAssignmentType]

    upload_id: int = big_id(key=True)
    """Random: the session token of the Files API, or the handle of DBFS; below 2^53."""
    workspace_id: int = reference("workspaces.workspace_id")
    path: str
    """As the client spelled it."""
    key: str
    """Where in the bucket it will be."""
    store_id: str | None = None
    """The object store's own id of the upload; none for a handle, whose blocks are objects."""
    overwrite: bool
    blocks: int = 0
    """How many blocks a handle has been given."""
    size_bytes: int = Field(default=0, sa_type=BigInteger, nullable=False)
    """Of those blocks."""
    created_by: str
    created_at: datetime | None = instant(now=True)
    expires_at: datetime = instant(index=True)
    completed_at: datetime | None = instant(optional=True)
