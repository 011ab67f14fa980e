"""Reads rows of a table's data files, deleted ones left out, and spells them. All bounded."""

import base64
import datetime
import json
import math
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat, ManifestEntry, ManifestFile
from pyiceberg.table import FileScanTask
from pyiceberg.table.delete_file_index import DeleteFileIndex
from pyiceberg.table.metadata import TableMetadata

from control.lakehouse import types, views
from control.lakehouse.base import Json, Loaded
from control.lakehouse.files import Bounds, Heads, Room, S3Files, delete_manifests, entries_of
from spec.api import tables as api
from spec.errors import Invalid

_WITHIN_S = 8.0
_MOST_FILES = 20
_MOST_DELETE_BYTES = 32 * 1024 * 1024
_MOST_LOOKED_AT = 100_000
"""Rows of a file, where many of the first are deleted."""
_MOST_WHOLE_FILE_BYTES = 64 * 1024 * 1024
"""Of files that can only be read as a whole (ORC, Avro)."""
_CELL_CHARS = 2000
_MOST_CHARS = 8 * 1024 * 1024


def columns_of(loaded: Loaded) -> tuple[api.SampleColumn, ...]:
    """Return the columns in which rows are given: those that the table has now."""
    fields: list[Json] = views.schema_of(loaded.metadata).get("fields") or []
    return tuple(
        api.SampleColumn(name=each["name"], type=types.sql(each["type"])) for each in fields
    )


def deletes_of(manifests: Iterable[ManifestFile], files: S3Files) -> DeleteFileIndex | None:
    """Return the delete files of a snapshot; None when they are too many to be applied here.

    Raises:
        Invalid: there are equality deletes.
    """
    index, bounds, size = DeleteFileIndex(), Bounds(), 0
    for entry in entries_of(delete_manifests(manifests), files, bounds):
        file = entry.data_file
        if file.content == DataFileContent.EQUALITY_DELETES:
            raise Invalid(
                "The table has equality deletes, which cannot be applied here; use a SQL warehouse"
                " for its data."
            )
        size += file.file_size_in_bytes
        index.add_delete_file(entry, partition_key=file.partition)
    return None if bounds.cut or size > _MOST_DELETE_BYTES else index


def task_of(entry: ManifestEntry, deletes: DeleteFileIndex | None) -> FileScanTask:
    """Return a data file with the deletes that apply to it."""
    file = entry.data_file
    applied = (
        deletes.for_data_file(entry.sequence_number or 0, file, partition_key=file.partition)
        if deletes
        else set[DataFile]()
    )
    return FileScanTask(file, applied)


def first(
    metadata: TableMetadata, loaded: Loaded, tasks: Iterable[FileScanTask], limit: int
) -> "Rows":
    """Return the first rows of some data files, reading no more of them than needed.

    Raises:
        Invalid: one is too large to be read as a whole, as its format asks.
    """
    rows = Rows(limit)
    until = time.monotonic() + _WITHIN_S
    for seen, task in enumerate(tasks):
        if rows.full or seen == _MOST_FILES or time.monotonic() > until:
            rows.cut = True
            break
        found, whole = _head(metadata, loaded, task, limit)
        rows.take(found, whole)
    return rows


def _head(
    metadata: TableMetadata, loaded: Loaded, task: FileScanTask, limit: int
) -> tuple[list[tuple[Any, ...]], bool]:
    """Return the first rows of one data file that are not deleted, and whether those are all."""
    # Where rows are deleted, so many more are looked at, to find as many that are not.
    looked = min(limit + sum(each.record_count for each in task.delete_files), _MOST_LOOKED_AT)
    found: list[tuple[Any, ...]] = []
    for batch in _batches(metadata, loaded, task, looked, limit, None):
        found += zip(*(cells_of(column) for column in batch.columns), strict=True)
    return found, looked >= task.file.record_count


def whole(metadata: TableMetadata, loaded: Loaded, task: FileScanTask, room: Room) -> Iterable[Any]:
    """Return all rows of one data file that are not deleted, as Arrow's batches.

    Raises:
        TooMuch: they are more than there is room for.
        Invalid: the file is too large to be read as a whole, as its format asks.
    """
    return _batches(metadata, loaded, task, task.file.record_count, None, room)


def _batches(
    metadata: TableMetadata,
    loaded: Loaded,
    task: FileScanTask,
    looked: int,
    limit: int | None,
    room: Room | None,
) -> Iterable[Any]:
    file = task.file
    is_parquet = file.file_format == FileFormat.PARQUET
    if not is_parquet and file.file_size_in_bytes > _MOST_WHOLE_FILE_BYTES:
        raise Invalid(
            f"The table has a large {file.file_format.value} file, which can only be read as a"
            " whole; use a SQL warehouse for its data."
        )
    heads = [file.file_path] if is_parquet else []
    files = Heads(loaded.files, heads, looked, room)
    scan = ArrowScan(metadata, files, metadata.schema(), AlwaysTrue(), limit=limit)
    return cast(Any, scan).to_record_batches([task])


class Rows:
    """Rows as text, as far as they fit into one answer."""

    def __init__(self, limit: int) -> None:
        """See class."""
        self.rows: list[tuple[str | None, ...]] = []
        self.cut = False
        self._limit = limit
        self._chars = 0

    @property
    def full(self) -> bool:
        """Whether no more are taken."""
        return len(self.rows) >= self._limit or self._chars > _MOST_CHARS

    def take(self, rows: Iterable[Sequence[Any]], whole: bool) -> None:
        """Take rows of a file: all that it has, or its first."""
        self.cut = self.cut or not whole
        for row in rows:
            if self.full:
                self.cut = True
                return
            cells = tuple(self._cell(value) for value in row)
            self._chars += sum(len(cell) for cell in cells if cell)
            self.rows.append(cells)

    def _cell(self, value: Any) -> str | None:
        text = cell_text(value)
        if text is not None and len(text) > _CELL_CHARS:
            self.cut = True
            return text[:_CELL_CHARS] + "…"
        return text


def cells_of(column: Any) -> list[Any]:
    """Return the values of one column of a batch."""
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):
        # A date or timestamp that Python cannot hold.
        return column.cast("string").to_pylist()


def cell_text(value: Any) -> str | None:
    """Spell a value as text: JSON for nested ones, base 64 for bytes, ISO 8601 for instants."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple):
        return json.dumps(_plain(cast(Any, value)), ensure_ascii=False, separators=(",", ":"))
    plain = _plain(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return str(plain)


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it; numbers that JSON would change become text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {str(name): _plain(each) for name, each in cast(dict[Any, Any], value).items()}
        case list() | tuple():
            return [_plain(each) for each in cast(list[Any], value)]
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case _:
            return str(value)
