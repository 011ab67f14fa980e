"""Counts rows and files where a snapshot's writer noted none (DuckDB notes none), by manifest list.

A manifest list has the counts of each of its manifests (Iceberg spec, "Manifest Lists"), so one
small file a snapshot is read. Blocking.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table.snapshots import Snapshot

from control.lakehouse.base import Json
from control.lakehouse.files import S3Files
from spec.errors import OpenLakeError

Counts = dict[str, str]
"""As a summary spells them."""

_REMEMBERED = 10_000
_known: dict[str, Counts] = {}
"""Manifest list → counts; such a file never changes."""


def is_uncounted(snapshot: Json) -> bool:
    """Tell whether a snapshot's writer noted no totals."""
    summary: Mapping[str, str] = snapshot.get("summary") or {}
    return "total-records" not in summary and bool(snapshot.get("manifest-list"))


def count(snapshots: Iterable[Json], files: Mapping[str, str]) -> dict[str, Counts]:
    """Return snapshot id → counts, of those whose manifest list can be read."""
    reader = S3Files(files)
    found: dict[str, Counts] = {}
    for each in snapshots:
        place = str(each["manifest-list"])
        if place not in _known:
            try:
                manifests = Snapshot.model_validate(each).manifests(reader)
            except (OSError, ValueError, LookupError, OpenLakeError):
                # Deleted, or damaged: then its counts are not known, and all else is.
                continue
            if len(_known) >= _REMEMBERED:
                _known.clear()
            _known[place] = sums(int(each["snapshot-id"]), manifests)
        found[str(each["snapshot-id"])] = _known[place]
    return found


def sums(snapshot_id: int, manifests: Iterable[ManifestFile]) -> Counts:
    """Add up the manifests of a snapshot; empty when a manifest has no counts."""
    totals = dict.fromkeys(
        (
            *("added-records", "deleted-records", "added-data-files", "deleted-data-files"),
            *("total-records", "total-data-files"),
        ),
        0,
    )
    for each in manifests:
        if each.content != ManifestContent.DATA:
            continue
        counts: tuple[Any, ...] = (
            *(each.added_rows_count, each.existing_rows_count, each.deleted_rows_count),
            *(each.added_files_count, each.existing_files_count, each.deleted_files_count),
        )
        if None in counts:
            return {}
        added, existing, deleted, added_files, existing_files, deleted_files = counts
        totals["total-records"] += added + existing
        totals["total-data-files"] += added_files + existing_files
        if each.added_snapshot_id == snapshot_id:
            totals["added-records"] += added
            totals["deleted-records"] += deleted
            totals["added-data-files"] += added_files
            totals["deleted-data-files"] += deleted_files
    return {name: str(value) for name, value in totals.items()}
