"""Answer of `/api/openlake/1.0/runs/{run_id}/tables`: the tables that a run's attempts met.

Snapshot ids are text: they exceed JavaScript's numbers.
"""

from spec.attempts import Frozen


class TableRead(Frozen):
    """A table as an attempt read it."""

    table: str
    """`schema.table`"""
    branch: str
    snapshot_id: str | None = None
    """None for a table that had no snapshot yet."""


class TableWrite(Frozen):
    """A change of a table (or schema, or view) that an attempt asked for."""

    table: str
    branch: str
    operation: str
    """Iceberg's `append`, `overwrite`, `replace`, `delete`; else `create`, `alter`, `drop`, …"""
    snapshot_id: str | None = None
    state: str
    """`committed`, `refused`, `pending` or `unknown`."""
    added_rows: int | None = None
    """None where the engine notes none, like the next two."""
    deleted_rows: int | None = None
    total_rows: int | None = None


class AttemptTables(Frozen):
    """What one attempt read and changed."""

    task_run_id: int
    task_key: str
    attempt: int
    """0 for the first."""
    reads: tuple[TableRead, ...] = ()
    """Without what it wrote itself and looked at again."""
    writes: tuple[TableWrite, ...] = ()


class RunTables(Frozen):
    """Answer of `GET runs/{run_id}/tables`."""

    attempts: tuple[AttemptTables, ...] = ()
    """Those that met a table, in the order of their ids."""
    next_page_token: str | None = None
