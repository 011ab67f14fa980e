"""Tables of secrets; values are sealed by `control.sealing` for their very row."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel, UniqueConstraint

from control.columns import big_id, instant, reference, serial


class SecretScope(SQLModel, table=True):
    """A named set of secrets with one list of permissions."""

    __tablename__ = "secret_scopes"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    scope_id: int | None = serial()
    workspace_id: int = reference("workspaces.workspace_id")
    name: str
    created_by: str
    created_at: datetime | None = instant(now=True)


class Secret(SQLModel, table=True):
    """One secret."""

    __tablename__ = "secrets"  # pyright: ignore[reportAssignmentType]

    scope_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="secret_scopes.scope_id",
        ondelete="CASCADE",
        nullable=False,
    )
    key: str = Field(primary_key=True)
    sealed: str
    version: int = Field(sa_type=BigInteger)
    """Microseconds since 1970 when this value was put; names the value."""
    updated_at: datetime = instant()


class SecretAcl(SQLModel, table=True):
    """What one user or group may do with a scope."""

    __tablename__ = "secret_acls"  # pyright: ignore[reportAssignmentType]

    scope_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="secret_scopes.scope_id",
        ondelete="CASCADE",
        nullable=False,
    )
    principal: str = Field(primary_key=True)
    permission: str
    """A `spec.api.secrets.Permission`."""


class AttemptSecret(SQLModel, table=True):
    """A value that an attempt was given, kept to redact it from what the attempt writes.

    It stays when the secret itself is changed or deleted: the attempt knows it all the same.
    """

    __tablename__ = "attempt_secrets"  # pyright: ignore[reportAssignmentType]

    task_run_id: int = big_id(key=True)
    scope: str = Field(primary_key=True)
    """Its name when the value was given."""
    key: str = Field(primary_key=True)
    version: int = big_id(key=True)
    sealed: str
    given_at: datetime | None = instant(now=True)
