"""The table of warehouses."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import instant, json_object


class Warehouse(SQLModel, table=True):
    """One warehouse as it is now; the row of a deleted one stays, for its statements and runs.

    People's requests write `wanted` and what they want; the keeper writes what is so.
    """

    __tablename__ = "warehouses"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index(
            "ix_warehouses_name",
            "workspace_id",
            "name",
            unique=True,
            postgresql_where=text("wanted <> 'DELETED'"),
        ),
    )

    workspace_id: int = Field(
        sa_type=BigInteger,
        sa_column_kwargs={"autoincrement": False},
        foreign_key="workspaces.workspace_id",
        primary_key=True,
    )
    warehouse_id: str = Field(primary_key=True)
    """`duckdb` and `trino` in every workspace; else 16 hexadecimal digits, later ones greater."""
    name: str
    engine: str
    """A `spec.tasks.Engine` of `SQL_ENGINES`; never changes."""
    dialect: str
    """A `spec.attempts.SqlDialect`."""
    cluster_size: str
    """A `spec.warehouses.ClusterSize`."""
    min_clusters: int = 1
    max_clusters: int = 1
    auto_stop_mins: int = 120
    """0: never."""
    tags: dict[str, Any] = json_object()
    """`spec.api.warehouses.Tags`, dumped."""
    unused: dict[str, Any] = json_object()
    """Fields that are only read back."""
    catalog: str | None = None
    schema_name: str | None = None
    creator: str
    wanted: str
    """A `spec.warehouses.Wanted`."""
    state: str
    """A `spec.warehouses.WarehouseState`."""
    health: str = "HEALTHY"
    """A `spec.warehouses.HealthStatus`."""
    health_summary: str = ""
    clusters: int = 0
    """Processes that are ready."""
    last_activity_at: datetime = instant()
    """When it was last started, or a statement last came or ended; seconds may be missing."""
    jobs_at: datetime | None = instant(optional=True)
    """Of the built-in ones: when a job's attempt last began on the engine, if that has a server of
    its own; a minute may be missing."""
    created_at: datetime | None = instant(now=True)
    deleted_at: datetime | None = instant(optional=True)
