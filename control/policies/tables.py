"""The table of cluster policies."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from control.columns import instant, json_list, reference


class ClusterPolicy(SQLModel, table=True):
    """One cluster policy as it is now; runs keep what it made of their clusters."""

    __tablename__ = "cluster_policies"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    policy_id: str = Field(primary_key=True)
    """16 hexadecimal digits."""
    workspace_id: int = reference("workspaces.workspace_id")
    name: str
    definition: str
    """As it was written; `spec.policies.parse` reads it."""
    description: str | None = None
    libraries: list[Any] = json_list()
    """`spec.compute.Library`, dumped."""
    creator: str
    created_at: datetime | None = instant(now=True)
