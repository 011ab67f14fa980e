"""Counts rows and files where a snapshot's writer noted none (DuckDB notes none), by manifest list.

A manifest list has the counts of each of its manifests (Iceberg spec, "Manifest Lists"), so one
small file a snapshot is read; for bytes and deletes see `sizes`. Blocking.
"""

from collections.abc import Iterable, Mapping

from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table.snapshots import Snapshot

from control.lakehouse import sizes
from control.lakehouse.base import Json
from control.lakehouse.files import S3Files
from spec.errors import OpenLakeError

Counts = dict[str, str]
"""As a summary spells them."""

_ROWS = ("total-records", "added-records", "deleted-records")
_FILES = ("total-data-files", "added-data-files", "deleted-data-files")
_REMEMBERED = 10_000
_known: dict[str, Counts] = {}
"""Manifest list → counts; such a file never changes."""


def is_uncounted(snapshot: Json) -> bool:
    """Tell whether a snapshot's writer noted no totals."""
    summary: Mapping[str, str] = snapshot.get("summary") or {}
    return "total-records" not in summary and bool(snapshot.get("manifest-list"))


def count(snapshots: Iterable[Json], files: Mapping[str, str]) -> dict[str, Counts]:
    """Return snapshot id → counts, of those whose manifest list can be read."""
    reader, budget = S3Files(files), sizes.Budget()
    found: dict[str, Counts] = {}
    for each in snapshots:
        try:
            found[str(each["snapshot-id"])] = _counts(each, reader, budget)
        except (OSError, ValueError, LookupError, OpenLakeError):
            # Deleted, or damaged: then its counts are not known, and all else is.
            continue
    return found


def _counts(snapshot: Json, reader: S3Files, budget: sizes.Budget) -> Counts:
    place, snapshot_id = str(snapshot["manifest-list"]), int(snapshot["snapshot-id"])
    if place in _known:
        return _known[place]
    manifests = Snapshot.model_validate(snapshot).manifests(reader)
    counts = sums(snapshot_id, manifests)
    files = sizes.total(snapshot_id, manifests, reader, budget)
    if files is None:
        # Not remembered: the next answer knows more of the manifests. Until then it is not known
        # how many rows are deleted by position.
        has_deletes = any(each.content == ManifestContent.DELETES for each in manifests)
        return {} if has_deletes else counts
    if len(_known) >= _REMEMBERED:
        _known.clear()
    _known[place] = counts | {
        "total-files-size": str(files.size),
        "total-position-deletes": str(files.deletes),
        "added-position-deletes": str(files.added_deletes),
        "removed-position-deletes": str(files.removed_deletes),
    }
    return _known[place]


def sums(snapshot_id: int, manifests: Iterable[ManifestFile]) -> Counts:
    """Add up the manifests of a snapshot; empty when a manifest has no counts.

    Rows of delete files are left to `sizes`: DuckDB counts them as deleted in the manifest list.
    """
    totals = dict.fromkeys((*_ROWS, *_FILES, "total-delete-files"), 0)
    for each in manifests:
        rows = (each.added_rows_count, each.existing_rows_count, each.deleted_rows_count)
        files = (each.added_files_count, each.existing_files_count, each.deleted_files_count)
        if None in (*rows, *files):
            return {}
        if each.content == ManifestContent.DELETES:
            totals["total-delete-files"] += (files[0] or 0) + (files[1] or 0)
            continue
        for (total, added, deleted), counts in ((_ROWS, rows), (_FILES, files)):
            come, stayed, gone = (count or 0 for count in counts)
            totals[total] += come + stayed
            if each.added_snapshot_id == snapshot_id:
                totals[added] += come
                totals[deleted] += gone
    return {name: str(value) for name, value in totals.items()}
