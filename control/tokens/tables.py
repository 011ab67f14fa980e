"""The table of access tokens."""

from datetime import datetime

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
    created_at: datetime | None = instant(now=True)
    expires_at: datetime | None = instant(optional=True)
    revoked_at: datetime | None = instant(optional=True)
