"""The table of access tokens."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from control.columns import instant, reference


class Token(SQLModel, table=True):
    """One token of one principal; the value itself is nowhere, only its SHA-256."""

    __tablename__ = "tokens"  # pyright: ignore[reportAssignmentType]

    token_id: str = Field(primary_key=True)
    workspace_id: int = reference("workspaces.workspace_id")
    principal_id: int = reference("principals.principal_id", index=True)
    sha256: str = Field(unique=True)
    comment: str = ""
    created_by_id: int | None = Field(default=None, sa_type=BigInteger)
    """The principal that made it: its own, or an admin."""
    created_at: datetime | None = instant(now=True)
    expires_at: datetime | None = instant(optional=True)
    revoked_at: datetime | None = instant(optional=True)
    last_used_at: datetime | None = instant(optional=True)
    """A day may be missing: not every use is written down."""
