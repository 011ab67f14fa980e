"""Adds up bytes and deletes of a snapshot's files where its writer noted none (DuckDB does not).

Both stand in the manifests themselves (Iceberg spec, "Manifests"), so each is read once and
remembered: a manifest never changes, and snapshots share most of theirs. Blocking.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyiceberg.manifest import DataFileContent, ManifestEntryStatus, ManifestFile

from control.lakehouse.files import S3Files

_REMEMBERED = 100_000


@dataclass
class Budget:
    """How many manifests are read for one answer; the next answer goes on from there."""

    manifests_left: int = 500
    until: float = field(default_factory=lambda: time.monotonic() + 3)

    def take(self) -> bool:
        """Tell whether one more may be read."""
        self.manifests_left -= 1
        return self.manifests_left >= 0 and time.monotonic() < self.until


@dataclass
class Sums:
    """What the files of some manifests come to."""

    size: int = 0
    """Of live files, in bytes, files of deletes included."""
    deletes: int = 0
    """Rows deleted by position, by live files."""
    added_deletes: int = 0
    """Those that came with the snapshot that is asked for."""
    removed_deletes: int = 0
    """Those whose file went with it."""


_known: dict[str, Sums] = {}
"""Manifest → sums; what was added or removed was so by the snapshot that made the manifest."""


def total(
    snapshot_id: int, manifests: Sequence[ManifestFile], files: S3Files, budget: Budget
) -> Sums | None:
    """Return the sums of a snapshot; None when the budget ran out."""
    found = Sums()
    for each in manifests:
        sums = _sums(each, files, budget)
        if sums is None:
            return None
        found.size += sums.size
        found.deletes += sums.deletes
        if each.added_snapshot_id == snapshot_id:
            found.added_deletes += sums.added_deletes
            found.removed_deletes += sums.removed_deletes
    return found


def _sums(manifest: ManifestFile, files: S3Files, budget: Budget) -> Sums | None:
    known = _known.get(manifest.manifest_path)
    if known is not None:
        return known
    if not budget.take():
        return None
    found = Sums()
    for entry in manifest.fetch_manifest_entry(files, discard_deleted=False):
        file = entry.data_file
        rows = file.record_count if file.content == DataFileContent.POSITION_DELETES else 0
        if entry.status == ManifestEntryStatus.DELETED:
            found.removed_deletes += rows
            continue
        found.size += file.file_size_in_bytes
        found.deletes += rows
        if entry.status == ManifestEntryStatus.ADDED:
            found.added_deletes += rows
    if len(_known) >= _REMEMBERED:
        _known.clear()
    _known[manifest.manifest_path] = found
    return found
