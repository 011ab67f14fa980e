"""Tells which rows a table gained and lost between two snapshots, by their data files. Blocking.

Files that both snapshots have, with the same deletes, hold nothing new. Where one side has none of
the others, its rows are the answer, however many there are: the first of them are shown. Else
files were rewritten, or rows deleted from them: both sides are read as a whole and compared as bags
of rows, so that rows which were only moved from one file into another cancel out.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]
import pyarrow.types as arrow_types  # pyright: ignore[reportMissingTypeStubs]
from pyiceberg.manifest import ManifestFile
from pyiceberg.table import FileScanTask
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from control.lakehouse import rows
from control.lakehouse.base import Json, Loaded
from control.lakehouse.files import (
    Bounds,
    Room,
    S3Files,
    TooMuch,
    data_manifests,
    delete_manifests,
    entries_of,
    parse,
)
from spec.api import tables as api
from spec.errors import NotFound

_arrow: Any = pa
_types: Any = arrow_types
_MOST_COMPARED_ROWS = 500_000
_MOST_COMPARED_BYTES = 128 * 1024 * 1024
_COMPARED_WITHIN_S = 10.0
SIGN = "sign"
"""The column beside a table's own: 1 for rows of the later side, -1 for those of the earlier."""

_Change = Literal["added", "removed"]
_Files = dict[tuple[str, frozenset[str]], FileScanTask]
"""By path and paths of the deletes that apply."""


def compare(loaded: Loaded, start: Json, end: Json, limit: int) -> api.RowDiff:
    """Return rows that `end` has and `start` has not, and the other way round.

    Args:
        loaded: The table as it is now; rows are given in the columns it has now.
        start: The earlier snapshot, as the metadata has it.
        end: The later one.
        limit: How many rows of each of the two sides are shown.

    Raises:
        Invalid: the table has equality deletes, or a large file that is not Parquet.
        NotFound: files of a snapshot are not there any more.
    """
    metadata, columns = parse(loaded), rows.columns_of(loaded)
    reader = S3Files(loaded.files)
    try:
        gone, new = _changed(
            Snapshot.model_validate(start).manifests(reader),
            Snapshot.model_validate(end).manifests(reader),
            reader,
        )
        if gone and new:
            return _compared(metadata, loaded, gone, new, columns, limit)
    except TooMuch:
        return api.RowDiff(columns=columns, too_much=True)
    except FileNotFoundError as error:
        raise NotFound(
            "Files of the earlier state are gone: what nothing needed any more was cleaned up."
            " The counts of rows remain."
        ) from error
    change: _Change = "removed" if gone else "added"
    tasks = gone or new
    first = rows.first(metadata, loaded, tasks, limit)
    count = _count(tasks)
    counts = (0, count) if gone else (count, 0)
    return api.RowDiff(
        columns=columns,
        rows=tuple(api.RowChange(change=change, cells=cells) for cells in first.rows),
        added_rows=counts[0],
        deleted_rows=counts[1],
        cut=first.cut,
    )


def _changed(
    before: Sequence[ManifestFile], after: Sequence[ManifestFile], reader: S3Files
) -> tuple[list[FileScanTask], list[FileScanTask]]:
    """Return the data files that only the earlier snapshot has, and those of the later one.

    Raises:
        TooMuch: there are too many files to be gone through.
    """
    paths = [{each.manifest_path for each in side} for side in (before, after)]
    deletes = [{each.manifest_path for each in delete_manifests(side)} for side in (before, after)]
    # With other deletes, a file of a manifest that both have may hold fewer rows.
    shared = paths[0] & paths[1] if deletes[0] == deletes[1] else set[str]()
    bounds = Bounds()
    old, new = (_files(side, shared, reader, bounds) for side in (before, after))
    if bounds.cut:
        raise TooMuch
    return (
        [task for key, task in old.items() if key not in new],
        [task for key, task in new.items() if key not in old],
    )


def _files(
    manifests: Sequence[ManifestFile], shared: set[str], reader: S3Files, bounds: Bounds
) -> _Files:
    deletes = rows.deletes_of(manifests, reader)
    if deletes is None:
        raise TooMuch
    wanted = [each for each in data_manifests(manifests) if each.manifest_path not in shared]
    tasks = (rows.task_of(entry, deletes) for entry in entries_of(wanted, reader, bounds))
    return {
        (task.file.file_path, frozenset(each.file_path for each in task.delete_files)): task
        for task in tasks
    }


def _count(tasks: Iterable[FileScanTask]) -> int | None:
    """Return how many rows files hold; None where deletes apply, which are not read for it."""
    if any(task.delete_files for task in tasks):
        return None
    return sum(task.file.record_count for task in tasks)


def _compared(
    metadata: TableMetadata,
    loaded: Loaded,
    gone: Sequence[FileScanTask],
    new: Sequence[FileScanTask],
    columns: tuple[api.SampleColumn, ...],
    limit: int,
) -> api.RowDiff:
    """Compare all rows of both sides.

    Raises:
        TooMuch: they are too many.
    """
    if sum(task.file.record_count for task in (*gone, *new)) > _MOST_COMPARED_ROWS:
        raise TooMuch
    room = Room(_MOST_COMPARED_BYTES, time.monotonic() + _COMPARED_WITHIN_S)
    sides = (
        _signed(batch, sign)
        for tasks, sign in ((gone, -1), (new, 1))
        for task in tasks
        for batch in rows.whole(metadata, loaded, task, room)
    )
    return difference(sides, columns, limit)


def difference(
    batches: Iterable[Any], columns: tuple[api.SampleColumn, ...], limit: int
) -> api.RowDiff:
    """Return what is left when equal rows of both signs have cancelled out, sorted by all columns.

    So a row that was changed stands beside what it was, where its first columns are a key.
    """
    tables = [_arrow.Table.from_batches([each]) for each in batches]
    if not tables:
        return api.RowDiff(columns=columns, added_rows=0, deleted_rows=0)
    together = _arrow.concat_tables(tables, promote_options="permissive")
    names: list[str] = together.column_names[:-1]
    bags = together.group_by(names, use_threads=False).aggregate([(SIGN, "sum")])
    left = bags.filter(_arrow.compute.not_equal(bags[f"{SIGN}_sum"], 0))
    left = left.sort_by([(name, "ascending") for name in names])
    signs: list[int] = left[f"{SIGN}_sum"].to_pylist()
    texts = rows.Rows(2 * limit)
    shown: list[api.RowChange] = []
    room: dict[_Change, int] = {"added": limit, "removed": limit}
    values: Any = zip(*(rows.cells_of(left[name]) for name in names), strict=True)
    for sign, row in zip(signs, values, strict=True):
        change: _Change = "added" if sign > 0 else "removed"
        times = min(abs(sign), room[change])
        room[change] -= times
        taken = len(texts.rows)
        texts.take([row] * times, whole=times == abs(sign))
        shown += [api.RowChange(change=change, cells=cells) for cells in texts.rows[taken:]]
    return api.RowDiff(
        columns=columns,
        rows=tuple(shown),
        added_rows=sum(sign for sign in signs if sign > 0),
        deleted_rows=-sum(sign for sign in signs if sign < 0),
        cut=texts.cut,
    )


def _signed(batch: Any, sign: int) -> Any:
    """Return a batch with its sign, its columns named by their places, nested ones as text."""
    found = [_comparable(column) for column in batch.columns]
    signs = _arrow.array([sign] * len(batch), _arrow.int64())
    names = [*(str(place) for place in range(len(found))), SIGN]
    return _arrow.RecordBatch.from_arrays([*found, signs], names=names)


def _comparable(column: Any) -> Any:
    if not _types.is_nested(column.type):
        return column
    texts = [rows.cell_text(each) for each in rows.cells_of(column)]
    return _arrow.array(texts, _arrow.large_string())
