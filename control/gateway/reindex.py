"""Rebuilds the index of commits from the catalog, where each snapshot carries its attempt.

What the catalog does not keep cannot come back: reads, refused commits, and changes without a
snapshot (creates, alters, drops). A table's name is the one it had when the commit was made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from control.db import Database
from control.gateway.references import Key, References
from control.gateway.routes import dotted
from control.gateway.stamps import PARENT
from control.gateway.tables import AttemptCommitRow, CommitState
from control.gateway.tokens import MAIN
from control.gateway.upstream import Catalog
from control.transactions.names import attempt_branch
from spec.errors import NotFound

log = structlog.get_logger(__name__)

_NUMBERS = {
    "task_run_id": "openlake.task-run-id",
    "workspace_id": "openlake.workspace-id",
    "job_id": "openlake.job-id",
    "run_id": "openlake.run-id",
}


async def rebuild(
    database: Database, catalog: Catalog, branch: str = MAIN, since: datetime | None = None
) -> int:
    """Note every attempt's snapshot on a branch, and on what was merged into it.

    Rows that are there already become committed. Safe beside running gateways, and to repeat.

    Args:
        database: Where the index is.
        catalog: The catalog itself, not a gateway.
        branch: The branch to walk.
        since: Walk back to this instant only.

    Returns:
        How many snapshots of attempts were found.

    Raises:
        Unavailable: the catalog does not answer.
    """
    commits = await _commits(References(catalog), branch, since)
    seen: set[int] = set()
    found = 0
    for commit in sorted(commits, key=lambda commit: commit.committed_at):
        # Merges, changes without a new snapshot, renames and rollbacks repeat a snapshot.
        if commit.snapshot_id in seen:
            continue
        seen.add(commit.snapshot_id)
        summary = await _summary(catalog, commit)
        row = _row(commit, branch if commit.direct else None, summary)
        if row is not None:
            async with database.session() as session:
                await _restore(session, row)
            found += 1
    log.info("gateway.index_rebuilt", branch=branch, catalog_commits=len(commits), found=found)
    return found


@dataclass(frozen=True)
class _Commit:
    """What one catalog commit left in one table."""

    hash: str
    committed_at: datetime
    key: Key
    snapshot_id: int
    direct: bool
    """It was made on the branch itself, not on one that was merged."""


async def _commits(
    references: References, branch: str, since: datetime | None
) -> Sequence[_Commit]:
    """Return the table commits of a branch and of all that was merged into it."""
    known, found, waiting = set[str](), list[_Commit](), [branch]
    while waiting:
        ref = waiting.pop()
        try:
            async for entry in references.history(ref, changes=True):
                if entry.hash in known or (since is not None and entry.committed_at < since):
                    break
                known.add(entry.hash)
                if entry.merged is not None:
                    waiting.append(f"-@{entry.merged}")
                found += [
                    _Commit(entry.hash, entry.committed_at, each.key, snapshot_id, ref == branch)
                    for each in entry.changes
                    if (snapshot_id := each.snapshot_id) is not None
                ]
        except NotFound:
            # A merged branch that was dropped, and cleaned up since.
            log.warning("gateway.merged_commits_are_gone", ref=ref)
    return found


async def _summary(catalog: Catalog, commit: _Commit) -> Mapping[str, str]:
    """Return the summary of the snapshot that a commit left, as the table was at that commit."""
    table = await catalog.load_table(f"-@{commit.hash}", commit.key)
    snapshots: list[dict[str, Any]] = table["metadata"].get("snapshots", []) if table else []
    for snapshot in snapshots:
        if snapshot["snapshot-id"] == commit.snapshot_id:
            return snapshot.get("summary", {})
    return {}


def _row(
    commit: _Commit, branch: str | None, summary: Mapping[str, str]
) -> dict[str, object] | None:
    """Read the stamp; None when the snapshot is no attempt's. Without a branch: the attempt's."""
    try:
        numbers = {column: int(summary[entry]) for column, entry in _NUMBERS.items()}
    except (KeyError, ValueError):
        return None
    parent = summary.get(PARENT)
    return {
        **numbers,
        "table_name": dotted(commit.key),
        "branch": branch or attempt_branch(numbers["task_run_id"]),
        "snapshot_id": commit.snapshot_id,
        "parent_snapshot_id": int(parent) if parent else None,
        "operation": summary.get("operation", "unknown"),
        "summary": dict(summary),
        "request_digest": "",
        "state": CommitState.COMMITTED,
        "message": "",
        "at": commit.committed_at,
        "settled_at": commit.committed_at,
    }


async def _restore(session: AsyncSession, row: dict[str, object]) -> None:
    statement = insert(AttemptCommitRow).values(row)
    await session.exec(
        statement.on_conflict_do_update(
            index_elements=["task_run_id", "table_name", "snapshot_id"],
            index_where=col(AttemptCommitRow.snapshot_id).is_not(None),
            set_={"state": CommitState.COMMITTED, "settled_at": statement.excluded.settled_at},
            where=col(AttemptCommitRow.state) != CommitState.COMMITTED,
        )
    )
