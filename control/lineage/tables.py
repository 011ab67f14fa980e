"""Tables of lineage: events as they came, and the graph drawn from them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant, json_list, json_object


class LineageEvent(SQLModel, table=True):
    """One OpenLineage event, as it came; the same content twice is one row."""

    __tablename__ = "lineage_events"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_lineage_events_run", "workspace_id", "run_id"),)

    workspace_id: int = big_id(key=True)
    hash: str = Field(primary_key=True)
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    """The run of ours that it belongs to; NULL when it came from elsewhere."""
    task_run_id: int | None = Field(default=None, sa_type=BigInteger)
    event: dict[str, Any] = json_object()
    event_at: datetime = instant()
    received_at: datetime | None = instant(now=True)


class LineageDataset(SQLModel, table=True):
    """What is known of a dataset itself; the newest word wins."""

    __tablename__ = "lineage_datasets"  # pyright: ignore[reportAssignmentType]

    workspace_id: int = big_id(key=True)
    name: str = Field(primary_key=True)
    """Canonical: `<catalog>.<schema>.<table>`, else `<namespace>/<name>`."""
    namespace: str = ""
    schema_fields: list[Any] = json_list()
    """Objects (name, type), in column order; empty when no event told."""
    updated_at: datetime = instant()


class LineageEdge(SQLModel, table=True):
    """A job read or wrote a dataset; one row a task run (or outside run), kept for ever."""

    __tablename__ = "lineage_edges"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_lineage_edges_dataset", "workspace_id", "dataset", "direction"),
        Index("ix_lineage_edges_job", "workspace_id", "job", "direction"),
        Index("ix_lineage_edges_run", "workspace_id", "run_id"),
        Index("ix_lineage_edges_job_id", "workspace_id", "job_id"),
    )

    workspace_id: int = big_id(key=True)
    source_run: str = Field(primary_key=True)
    """The task run's id as text; an outside run's OpenLineage UUID."""
    dataset: str = Field(primary_key=True)
    direction: str = Field(primary_key=True)
    """INPUT or OUTPUT."""
    job: str
    """`<job name>.<task key>`"""
    job_id: int | None = Field(default=None, sa_type=BigInteger)
    """NULL when a run without a job did it, or somebody else."""
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    task_run_id: int | None = Field(default=None, sa_type=BigInteger)
    at: datetime = instant()


class LineageColumn(SQLModel, table=True):
    """One column of an output was made from one column of an input."""

    __tablename__ = "lineage_columns"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_lineage_columns_output", "workspace_id", "output"),
        Index("ix_lineage_columns_run", "workspace_id", "run_id"),
    )

    workspace_id: int = big_id(key=True)
    source_run: str = Field(primary_key=True)
    output: str = Field(primary_key=True)
    output_column: str = Field(primary_key=True)
    input: str = Field(primary_key=True)
    input_column: str = Field(primary_key=True)
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    at: datetime = instant()
