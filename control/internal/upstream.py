"""What a run's earlier attempts have left for later ones."""

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.tables import AttemptRow
from control.runs import store
from control.runs.tables import TaskOutput, TaskRun
from spec.attempts import AttemptOutput
from spec.ids import MAX_ATTEMPTS
from spec.references import Upstream

IS_TASK = text("task_key NOT LIKE '%[%'")
"""Leaves out the iterations of for-eaches; spelled as their indexes spell it."""


async def upstream_tasks(
    session: AsyncSession, run_id: int, before: int | None = None
) -> dict[str, Upstream]:
    """Return each task's newest attempt: how it ended as far as is written, and its values.

    Values are there as soon as the attempt has sent them, before its end is projected.

    Args:
        session: Of the database.
        run_id: The run.
        before: Look only at task runs with smaller ids than this.
    """
    limit = before if before is not None else run_id + MAX_ATTEMPTS + 1
    outputs = {row.task_run_id: row for row in await store.outputs(session, run_id)}
    newest: dict[str, int] = {}
    attempts: dict[str, int] = {}
    query = select(TaskRun).where(
        TaskRun.run_id == run_id,
        col(TaskRun.for_each_run_id).is_(None),
        TaskRun.task_run_id < limit,
    )
    rows = (await session.exec(query)).all()
    ended = {row.task_run_id: row for row in rows}
    # An attempt that is open already counts, though its start may not be projected yet.
    open_ones = select(AttemptRow).where(
        AttemptRow.run_id == run_id, IS_TASK, AttemptRow.task_run_id < limit
    )
    opened = (await session.exec(open_ones)).all()
    for row in (*rows, *opened):
        newest[row.task_key] = max(newest.get(row.task_key, 0), row.task_run_id)
    for row in rows:
        attempts[row.task_key] = attempts.get(row.task_key, 0) + 1
    return {
        key: _upstream(task_run_id, ended.get(task_run_id), outputs.get(task_run_id), attempts)
        for key, task_run_id in newest.items()
    }


def _upstream(
    task_run_id: int, row: TaskRun | None, output: TaskOutput | None, attempts: dict[str, int]
) -> Upstream:
    left = AttemptOutput.model_validate(output.output) if output else AttemptOutput()
    return Upstream(
        run_id=task_run_id,
        result=(row.result if row else None) or "",
        code=(row.code if row else None) or "",
        attempts=attempts.get(row.task_key, 1) if row else 1,
        values=left.values,
        sql=left.sql,
        alert_state=left.alert.state.value if left.alert else None,
    )
