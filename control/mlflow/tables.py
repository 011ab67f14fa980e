"""What MLflow keeps that has permissions of its own."""

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from control.columns import reference
from control.permissions.levels import Kind


class Tracked(SQLModel, table=True):
    """An experiment or a registered model; MLflow holds everything but its permissions."""

    __tablename__ = "tracked_objects"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index(
            "uq_tracked_models",
            "workspace_id",
            "name",
            unique=True,
            postgresql_where=text(f"kind = '{Kind.REGISTERED_MODEL}'"),
        ),
    )

    kind: str = Field(primary_key=True)
    """`Kind.EXPERIMENT` or `Kind.REGISTERED_MODEL`."""
    object_id: str = Field(primary_key=True)
    """An experiment's id is MLflow's; a model has one of ours, since MLflow only names models."""
    workspace_id: int = reference("workspaces.workspace_id", index=True)
    name: str
    """Of a model, and kept when it is renamed; of an experiment, the one it was made with."""
