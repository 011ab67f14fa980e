"""Answers of `/api/openlake/1.0/tables/…`: what a table's page shows.

Snapshot ids are text: they exceed JavaScript's numbers. Sizes are in bytes, instants in epoch
milliseconds.
"""

from typing import Literal

from spec.attempts import Frozen


class Field(Frozen):
    """One column, or one field inside a nested one, as Iceberg has it."""

    id: int
    """Iceberg's field id, by which columns are known whatever they are called."""
    name: str
    type: str
    """As SQL spells it."""
    required: bool
    doc: str | None = None
    fields: tuple["Field", ...] = ()
    """Of a struct, of a list (`element`), of a map (`key`, `value`)."""


class PartitionField(Frozen):
    """One field of a partition spec or sort order."""

    name: str | None = None
    """Of a partition field."""
    column: str
    """What it is made from; `<id>` of a column that there is no more."""
    transform: str
    """`identity`, `day`, `bucket[16]`, …"""
    direction: Literal["asc", "desc"] | None = None
    null_order: str | None = None


class Ref(Frozen):
    """A branch or tag inside the table's own metadata."""

    name: str
    type: str
    snapshot_id: str


class Writer(Frozen):
    """Who made a snapshot, by the stamp that the catalog gateway put into it."""

    run_id: int | None = None
    job_id: int | None = None
    task_run_id: int | None = None
    task_key: str | None = None
    attempt: int | None = None
    user: str | None = None
    """A person or program that wrote with a token of its own."""
    statement_id: str | None = None
    """The SQL statement on a warehouse by which the user wrote."""
    elsewhere: bool = False
    """A run of another workspace, of which nothing else is told."""


class Snapshot(Frozen):
    """One state of the table, and what made it."""

    snapshot_id: str
    parent_id: str | None = None
    at: int
    operation: str | None = None
    """Iceberg's `append`, `overwrite`, `replace`, `delete`."""
    writer: Writer | None = None
    """None where nobody went through the gateway."""
    added_rows: int | None = None
    deleted_rows: int | None = None
    added_files: int | None = None
    deleted_files: int | None = None
    added_bytes: int | None = None
    removed_bytes: int | None = None
    total_rows: int | None = None
    """Less those deleted by position; how many a delete by equality met, nobody notes."""
    total_files: int | None = None
    total_bytes: int | None = None
    summary: dict[str, str]
    """Everything that the writer noted, as it stands in the metadata."""


class Statistics(Frozen):
    """The size of the table as it is now, by its current snapshot's summary."""

    rows: int | None = None
    """Less those deleted by position; how many a delete by equality met, nobody notes."""
    bytes: int | None = None
    data_files: int | None = None
    delete_files: int | None = None
    position_deletes: int | None = None
    equality_deletes: int | None = None


class Representation(Frozen):
    """A view's SQL in one dialect."""

    sql: str
    dialect: str


class TablePage(Frozen):
    """Answer of `GET tables/{name}`."""

    catalog: str
    schema_name: str
    name: str
    full_name: str
    kind: Literal["TABLE", "VIEW"]
    branch: str | None = None
    """The catalog branch it was read on; None where the catalog has none."""
    uuid: str
    format_version: int
    location: str
    comment: str | None = None
    fields: tuple[Field, ...]
    identifier_fields: tuple[str, ...] = ()
    """The columns that name a row."""
    partition_fields: tuple[PartitionField, ...] = ()
    sort_fields: tuple[PartitionField, ...] = ()
    properties: dict[str, str]
    refs: tuple[Ref, ...] = ()
    statistics: Statistics | None = None
    """None for a view, and for a table without a snapshot."""
    snapshot: Snapshot | None = None
    """The current one."""
    created_by: Writer | None = None
    updated_at: int | None = None
    metadata_location: str | None = None
    view: tuple[Representation, ...] = ()


class SnapshotList(Frozen):
    """Answer of `GET tables/{name}/snapshots`, newest first."""

    snapshots: tuple[Snapshot, ...] = ()
    next_page_token: str | None = None


class Partition(Frozen):
    """The files of one partition together."""

    values: dict[str, str | None]
    """Partition field → value as text; empty for what was written without partitions."""
    spec_id: int
    rows: int
    bytes: int
    data_files: int
    delete_files: int
    """Those that cannot be told apart by partition are counted where they lie."""


class PartitionList(Frozen):
    """Answer of `GET tables/{name}/partitions`, those with most rows first."""

    snapshot_id: str | None = None
    partitions: tuple[Partition, ...] = ()
    total: int = 0
    """How many there are in what was read."""
    cut: bool = False
    """Not all manifests were read, there are too many: figures are of a part of the table."""


class File(Frozen):
    """One file of the table's current snapshot."""

    path: str
    content: Literal["DATA", "POSITION_DELETES", "EQUALITY_DELETES"]
    format: str
    values: dict[str, str | None]
    """Its partition."""
    rows: int
    bytes: int
    snapshot_id: str | None = None
    """The snapshot that added it."""


class FileList(Frozen):
    """Answer of `GET tables/{name}/files`, in the order of the manifests."""

    snapshot_id: str | None = None
    files: tuple[File, ...] = ()
    next_page_token: str | None = None


class SampleColumn(Frozen):
    """A column of a sample."""

    name: str
    type: str


class Sample(Frozen):
    """Answer of `GET tables/{name}/sample`."""

    snapshot_id: str | None = None
    columns: tuple[SampleColumn, ...]
    rows: tuple[tuple[str | None, ...], ...] = ()
    """Cells as text, nested ones as JSON; binary ones in base 64."""
    cut: bool = False
    """There may be more rows than these, or a long cell was shortened."""
    deletes_applied: bool = True
    """False when there are so many deletes that rows shown here may be deleted ones."""


class Diff(Frozen):
    """Answer of `GET tables/{name}/diff`: how a table changed from one snapshot to a later one."""

    from_snapshot: Snapshot
    to_snapshot: Snapshot
    added_rows: int | None = None
    """Sums over the snapshots between; None where a writer noted none."""
    deleted_rows: int | None = None
    added_files: int | None = None
    deleted_files: int | None = None
    net_rows: int | None = None
    """By the totals of both ends, so exact even where sums are not complete."""
    snapshots: int
    """How many lie between, the later end included."""
    complete: bool
    """False when the catalog does not list every snapshot between: a published run shows only its
    last one."""


class RowChange(Frozen):
    """A row that one of two snapshots has, and the other has not."""

    change: Literal["added", "removed"]
    cells: tuple[str | None, ...]
    """As in a sample."""


class RowDiff(Frozen):
    """Answer of `GET tables/{name}/diff/rows`: the rows that two snapshots do not share."""

    columns: tuple[SampleColumn, ...]
    """Those that the table has now."""
    rows: tuple[RowChange, ...] = ()
    """Where rows came and went, both together in the order of their columns."""
    added_rows: int | None = None
    """All of them, not only those here; rows that were only moved between files do not count.
    None where deletes apply to files that are not read as a whole."""
    deleted_rows: int | None = None
    cut: bool = False
    """There may be more rows than these, or a long cell was shortened."""
    too_much: bool = False
    """Too much was rewritten to be compared here; then there are no rows and no counts."""


class HeldBranch(Frozen):
    """The branch of a run that has changed the table, while it is there."""

    branch: str
    run_id: int
    job_id: int
    run_name: str
    state: str
    """Of the run's transaction: OPENING, OPEN, PUBLISHING, PUBLISHED, CONFLICT or KEPT."""
    task_keys: tuple[str, ...]
    """The tasks that changed the table."""
    changes: int
    """How often they committed to it."""
    landed: bool
    """False while the tasks that changed it are still under way: their work is not on the branch
    yet."""
    last_at: int
    """When they last changed it, in epoch milliseconds."""
    created_at: int | None = None
    drop_after: int | None = None
    """When the branch may be dropped; None while it is in use."""


class BranchList(Frozen):
    """Answer of `GET tables/{name}/branches`, those of newer runs first; the newest 100."""

    branches: tuple[HeldBranch, ...] = ()


class TableOverview(Frozen):
    """One table or view in the list of its schema."""

    name: str
    full_name: str
    kind: Literal["TABLE", "VIEW"]
    rows: int | None = None
    """Less those deleted by position; how many a delete by equality met, nobody notes."""
    bytes: int | None = None
    updated_at: int | None = None
    writer: Writer | None = None
    """Who made the current snapshot; None where nobody went through the gateway."""
    comment: str | None = None


class TableOverviewList(Frozen):
    """Answer of `GET tables`, by name."""

    tables: tuple[TableOverview, ...] = ()
    next_page_token: str | None = None
