"""What table care says it did: figures before and after, one row for each table and step. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from spec.attempts import SqlResult

MOST_ROWS = 1000


class Step(StrEnum):
    """One step of table care."""

    COMPACT = "compact"
    REWRITE_MANIFESTS = "rewrite_manifests"
    EXPIRE_SNAPSHOTS = "expire_snapshots"
    REMOVE_ORPHAN_FILES = "remove_orphan_files"


@dataclass(frozen=True)
class Figures:
    """How much there is of a table.

    Before and after a rewrite: of its current state. Before and after a removal: of its folder, in
    which the files of older states and of other branches lie too.
    """

    files: int = 0
    bytes: int = 0
    manifests: int = 0
    snapshots: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        """Return the sum."""
        return Figures(*(a + b for a, b in zip(self.cells, other.cells, strict=True)))

    def __sub__(self, other: "Figures") -> "Figures":
        """Return the difference."""
        return Figures(*(a - b for a, b in zip(self.cells, other.cells, strict=True)))

    @property
    def cells(self) -> tuple[int, int, int, int]:
        """The figures in the order of their fields."""
        return self.files, self.bytes, self.manifests, self.snapshots


@dataclass(frozen=True)
class CareRow:
    """What one step did for one table."""

    table: str
    step: Step
    before: Figures
    after: Figures
    deleted: int = 0
    """Files deleted for good (in a dry run: that would be)."""


_FIGURES = ("files", "bytes", "manifests", "snapshots")

COLUMNS = (
    "table",
    "step",
    *(f"{name}_{when}" for name in _FIGURES for when in ("before", "after")),
    "deleted_files",
)
"""Of the result; `activities/programs/run_table_care.py` writes the same."""


def result_of(rows: Sequence[CareRow], earlier: SqlResult | None = None) -> SqlResult:
    """Return the figures as a result with one row for each table and step.

    Args:
        rows: What was done.
        earlier: The rows of the steps before, which come first.
    """
    cells = [*(earlier.rows if earlier else ()), *map(_cells, rows)]
    count = len(rows) + ((earlier.row_count or 0) if earlier else 0)
    return SqlResult(
        columns=COLUMNS,
        types=("VARCHAR", "VARCHAR", *("BIGINT",) * (len(COLUMNS) - 2)),
        rows=tuple(cells[:MOST_ROWS]),
        row_count=count,
        truncated=count > MOST_ROWS,
    )


def _cells(row: CareRow) -> tuple[str | None, ...]:
    pairs = zip(row.before.cells, row.after.cells, strict=True)
    numbers = [str(number) for pair in pairs for number in pair]
    return (row.table, row.step.value, *numbers, str(row.deleted))


def removal_values(rows: Sequence[CareRow], *, dry_run: bool) -> Mapping[str, int | bool]:
    """Return the task values of a removal: later tasks may ask for them."""
    return {
        "deleted_files": sum(row.deleted for row in rows),
        "deleted_bytes": sum(row.before.bytes - row.after.bytes for row in rows),
        "dry_run": dry_run,
    }


def log_line(row: CareRow, *, dry_run: bool) -> str:
    """Return what the log says of a row."""
    gone = (row.before - row.after).bytes
    would = "would delete" if dry_run else "deleted"
    return (
        f"{row.table}: {row.step.value}: {would} {row.deleted:,} of {row.before.files:,} files"
        f" ({gone:,} of {row.before.bytes:,} bytes)"
    )
