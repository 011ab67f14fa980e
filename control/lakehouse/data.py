"""What stands in a table's files: partitions, files, sample rows. Blocking and bounded."""

from dataclasses import dataclass
from typing import Any, cast

from pyiceberg.manifest import DataFile, DataFileContent, ManifestEntry, ManifestFile
from pyiceberg.table.metadata import TableMetadata

from control import paging
from control.lakehouse import rows
from control.lakehouse.base import Loaded
from control.lakehouse.files import (
    Bounds,
    S3Files,
    data_manifests,
    delete_manifests,
    entries_of,
    parse,
    snapshot_of,
)
from spec.api import tables as api

MOST_PARTITIONS = 1000


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
    columns = rows.columns_of(loaded)
    metadata = parse(loaded)
    snapshot = snapshot_of(metadata, None)
    if snapshot is None:
        return api.Sample(columns=columns)
    plain, bounds = S3Files(loaded.files), Bounds()
    manifests = snapshot.manifests(plain)
    deletes = rows.deletes_of(manifests, plain)
    entries = entries_of(data_manifests(manifests), plain, bounds)
    found = rows.first(metadata, loaded, (rows.task_of(each, deletes) for each in entries), limit)
    return api.Sample(
        snapshot_id=str(snapshot.snapshot_id),
        columns=columns,
        rows=tuple(found.rows),
        cut=found.cut or bounds.cut,
        deletes_applied=deletes is not None,
    )
