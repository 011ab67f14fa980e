"""Tables of workspaces and principals."""

from datetime import datetime

from sqlmodel import Field, SQLModel, UniqueConstraint

from control.columns import big_id, instant, reference, serial


class Workspace(SQLModel, table=True):
    """A tenant: everything below belongs to exactly one."""

    __tablename__ = "workspaces"  # pyright: ignore[reportAssignmentType]

    workspace_id: int = big_id(key=True)
    name: str = Field(unique=True)
    created_at: datetime | None = instant(now=True)


class Principal(SQLModel, table=True):
    """A user or a service that acts in one workspace."""

    __tablename__ = "principals"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("workspace_id", "user_name"),)

    principal_id: int | None = serial()
    workspace_id: int = reference("workspaces.workspace_id")
    user_name: str
    display_name: str = ""
    active: bool = True
    created_at: datetime | None = instant(now=True)
