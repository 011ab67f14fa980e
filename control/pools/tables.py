"""The table of instance pools."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from control.columns import instant, json_object, reference


class InstancePool(SQLModel, table=True):
    """One instance pool as it is now."""

    __tablename__ = "instance_pools"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    pool_id: str = Field(primary_key=True)
    """16 hexadecimal digits."""
    workspace_id: int = reference("workspaces.workspace_id")
    name: str
    node_type_id: str
    unused: dict[str, Any] = json_object()
    """Fields that are only read back."""
    creator: str
    created_at: datetime | None = instant(now=True)
