"""What an attempt has committed, for a worker that has lost sight of the work that did it."""

from typing import Any

from sqlmodel import col, select

from control.db import Database
from control.gateway import store
from control.gateway.tables import AttemptCommitRow


async def own_commits(database: Database, task_run_id: int, after: int) -> list[dict[str, Any]]:
    """Return an attempt's commits in the order in which they were first sent.

    A commit under way is waited for. One that is `pending` has lost its gateway, and the settler is
    finding out what became of it: ask again.

    Args:
        database: With the index of commits.
        task_run_id: Whose.
        after: The id of the last commit that is known.
    """
    query = (
        select(AttemptCommitRow)
        .where(col(AttemptCommitRow.task_run_id) == task_run_id, col(AttemptCommitRow.id) > after)
        .order_by(col(AttemptCommitRow.id))
    )
    async with database.session() as session:
        # Whoever passes a commit on holds this lock until its outcome is noted.
        await store.lock_attempt(session, task_run_id)
        rows = (await session.exec(query)).all()
    return [
        {
            "id": row.id,
            "table": row.table_name,
            "operation": row.operation,
            "state": row.state,
            "snapshot_id": None if row.snapshot_id is None else str(row.snapshot_id),
            "summary": row.summary,
        }
        for row in rows
    ]
