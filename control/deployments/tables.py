"""Tables of deployed bundles."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from control.columns import instant, json_list, json_object, reference


class Deployment(SQLModel, table=True):
    """One bundle, deployed to one target."""

    __tablename__ = "deployments"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index(
            "uq_deployments_bundle",
            "workspace_id",
            "bundle_name",
            "target",
            "root_path",
            unique=True,
        ),
        Index("ix_deployments_workspace", "workspace_id", "deployment_id"),
    )

    deployment_id: str = Field(primary_key=True)
    """A UUID that sorts by its time of making (version 7)."""
    workspace_id: int = reference("workspaces.workspace_id")
    bundle_name: str
    target: str
    root_path: str
    version: int = 0
    files: list[Any] = json_list()
    """`spec.api.deployments.DeployedFile`, dumped."""
    permissions: dict[str, Any] = json_object()
    """What the bundle gave on its folder and on the deployment; see `RecordDeployment`."""
    created_by: str
    created_at: datetime | None = instant(now=True)
    deployed_by: str | None = None
    deployed_at: datetime | None = instant(optional=True)
    lock_id: str | None = None
    lock_holder: str | None = None
    locked_at: datetime | None = instant(optional=True)
    locked_until: datetime | None = instant(optional=True)


class DeploymentResource(SQLModel, table=True):
    """One resource that a deployment has made, or is about to make."""

    __tablename__ = "deployment_resources"  # pyright: ignore[reportAssignmentType]

    deployment_id: str = Field(
        primary_key=True, foreign_key="deployments.deployment_id", ondelete="CASCADE"
    )
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    name: str
    object_id: str | None = None
    """None while it is being made."""
    permissions: dict[str, Any] = json_object()
    """Who → the level that the bundle gave on it."""
