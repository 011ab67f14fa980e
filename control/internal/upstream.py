"""What a run's earlier attempts have left for later ones."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.tables import AttemptRow
from control.runs import store
from control.runs.tables import TaskOutput, TaskRun
from spec.attempts import AttemptOutput
from spec.references import Upstream

IS_TASK = text("task_key NOT LIKE '%[%'")
"""Leaves out the iterations of for-eaches; spelled as their indexes spell it."""


async def upstream_tasks(
    session: AsyncSession, run_id: int, asking: int, *, whole: bool = True
) -> dict[str, Upstream]:
    """Return each task's newest attempt: how it ended as far as is written, and its values.

    Values are there as soon as the attempt has sent them, before its end is projected.

    Args:
        session: Of the database.
        run_id: The run.
        asking: The task run for which this is asked: what began after it is left out. Ids do not
            tell: those of first attempts are older than all of them.
        whole: Without it nothing is returned of a run of which nothing was left.
    """
    outputs = {row.task_run_id: row for row in await store.outputs(session, run_id)}
    if not outputs and not whole:
        return {}
    own = await session.get(TaskRun, asking)
    query = select(TaskRun).where(
        TaskRun.run_id == run_id,
        col(TaskRun.for_each_run_id).is_(None),
        TaskRun.task_run_id != asking,
    )
    opened: Sequence[AttemptRow] = ()
    if own is not None:
        query = query.where(TaskRun.scheduled_at <= own.scheduled_at)
    else:
        # Its start is not projected yet. What is open already counts, though its own may not be.
        open_ones = select(AttemptRow).where(
            AttemptRow.run_id == run_id, IS_TASK, AttemptRow.task_run_id != asking
        )
        opened = (await session.exec(open_ones)).all()
    rows = (await session.exec(query)).all()
    ended = {row.task_run_id: row for row in rows}
    newest: dict[str, int] = {}
    attempts: dict[str, int] = {}
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
