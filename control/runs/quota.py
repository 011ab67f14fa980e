"""How many runs of one workspace may be active at once.

Only where a quota is set does anybody take turns at the workspace's row. It is locked before a
job's row, by everybody, so that nobody waits in a circle. What a run asks for itself by a run_job
task does not count: it would wait for the place that its parent holds.
"""

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.runs.tables import Run
from control.workspaces.tables import Workspace
from spec.states import RunLife

COUNTED = (RunLife.PENDING, RunLife.RUNNING, RunLife.TERMINATING)
"""Lives of runs that are active; a queued one is not yet."""


async def room(session: AsyncSession, workspace_id: int) -> int | None:
    """Return how many more runs may become active; None where there is no quota.

    Where there is one, nobody else admits a run in the workspace until the transaction ends.
    """
    query = select(Workspace.max_concurrent_runs).where(Workspace.workspace_id == workspace_id)
    if (await session.exec(query)).first() is None:
        return None
    # Not stronger than is needed: rows that refer to the workspace are inserted meanwhile.
    limit = (await session.exec(query.with_for_update(key_share=True))).first()
    if limit is None:
        return None
    active = select(func.count()).where(
        Run.workspace_id == workspace_id,
        col(Run.life).in_([life.value for life in COUNTED]),
        col(Run.parent_task_run_id).is_(None),
    )
    return max(0, limit - (await session.exec(active)).one())


async def waiting_jobs(session: AsyncSession, workspace_id: int) -> list[int]:
    """Return the jobs that have queued runs, whose run has waited longest first."""
    query = (
        select(Run.job_id)
        .where(Run.workspace_id == workspace_id, Run.life == RunLife.QUEUED.value)
        .group_by(col(Run.job_id))
        .order_by(func.min(col(Run.queued_at)), col(Run.job_id))
    )
    return list((await session.exec(query)).all())
