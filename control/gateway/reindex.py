"""Rebuilds the index of commits from the catalog, where each snapshot carries its attempt.

What the catalog does not keep cannot come back: reads, refused commits, and changes without a
snapshot (creates, alters, drops). A table's name is the one it had when the commit was made.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from control.db import Database
from control.gateway.routes import dotted
from control.gateway.stamps import PARENT
from control.gateway.tables import AttemptCommitRow, CommitState
from control.gateway.tokens import MAIN
from control.gateway.upstream import Catalog, LoggedCommit

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
    """Note every attempt's snapshot on a branch; rows that are there already become committed.

    Safe beside running gateways, and to repeat.

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
    commits = [commit async for commit in catalog.log(branch, since)]
    seen: set[int] = set()
    found = 0
    for commit in reversed(commits):
        # Changes without a new snapshot, renames and rollbacks repeat a snapshot.
        if commit.snapshot_id in seen:
            continue
        seen.add(commit.snapshot_id)
        summary = await _summary(catalog, branch, commit)
        row = _row(commit, branch, summary)
        if row is not None:
            async with database.session() as session:
                await _restore(session, row)
            found += 1
    log.info("gateway.index_rebuilt", branch=branch, catalog_commits=len(commits), found=found)
    return found


async def _summary(catalog: Catalog, branch: str, commit: LoggedCommit) -> Mapping[str, str]:
    """Return the summary of the snapshot that a commit left, as the table was at that commit."""
    table = await catalog.load_table(f"{branch}@{commit.commit_hash}", commit.key)
    snapshots: list[dict[str, Any]] = table["metadata"].get("snapshots", []) if table else []
    for snapshot in snapshots:
        if snapshot["snapshot-id"] == commit.snapshot_id:
            return snapshot.get("summary", {})
    return {}


def _row(commit: LoggedCommit, branch: str, summary: Mapping[str, str]) -> dict[str, object] | None:
    """Read the stamp; None when the snapshot is no attempt's."""
    try:
        numbers = {column: int(summary[entry]) for column, entry in _NUMBERS.items()}
    except (KeyError, ValueError):
        return None
    parent = summary.get(PARENT)
    return {
        **numbers,
        "table_name": dotted(commit.key),
        "branch": branch,
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
