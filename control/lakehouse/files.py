"""Reads a table's own files with bounds: its metadata, its manifests, the heads of its data files.

Blocking; call it from a thread. Only objects of an S3 store are read: a path that a table names is
its writer's word, and a local file of this process is nobody's business.
"""

import gzip
import io
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import pyarrow.parquet as pq  # pyright: ignore[reportMissingTypeStubs]
from pyiceberg.io import InputFile, InputStream
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import ManifestContent, ManifestEntry, ManifestFile
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil
from pyiceberg.table.snapshots import Snapshot

from control.lakehouse.base import Json, Loaded
from spec.errors import Invalid, NotFound

_SCHEMES = frozenset({"s3", "s3a", "s3n"})
_MOST_METADATA_BYTES = 64 * 1024 * 1024
_TIMEOUTS = {"s3.connect-timeout": "3", "s3.request-timeout": "10"}


class S3Files(PyArrowFileIO):
    """PyIceberg's files, of S3 stores alone."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        """See class."""
        super().__init__({**properties, **_TIMEOUTS})

    def new_input(self, location: str) -> Any:
        """See base class.

        Raises:
            Invalid: the file is not in an S3 store.
        """
        if urlsplit(location).scheme not in _SCHEMES:
            raise Invalid(
                f"'{location}' is not in an S3 store; OpenLake shows the data of tables there only."
            )
        return super().new_input(location)


class Heads(S3Files):
    """The same, but of each Parquet file among `data_files` only its first rows.

    A data file is read batch by batch and put into a small file in memory, so that memory does not
    grow with row groups. Row numbers stay the same, so deletes by position still fit.
    """

    def __init__(
        self,
        properties: Mapping[str, str],
        data_files: Iterable[str],
        rows: int,
        room: "Room | None" = None,
    ) -> None:
        """See class; `room` bounds what is taken of several files together."""
        super().__init__(properties)
        self._data_files = frozenset(data_files)
        self._rows = rows
        self._room = room

    def new_input(self, location: str) -> Any:
        """See base class."""
        whole = super().new_input(location)
        if location not in self._data_files:
            return whole
        return _InMemory(location, head_of(whole, self._rows, self._room))


class _InMemory(InputFile):
    def __init__(self, location: str, content: bytes) -> None:
        super().__init__(location)
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def exists(self) -> bool:
        return True

    def open(self, seekable: bool = True) -> InputStream:
        return cast(InputStream, io.BytesIO(self._content))


class TooMuch(ValueError):
    """Files hold more than is read for one answer."""


@dataclass
class Room:
    """How much of data files is read for one answer."""

    bytes_left: int
    """Of values as they are in memory: files may hold them far smaller."""
    until: float
    """On the monotonic clock."""

    def take(self, size: int) -> None:
        """Note that so many bytes were read.

        Raises:
            TooMuch: there is no room for them.
        """
        self.bytes_left -= size
        if self.bytes_left < 0 or time.monotonic() > self.until:
            raise TooMuch


def head_of(file: InputFile, rows: int, room: Room | None = None) -> bytes:
    """Return a Parquet file with the first rows of another, and its field ids.

    Raises:
        TooMuch: they are more than there is room for.
    """
    parquet: Any = pq
    with file.open() as stream:
        source = parquet.ParquetFile(stream, buffer_size=256 * 1024, pre_buffer=False)
        target = io.BytesIO()
        left = rows
        with parquet.ParquetWriter(target, source.schema_arrow) as writer:
            for batch in source.iter_batches(batch_size=min(rows, 1000), use_threads=False):
                if room:
                    room.take(batch.nbytes)
                writer.write_batch(batch.slice(0, left))
                left -= len(batch)
                if left <= 0:
                    break
    return target.getvalue()


def read_metadata(location: str, properties: Mapping[str, str]) -> Json:
    """Return the table metadata that a file holds.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no table metadata, or far too large.
    """
    file = S3Files(properties).new_input(location)
    if len(file) > _MOST_METADATA_BYTES:
        raise ValueError(f"it has {len(file):,} bytes")
    with file.open() as stream:
        content = stream.read()
    if location.endswith((".gz.metadata.json", ".metadata.json.gz")):
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            content = packed.read(_MOST_METADATA_BYTES)
    metadata = json.loads(content)
    if not isinstance(metadata, dict) or "table-uuid" not in metadata:
        raise ValueError("it is no table metadata")
    return cast(Json, metadata)


def parse(loaded: Loaded) -> TableMetadata:
    """Return a table's metadata as PyIceberg has it.

    Raises:
        Invalid: PyIceberg does not know something in it (a type of format version 3, say).
    """
    try:
        return TableMetadataUtil.parse_obj(loaded.metadata)
    except Exception as error:
        # PyIceberg raises whatever its models do.
        raise Invalid(
            f"The table's data cannot be read here: {str(error).splitlines()[0]}. Its schema and"
            " snapshots can; use a SQL warehouse for its data."
        ) from error


def snapshot_of(metadata: TableMetadata, snapshot_id: int | None) -> Snapshot | None:
    """Return one snapshot of a table, or its current one; None for a table without any.

    Raises:
        NotFound: the table has no such snapshot (any more).
    """
    if snapshot_id is None:
        return metadata.current_snapshot()
    found = metadata.snapshot_by_id(snapshot_id)
    if found is None:
        raise NotFound(
            f"Snapshot {snapshot_id} is not the table's current one, and its catalog knows no"
            " other; begin again without a page token."
        )
    return found


@dataclass
class Bounds:
    """How much of a table's manifests is read for one answer; `cut` says that it was not all."""

    bytes_left: int = 48 * 1024 * 1024
    entries_left: int = 100_000
    until: float = field(default_factory=lambda: time.monotonic() + 5)
    cut: bool = False

    def take(self, manifest: ManifestFile) -> bool:
        """Tell whether one more manifest may be read."""
        self.bytes_left -= manifest.manifest_length
        if self.bytes_left < 0 or self.entries_left <= 0 or time.monotonic() > self.until:
            self.cut = True
        return not self.cut


def entries_of(
    manifests: Iterable[ManifestFile], files: S3Files, bounds: Bounds
) -> Iterator[ManifestEntry]:
    """Go through the live entries of manifests as far as the bounds let it."""
    for manifest in manifests:
        if not bounds.take(manifest):
            return
        entries = manifest.fetch_manifest_entry(files)
        bounds.entries_left -= len(entries)
        yield from entries


def data_manifests(manifests: Iterable[ManifestFile]) -> list[ManifestFile]:
    """Return the manifests of data files that still have any."""
    return [
        each
        for each in manifests
        if each.content == ManifestContent.DATA
        and (each.has_added_files() or each.has_existing_files())
    ]


def delete_manifests(manifests: Iterable[ManifestFile]) -> list[ManifestFile]:
    """Return the manifests of delete files."""
    return [each for each in manifests if each.content == ManifestContent.DELETES]
