"""Queries on lineage as a whole: who reads and writes what, over all runs of a workspace."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, func
from sqlalchemy import select as sql_select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.jobs.tables import Job
from control.lineage.store import OUTPUT
from control.lineage.tables import LineageColumn, LineageDataset, LineageEdge
from control.runs.access import SUBMITTED, visible_runs
from control.runs.tables import Run, TaskRun
from control.triggers.tables import TriggerState

MOST_LINKS = 10_000
"""How many a map is drawn from; the newest."""


class Link(NamedTuple):
    """One task of a job (by name) and one dataset, over all of their runs."""

    job_id: int | None
    job: str
    dataset: str
    direction: str
    runs: int
    last_at: datetime
    run_id: int | None
    task_run_id: int | None


class LastRun(NamedTuple):
    """The newest run behind a link, and its task run if it is still known."""

    run_id: int
    job_id: int | None
    """None when it was run once, without a job."""
    visible: bool
    task_run_id: int | None
    result: str | None
    started_at: datetime | None
    owner: str


async def links(
    session: AsyncSession,
    workspace_id: int,
    *,
    direction: str | None = None,
    datasets: Collection[str] | None = None,
    jobs: Collection[str] | None = None,
    job_id: int | None = None,
) -> Sequence[Link]:
    """Return links, those seen last first: of some datasets or jobs, or all; at most `MOST_LINKS`.

    Args:
        session: For reading.
        workspace_id: Whose.
        direction: Only those that read, or write.
        datasets: Only those at these datasets.
        jobs: Only those of jobs' tasks of these names.
        job_id: Only those of this job.
    """
    edge = LineageEdge
    last = func.max(col(edge.at))
    names = (col(edge.job_id), col(edge.job), col(edge.dataset), col(edge.direction))
    newest = (func.max(col(edge.run_id)), func.max(col(edge.task_run_id)))
    query = sql_select(*[*names, func.count(), last, *newest]).where(
        col(edge.workspace_id) == workspace_id
    )
    if direction is not None:
        query = query.where(col(edge.direction) == direction)
    if datasets is not None:
        query = query.where(col(edge.dataset).in_(datasets))
    if jobs is not None:
        query = query.where(col(edge.job).in_(jobs))
    if job_id is not None:
        query = query.where(col(edge.job_id) == job_id)
    ordered = query.group_by(*names).order_by(last.desc(), *names).limit(MOST_LINKS)
    rows = await (await session.connection()).execute(ordered)
    return [Link(*row) for row in rows.all()]


async def last_runs(
    session: AsyncSession, caller: Caller, found: Collection[Link]
) -> dict[int, LastRun]:
    """Return run id → what is known of the newest runs behind links."""
    runs = {each.run_id for each in found if each.run_id is not None}
    tasks = {each.task_run_id for each in found if each.task_run_id is not None}
    if not runs:
        return {}
    job = case((col(Run.run_type) != SUBMITTED, col(Run.job_id)))
    task = (col(TaskRun.task_run_id), col(TaskRun.result), col(TaskRun.started_at))
    query = (
        sql_select(*[col(Run.run_id), job, visible_runs(caller), *task, col(Run.creator)])
        .join(
            TaskRun,
            (col(TaskRun.run_id) == col(Run.run_id)) & col(TaskRun.task_run_id).in_(tasks),
            isouter=True,
        )
        .where(col(Run.workspace_id) == caller.workspace_id, col(Run.run_id).in_(runs))
        .order_by(col(TaskRun.task_run_id))
    )
    found_rows = await (await session.connection()).execute(query)
    rows = [LastRun(*row) for row in found_rows.all()]
    return {key: row for row in rows for key in (row.run_id, row.task_run_id) if key is not None}


async def visible_ids(session: AsyncSession, caller: Caller, runs: Collection[int]) -> set[int]:
    """Return which of some runs the caller may see."""
    query = select(Run.run_id).where(
        Run.workspace_id == caller.workspace_id,
        col(Run.run_id).in_(runs),
        visible_runs(caller),
    )
    return set((await session.exec(query)).all()) if runs else set()


def hidden_name(workspace_id: int, key: str) -> str:
    """Return what a job is called to those who may not see it: the same each time, and no more."""
    return f"hidden/{hashlib.sha256(f'{workspace_id} {key}'.encode()).hexdigest()[:16]}"


async def last_written(
    session: AsyncSession, workspace_id: int, names: Collection[str]
) -> dict[str, datetime]:
    """Return dataset → when a job last wrote it."""
    query = (
        select(LineageEdge.dataset, func.max(col(LineageEdge.at)))
        .where(
            LineageEdge.workspace_id == workspace_id,
            LineageEdge.direction == OUTPUT,
            col(LineageEdge.dataset).in_(names),
        )
        .group_by(col(LineageEdge.dataset))
    )
    return dict((await session.exec(query)).all())


async def is_known(session: AsyncSession, workspace_id: int, name: str) -> bool:
    """Tell whether a dataset was ever told of."""
    return await session.get(LineageDataset, (workspace_id, name)) is not None


async def owners(session: AsyncSession, workspace_id: int, ids: Collection[int]) -> dict[int, str]:
    """Return job id → who made it."""
    query = select(Job.job_id, Job.creator).where(
        Job.workspace_id == workspace_id, col(Job.job_id).in_(ids)
    )
    return dict((await session.exec(query)).all())


async def next_fires(
    session: AsyncSession, workspace_id: int, ids: Collection[int]
) -> dict[int, datetime | None]:
    """Return job id → when its trigger fires next, where it has one that is not paused."""
    query = select(TriggerState.job_id, TriggerState.next_at).where(
        TriggerState.workspace_id == workspace_id, col(TriggerState.job_id).in_(ids)
    )
    return dict((await session.exec(query)).all())


async def newest_columns(
    session: AsyncSession, workspace_id: int, outputs: Collection[str]
) -> Sequence[LineageColumn]:
    """Return the column lineage of datasets, as the newest run of each job that writes them told.

    A run that told no columns of a dataset hides those that older ones told: what it did is what
    is true now.
    """
    edge = LineageEdge
    newest = (
        select(col(edge.source_run), col(edge.dataset))
        .where(
            edge.workspace_id == workspace_id,
            edge.direction == OUTPUT,
            col(edge.dataset).in_(outputs),
        )
        .order_by(col(edge.dataset), col(edge.job), col(edge.job_id), col(edge.at).desc())
        .ext(distinct_on(col(edge.dataset), col(edge.job), col(edge.job_id)))
        .subquery()
    )
    query = (
        select(LineageColumn)
        .join(
            newest,
            (newest.c.source_run == col(LineageColumn.source_run))
            & (newest.c.dataset == col(LineageColumn.output)),
        )
        .where(LineageColumn.workspace_id == workspace_id)
        .limit(MOST_LINKS)
    )
    return (await session.exec(query)).all()
