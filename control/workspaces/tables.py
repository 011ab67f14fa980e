"""Tables of workspaces and of the principals in them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant, json_object, reference, serial


class PrincipalKind(StrEnum):
    """Who can hold a permission."""

    USER = "user"
    SERVICE_PRINCIPAL = "service_principal"
    GROUP = "group"


class Workspace(SQLModel, table=True):
    """A tenant: everything below belongs to exactly one."""

    __tablename__ = "workspaces"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index(
            "uq_workspaces_name", "name", unique=True, postgresql_where=text("deleted_at IS NULL")
        ),
    )

    workspace_id: int = big_id(key=True)
    name: str
    default_catalog: str | None = None
    """Of a statement or a SQL task that names none."""
    default_warehouse_id: str | None = None
    max_concurrent_runs: int | None = None
    """Runs of all its jobs that may be active at once; None is no limit."""
    created_at: datetime | None = instant(now=True)
    deleted_at: datetime | None = instant(optional=True)


class Principal(SQLModel, table=True):
    """A user, a service principal or a group of one workspace; ids are unique over all kinds."""

    __tablename__ = "principals"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index(
            "uq_principals_name",
            "workspace_id",
            "kind",
            "user_name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    principal_id: int | None = serial()
    workspace_id: int = reference("workspaces.workspace_id")
    kind: str = PrincipalKind.USER
    """A `PrincipalKind`."""
    user_name: str
    """A user's name, a service principal's application id, or a group's display name."""
    display_name: str = ""
    external_id: str | None = None
    """What an identity provider calls it (SCIM)."""
    attributes: dict[str, Any] = json_object()
    """What SCIM says of it beside the columns: `name`, `emails`, `entitlements`, `roles`."""
    active: bool = True
    created_at: datetime | None = instant(now=True)
    deleted_at: datetime | None = instant(optional=True)
    """What it did keeps its name; its tokens, memberships and permissions are gone."""


class GroupMember(SQLModel, table=True):
    """One member of a group; it may be a group itself. Everybody is in `users` without a row."""

    __tablename__ = "group_members"  # pyright: ignore[reportAssignmentType]

    group_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="principals.principal_id",
        ondelete="CASCADE",
        nullable=False,
    )
    member_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="principals.principal_id",
        ondelete="CASCADE",
        nullable=False,
        index=True,
    )
