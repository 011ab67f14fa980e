"""Tables of workspace files and blobs."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from control.columns import instant, path_text, reference, serial


class FileKind(StrEnum):
    """What a path is (Databricks `object_type`)."""

    NOTEBOOK = "NOTEBOOK"
    FILE = "FILE"
    DIRECTORY = "DIRECTORY"


class WorkspaceFile(SQLModel, table=True):
    """One path of a workspace, absolute, without `/Workspace` in front."""

    __tablename__ = "workspace_files"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("workspace_id", "path"),)

    object_id: int | None = serial()
    workspace_id: int = reference("workspaces.workspace_id")
    path: str = path_text()
    kind: str
    """A `FileKind`."""
    language: str | None = None
    """PYTHON or SQL; notebooks only."""
    suffix: str = ""
    """What the work folder needs behind a notebook's path: `.py`, `.sql` or `.ipynb`."""
    sha256: str | None = None
    size: int = Field(default=0, sa_type=BigInteger)
    created_at: datetime | None = instant(now=True)
    modified_at: datetime | None = instant(now=True)


class Blob(SQLModel, table=True):
    """Content by its SHA-256; written once, shared by all who need it."""

    __tablename__ = "blobs"  # pyright: ignore[reportAssignmentType]

    sha256: str = Field(primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)
    created_at: datetime | None = instant(now=True)
