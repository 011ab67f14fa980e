"""The table of permissions."""

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel


class Grant(SQLModel, table=True):
    """The level that one principal holds on one object; inherited levels have no row."""

    __tablename__ = "grants"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_grants_principal", "workspace_id", "principal_id", "kind"),)

    workspace_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="workspaces.workspace_id",
        nullable=False,
    )
    kind: str = Field(primary_key=True)
    """A `control.permissions.levels.Kind`."""
    object_id: str = Field(primary_key=True)
    """As its API spells it: a job's number, a warehouse's id, a workspace object's number."""
    principal_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="principals.principal_id",
        ondelete="CASCADE",
        nullable=False,
    )
    level: str
    """A `control.permissions.levels.Level`."""
