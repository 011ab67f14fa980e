"""Answers of `/api/openlake/1.0/lineage/…`: a graph of datasets and the jobs between them."""

from typing import Literal

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
