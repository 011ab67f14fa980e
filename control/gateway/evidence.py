"""Did a commit land? Answered from the catalog, never from memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from control.gateway.stamps import CREATE_DIGEST, Change
from control.gateway.tables import AttemptCommitRow
from control.gateway.upstream import Catalog

CLOCK_SKEW = timedelta(minutes=2)
"""How far the catalog's clock may be behind ours."""


@dataclass(frozen=True)
class Mark:
    """By what a change is recognised in the catalog."""

    key: tuple[str, ...]
    """Namespace levels and table."""
    snapshot_id: int | None
    table_uuid: str | None
    create_digest: str | None

    @property
    def recognisable(self) -> bool:
        """Whether the catalog can tell at all."""
        return any((self.snapshot_id, self.table_uuid, self.create_digest))


def mark_of(change: Change, digest: str) -> Mark:
    """Say by what a change of a request is recognised."""
    return _mark(change.key, change.operation, change.snapshot_id, change.table_uuid, digest)


def mark_of_row(row: AttemptCommitRow) -> Mark:
    """Say by what a noted change is recognised."""
    return _mark(
        tuple(row.table_name.split(".")),
        row.operation,
        row.snapshot_id,
        row.table_uuid,
        row.request_digest,
    )


def _mark(
    key: tuple[str, ...],
    operation: str,
    snapshot_id: int | None,
    table_uuid: str | None,
    digest: str,
) -> Mark:
    created = operation == "create" and table_uuid is None
    return Mark(key, snapshot_id, table_uuid, digest if created else None)


async def landed(
    catalog: Catalog, branch: str, marks: Sequence[Mark], noted_at: datetime | None = None
) -> bool:
    """Tell whether a request is in the catalog; its changes are atomic, so one tells for all.

    Args:
        catalog: Where to look.
        branch: The branch it was for.
        marks: One for each change.
        noted_at: When it was first noted; the log is searched back to then. Now when it is None.

    Raises:
        Unavailable: the catalog does not answer.
    """
    since = (noted_at or datetime.now(UTC)) - CLOCK_SKEW
    for mark in marks:
        if mark.recognisable and await _seen(catalog, branch, mark, since):
            return True
    return False


async def _seen(catalog: Catalog, branch: str, mark: Mark, since: datetime) -> bool:
    if mark.snapshot_id is not None:
        return await catalog.find_snapshot(branch, mark.snapshot_id, since)
    table = await catalog.load_table(branch, mark.key)
    if table is None:
        return False
    metadata = table["metadata"]
    if mark.table_uuid is not None:
        return metadata["table-uuid"] == mark.table_uuid
    return metadata.get("properties", {}).get(CREATE_DIGEST) == mark.create_digest
