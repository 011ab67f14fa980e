"""Answers of `/api/openlake/1.0/lineage/…`: a graph of datasets and the jobs between them."""

from typing import Literal

from pydantic import ConfigDict, Field

from spec.attempts import Frozen


class Column(Frozen):
    """One column of a dataset."""

    name: str
    type: str


class DatasetNode(Frozen):
    """A table, file or other dataset."""

    id: str
    """`dataset:<name>`"""
    type: Literal["DATASET"] = "DATASET"
    name: str
    columns: tuple[Column, ...] = ()


class JobNode(Frozen):
    """A task of a job; in the graph of a run, one attempt of it."""

    id: str
    """`job:<name>`"""
    type: Literal["JOB"] = "JOB"
    name: str
    run_id: int | None = None
    """The newest run that is known here."""
    task_run_id: int | None = None


class ColumnLink(Frozen):
    """A column of an output that was made from a column of an input."""

    output_column: str
    input: str
    input_column: str


class Edge(Frozen):
    """A job reads a dataset (dataset → job) or writes it (job → dataset)."""

    source: str
    target: str
    run_id: int | None = None
    task_run_id: int | None = None
    snapshot_ids: tuple[str, ...] = ()
    """Iceberg snapshots that were read or committed, as text: they exceed JavaScript's numbers."""
    column_lineage: tuple[ColumnLink, ...] = ()
    """Of outputs only."""


class Graph(Frozen):
    """Datasets, jobs and the edges between them; every edge's ends are among the nodes."""

    nodes: tuple[DatasetNode | JobNode, ...] = ()
    edges: tuple[Edge, ...] = ()


class MapNode(Frozen):
    """A dataset, or a task of a job, on the map of a workspace."""

    id: str
    """`table:<name>`, `path:<name>`, `job:<job id>/<task key>`, else `job:<name>`."""
    kind: Literal["table", "path", "job"]
    name: str
    """The last part of its full name; empty for a job that the caller may not see."""
    full_name: str
    """`<catalog>.<schema>.<table>`, an address, or `<job name>.<task key>`."""
    job_id: int | None = None
    """None for what was run once or elsewhere, and for a job that the caller may not see."""
    last_run_id: int | None = None
    last_state: str | None = None
    """How the job's task stood in that run."""
    last_at: int | None = None
    """When a job was last seen to read or write, in epoch milliseconds."""
    last_written_at: int | None = None
    """Of a dataset: when a job last wrote it."""
    hidden: bool = False
    """True for a job that the caller may not see: that it is there is all that is told."""


class MapEdge(Frozen):
    """A job reads a dataset, or writes it."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    source: str = Field(serialization_alias="from")
    target: str = Field(serialization_alias="to")
    runs: int
    """In how many task runs."""
    last_at: int
    proven: bool
    """The catalog saw it happen: the newest run's snapshots are known. Else the engine told it."""


class LineageMap(Frozen):
    """Answer of `GET lineage/graph`; every edge's ends are among the nodes."""

    nodes: tuple[MapNode, ...] = ()
    edges: tuple[MapEdge, ...] = ()
    truncated: bool = False
    """There is more than was asked for."""


class ImpactItem(Frozen):
    """One dataset or job that depends on a table."""

    id: str
    """As on the map; `job:<job id>` for a job with all of its tasks."""
    kind: Literal["table", "path", "job"]
    name: str
    """Its full name; empty for a job that the caller may not see."""
    distance: int
    """How many jobs lie between, itself included."""
    job_id: int | None = None
    task_keys: tuple[str, ...] = ()
    owner: str | None = None
    """Who made the job."""
    last_run_id: int | None = None
    last_state: str | None = None
    last_at: int | None = None
    """When the job last ran, or the dataset was last written, in epoch milliseconds."""
    next_run_at: int | None = None
    """When the job's trigger fires next, where that is known."""
    hidden: bool = False


class Impact(Frozen):
    """Answer of `GET lineage/impact`: all that is downstream of a table, nearest first."""

    table: str
    items: tuple[ImpactItem, ...] = ()
    truncated: bool = False


class TableColumns(Frozen):
    """The columns of a dataset, as far as engines told them."""

    table: str
    columns: tuple[Column, ...] = ()


class ColumnEdge(Frozen):
    """A column was made from a column of another dataset, in the newest run of a job."""

    from_table: str
    from_column: str
    to_table: str
    to_column: str


class ColumnMap(Frozen):
    """Answer of `GET lineage/columns`."""

    tables: tuple[TableColumns, ...] = ()
    edges: tuple[ColumnEdge, ...] = ()
    """Those with an end at one of the tables."""
