"""What stands in a table's files: partitions, files, sample rows. Blocking and bounded."""

import base64
import datetime
import json
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat, ManifestEntry, ManifestFile
from pyiceberg.table import FileScanTask
from pyiceberg.table.delete_file_index import DeleteFileIndex
from pyiceberg.table.metadata import TableMetadata

from control import paging
from control.lakehouse import types, views
from control.lakehouse.base import Json, Loaded
from control.lakehouse.files import (
    Bounds,
    Heads,
    S3Files,
    data_manifests,
    delete_manifests,
    entries_of,
    parse,
    snapshot_of,
)
from spec.api import tables as api
from spec.errors import Invalid

MOST_PARTITIONS = 1000
MOST_ROWS = 1000
_SAMPLE_WITHIN_S = 8.0
_SAMPLE_FILES = 20
_MOST_DELETE_BYTES = 32 * 1024 * 1024
_MOST_LOOKED_AT = 100_000
"""Rows of a file, where many of the first are deleted."""
_MOST_WHOLE_FILE_BYTES = 64 * 1024 * 1024
"""Of files that can only be read as a whole (ORC, Avro)."""
_CELL_CHARS = 2000
_SAMPLE_CHARS = 8 * 1024 * 1024


def partitions(loaded: Loaded) -> api.PartitionList:
    """Return the partitions of a table's current snapshot, those with most rows first."""
    metadata = parse(loaded)
    snapshot = snapshot_of(metadata, None)
    if snapshot is None:
        return api.PartitionList()
    files, bounds = S3Files(loaded.files), Bounds()
    sums: dict[tuple[int, tuple[Any, ...]], _Sum] = {}
    for entry in entries_of(_live(snapshot.manifests(files)), files, bounds):
        file = entry.data_file
        values = _values(metadata, file)
        found = sums.setdefault((file.spec_id, tuple(values.values())), _Sum(values))
        found.add(file)
    largest = sorted(sums.items(), key=lambda item: (-item[1].rows, str(item[0])))
    return api.PartitionList(
        snapshot_id=str(snapshot.snapshot_id),
        partitions=tuple(each.view(key[0]) for key, each in largest[:MOST_PARTITIONS]),
        total=len(sums),
        cut=bounds.cut,
    )


@dataclass
class _Sum:
    """What the files of one partition come to."""

    values: dict[str, str | None]
    rows: int = 0
    size: int = 0
    data_files: int = 0
    delete_files: int = 0

    def add(self, file: DataFile) -> None:
        self.size += file.file_size_in_bytes
        if file.content == DataFileContent.DATA:
            self.rows += file.record_count
            self.data_files += 1
        else:
            self.delete_files += 1

    def view(self, spec_id: int) -> api.Partition:
        return api.Partition(
            values=self.values,
            spec_id=spec_id,
            rows=self.rows,
            bytes=self.size,
            data_files=self.data_files,
            delete_files=self.delete_files,
        )


def list_files(loaded: Loaded, limit: int, token: str | None) -> api.FileList:
    """Return one page of the files of a table's current snapshot.

    A token names the snapshot and the place among its manifests, so each page reads only what it
    shows (and the manifest it begins in).
    """
    place = paging.decode(token)
    wanted = paging.integer(place, "snapshot")
    first, skip = paging.integer(place, "manifest") or 0, paging.integer(place, "entry") or 0
    metadata = parse(loaded)
    snapshot = snapshot_of(metadata, wanted)
    if snapshot is None:
        return api.FileList()
    files = S3Files(loaded.files)
    found: list[api.File] = []
    following: str | None = None
    for index, manifest in enumerate(_live(snapshot.manifests(files))):
        if index < first or following is not None:
            continue
        entries = manifest.fetch_manifest_entry(files)
        begin = skip if index == first else 0
        for at, entry in enumerate(entries[begin:], begin):
            if len(found) == limit:
                following = paging.encode(snapshot=snapshot.snapshot_id, manifest=index, entry=at)
                break
            found.append(_file(metadata, entry))
    return api.FileList(
        snapshot_id=str(snapshot.snapshot_id), files=tuple(found), next_page_token=following
    )


def _live(manifests: list[ManifestFile]) -> list[ManifestFile]:
    return [
        each
        for each in (*data_manifests(manifests), *delete_manifests(manifests))
        if each.has_added_files() or each.has_existing_files()
    ]


def _file(metadata: TableMetadata, entry: ManifestEntry) -> api.File:
    file = entry.data_file
    return api.File(
        path=file.file_path,
        content=cast(Any, file.content.name),
        format=file.file_format.value,
        values=_values(metadata, file),
        rows=file.record_count,
        bytes=file.file_size_in_bytes,
        snapshot_id=None if entry.snapshot_id is None else str(entry.snapshot_id),
    )


def _values(metadata: TableMetadata, file: DataFile) -> dict[str, str | None]:
    """Return a file's partition, values as people write them."""
    spec = metadata.specs().get(file.spec_id)
    fields = spec.fields if spec else ()
    schema = metadata.schema()
    found: dict[str, str | None] = {}
    for position, field in enumerate(fields):
        value: Any = file.partition[position]
        if value is None:
            found[field.name] = None
            continue
        try:
            kind = schema.find_type(field.source_id)
            found[field.name] = cast(Any, field).transform.to_human_string(kind, value)
        except ValueError:
            # The column is gone from the schema; the value is still there.
            found[field.name] = str(value)
    return found


def sample(loaded: Loaded, limit: int) -> api.Sample:
    """Return the first rows of a table's current snapshot, reading no more files than needed.

    Raises:
        Invalid: the table holds what cannot be read here (equality deletes, large ORC files).
    """
    fields: list[Json] = views.schema_of(loaded.metadata).get("fields") or []
    columns = tuple(
        api.SampleColumn(name=each["name"], type=types.sql(each["type"])) for each in fields
    )
    metadata = parse(loaded)
    snapshot = snapshot_of(metadata, None)
    if snapshot is None:
        return api.Sample(columns=columns)
    plain = S3Files(loaded.files)
    manifests = snapshot.manifests(plain)
    deletes = _deletes(manifests, plain)
    rows = _Rows(limit, time.monotonic() + _SAMPLE_WITHIN_S)
    bounds = Bounds()
    seen = 0
    for entry in entries_of(data_manifests(manifests), plain, bounds):
        if rows.full or seen == _SAMPLE_FILES:
            rows.cut = True
            break
        seen += 1
        found, whole = _head(metadata, loaded, entry, deletes, limit)
        rows.take(found, whole)
    return api.Sample(
        snapshot_id=str(snapshot.snapshot_id),
        columns=columns,
        rows=tuple(rows.rows),
        cut=rows.cut or bounds.cut,
        deletes_applied=deletes is not None,
    )


def _head(
    metadata: TableMetadata,
    loaded: Loaded,
    entry: ManifestEntry,
    deletes: DeleteFileIndex | None,
    limit: int,
) -> tuple[list[dict[str, Any]], bool]:
    """Return the first rows of one data file that are not deleted, and whether those are all."""
    file = entry.data_file
    if file.file_format != FileFormat.PARQUET and file.file_size_in_bytes > _MOST_WHOLE_FILE_BYTES:
        raise Invalid(
            f"The table has a large {file.file_format.value} file, which can only be read as a"
            " whole; use a SQL warehouse for its data."
        )
    applied = (
        deletes.for_data_file(entry.sequence_number or 0, file, partition_key=file.partition)
        if deletes
        else set[DataFile]()
    )
    # Where rows are deleted, so many more are looked at, to find as many that are not.
    looked = min(limit + sum(each.record_count for each in applied), _MOST_LOOKED_AT)
    files = Heads(loaded.files, [file.file_path], looked)
    scan = ArrowScan(metadata, files, metadata.schema(), AlwaysTrue(), limit=limit)
    found: list[dict[str, Any]] = []
    batches = cast(Any, scan).to_record_batches([FileScanTask(file, applied)])
    for batch in batches:
        columns: list[list[Any]] = [_cells(column) for column in batch.columns]
        names: list[str] = batch.schema.names
        found += [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return found, looked >= file.record_count


def _cells(column: Any) -> list[Any]:
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):
        # A date or timestamp that Python cannot hold.
        return column.cast("string").to_pylist()


def _deletes(manifests: Iterable[ManifestFile], files: S3Files) -> DeleteFileIndex | None:
    """Return the delete files of a snapshot; None when they are too many to read for a sample.

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


class _Rows:
    """The rows of a sample, as far as they fit."""

    def __init__(self, limit: int, until: float) -> None:
        self.rows: list[tuple[str | None, ...]] = []
        self.cut = False
        self._limit = limit
        self._until = until
        self._chars = 0

    @property
    def full(self) -> bool:
        late = time.monotonic() > self._until
        return late or len(self.rows) >= self._limit or self._chars > _SAMPLE_CHARS

    def take(self, rows: list[dict[str, Any]], whole: bool) -> None:
        """Take rows of a file: all that it has, or its first."""
        self.cut = self.cut or not whole
        for row in rows:
            if self.full:
                self.cut = True
                return
            cells = tuple(self._cell(value) for value in row.values())
            self._chars += sum(len(cell) for cell in cells if cell)
            self.rows.append(cells)

    def _cell(self, value: Any) -> str | None:
        text = cell_text(value)
        if text is not None and len(text) > _CELL_CHARS:
            self.cut = True
            return text[:_CELL_CHARS] + "…"
        return text


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
