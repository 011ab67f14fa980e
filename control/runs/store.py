"""Queries on runs, task runs and outputs."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Subquery, text
from sqlalchemy import select as sql_select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from control.gateway.tables import AttemptRow
from control.jobs.tables import SettingsSnapshot
from control.runs.reserved import waiting_task_run
from control.runs.tables import ForEachRun, Run, RunExecution, TaskOutput, TaskRun
from spec.errors import NotFound
from spec.ids import is_task_run, run_of

ACTIVE = text("life IN ('QUEUED', 'PENDING', 'RUNNING', 'TERMINATING')")
OVER = text("life IN ('SKIPPED', 'ENDED')")
_OVERLAP = timedelta(minutes=1)
"""No admission takes longer."""
_MOST_ID = 2**63 - 1


@dataclass(frozen=True)
class OpenedTaskRun:
    """A task run, and when an engine worker first opened it."""

    row: TaskRun
    opened_at: datetime | None


async def get(session: AsyncSession, workspace_id: int, run_id: int, *, lock: bool = False) -> Run:
    """Return a run.

    Raises:
        NotFound: there is no such run in the workspace.
    """
    query = select(Run).where(
        Run.run_id == run_id, Run.workspace_id == workspace_id, col(Run.deleted_at).is_(None)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    run = (await session.exec(query)).first()
    if run is None:
        raise NotFound(f"Run {run_id} does not exist.", run_id=run_id)
    return run


async def snapshot(session: AsyncSession, settings_hash: str) -> SettingsSnapshot:
    """Return a run's pinned settings."""
    return await session.get_one(SettingsSnapshot, settings_hash)


async def snapshots(session: AsyncSession, hashes: Collection[str]) -> dict[str, SettingsSnapshot]:
    """Return pinned settings by their hash."""
    query = select(SettingsSnapshot).where(col(SettingsSnapshot.hash).in_(hashes))
    return {row.hash: row for row in (await session.exec(query)).all()}


async def task_runs(session: AsyncSession, run_ids: list[int]) -> list[OpenedTaskRun]:
    """Return the task runs of some runs, those of a task as they were made; no iterations."""
    query = _opened().where(
        col(TaskRun.run_id).in_(run_ids), col(TaskRun.for_each_run_id).is_(None)
    )
    rows = await session.exec(query.order_by(col(TaskRun.task_run_id)))
    return [OpenedTaskRun(row, opened) for row, opened in rows.all()]


class AttemptFacts(NamedTuple):
    """What a glance at an attempt shows; without the row, for there may be very many."""

    task_run_id: int
    run_id: int
    task_key: str
    attempt: int
    execution: int
    result: str | None
    retry_at: datetime | None
    scheduled_at: datetime
    started_at: datetime | None
    work_ended_at: datetime | None
    ended_at: datetime | None
    opened_at: datetime | None


async def attempt_facts(session: AsyncSession, run_ids: Collection[int]) -> list[AttemptFacts]:
    """Return the attempts of some runs, those of a task as they were made; no iterations."""
    names = AttemptFacts._fields[:-1]
    query = (
        sql_select(*(getattr(TaskRun, name) for name in names), col(AttemptRow.opened_at))
        .outerjoin(AttemptRow, col(AttemptRow.task_run_id) == col(TaskRun.task_run_id))
        .where(col(TaskRun.run_id).in_(run_ids), col(TaskRun.for_each_run_id).is_(None))
        .order_by(col(TaskRun.task_run_id))
    )
    rows = (await (await session.connection()).execute(query)).all()
    return [AttemptFacts(*row) for row in rows]


async def opened_task_run(session: AsyncSession, task_run_id: int) -> OpenedTaskRun | None:
    """Return one task run; None when it has not begun."""
    query = _opened().where(TaskRun.task_run_id == task_run_id)
    found = (await session.exec(query)).first()
    return None if found is None else OpenedTaskRun(*found)


async def first_attempt(session: AsyncSession, task_run: TaskRun) -> int:
    """Return the task run by which the task was tried first."""
    query = select(func.min(TaskRun.task_run_id)).where(
        TaskRun.run_id == task_run.run_id, TaskRun.task_key == task_run.task_key
    )
    return (await session.exec(query)).one() or task_run.task_run_id


def _opened() -> Select[TaskRun, datetime]:
    return select(TaskRun, col(AttemptRow.opened_at)).outerjoin(
        AttemptRow, col(AttemptRow.task_run_id) == col(TaskRun.task_run_id)
    )


async def iterations(
    session: AsyncSession, for_each: TaskRun, offset: int, limit: int
) -> list[OpenedTaskRun]:
    """Return the newest attempt of each iteration up to this for-each attempt, in order."""
    newest = (
        select(func.max(TaskRun.task_run_id))
        .where(TaskRun.run_id == for_each.run_id)
        .where(col(TaskRun.for_each_run_id) <= for_each.task_run_id)
        .where(col(TaskRun.task_key).startswith(f"{for_each.task_key}[", autoescape=True))
        .group_by(col(TaskRun.task_key))
    )
    # `key[7]` before `key[12]`: shorter keys have smaller numbers.
    place = (func.length(TaskRun.task_key), col(TaskRun.task_key))
    query = _opened().where(col(TaskRun.task_run_id).in_(newest)).order_by(*place)
    rows = await session.exec(query.offset(offset).limit(limit))
    return [OpenedTaskRun(row, opened) for row, opened in rows.all()]


async def iteration_stats(
    session: AsyncSession, for_each_run_ids: list[int]
) -> dict[int, tuple[int, int, int, int, int]]:
    """Return (inputs, begun by it, active, succeeded, inputs it was to do) of for-each attempts."""
    newest = _newest_iterations(for_each_run_ids)
    is_active = newest.c.result.is_(None) | newest.c.retry_at.is_not(None)
    counts = {
        row[0]: row[1:]
        for row in (
            await session.exec(
                select(
                    newest.c.for_each_run_id,
                    func.count(),
                    func.count().filter(is_active),
                    func.count().filter(newest.c.result == "SUCCESS"),
                ).group_by(newest.c.for_each_run_id)
            )
        ).all()
    }
    query = select(ForEachRun).where(col(ForEachRun.task_run_id).in_(for_each_run_ids))
    return {
        row.task_run_id: (
            row.total,
            *counts.get(row.task_run_id, (0, 0, 0)),
            sum(count for _, count in row.todo),
        )
        for row in (await session.exec(query)).all()
    }


def _newest_iterations(for_each_run_ids: Collection[int]) -> Subquery:
    """Return the newest attempt of each iteration that for-each attempts have begun."""
    return (
        select(col(TaskRun.for_each_run_id), TaskRun.result, TaskRun.retry_at)
        .ext(distinct_on(col(TaskRun.for_each_run_id), col(TaskRun.task_key)))
        .where(col(TaskRun.for_each_run_id).in_(for_each_run_ids))
        .order_by(
            col(TaskRun.for_each_run_id), col(TaskRun.task_key), col(TaskRun.task_run_id).desc()
        )
        .subquery()
    )


@dataclass(frozen=True)
class Iterations:
    """How far a for-each attempt is."""

    total: int
    kept: int
    """Inputs that earlier attempts have done."""
    begun: Mapping[tuple[str | None, bool], int]
    """(result, whether it is tried again) → how many iterations."""


async def iteration_results(
    session: AsyncSession, for_each_run_ids: Collection[int]
) -> dict[int, Iterations]:
    """Return for-each attempt → how far it is; one that has no inputs yet is missing."""
    newest = _newest_iterations(for_each_run_ids)
    waits = newest.c.retry_at.is_not(None)
    place = (newest.c.for_each_run_id, newest.c.result, waits)
    counted = sql_select(*place, func.count()).group_by(*place)
    begun: defaultdict[int, dict[tuple[str | None, bool], int]] = defaultdict(dict)
    for number, result, again, count in await (await session.connection()).execute(counted):
        begun[number][result, again] = count
    query = select(ForEachRun).where(col(ForEachRun.task_run_id).in_(for_each_run_ids))
    return {
        row.task_run_id: Iterations(
            row.total, row.total - sum(count for _, count in row.todo), begun[row.task_run_id]
        )
        for row in (await session.exec(query)).all()
    }


async def executions(session: AsyncSession, run_ids: list[int]) -> list[RunExecution]:
    """Return the executions of runs that were repaired, oldest first."""
    query = select(RunExecution).where(col(RunExecution.run_id).in_(run_ids))
    order = (col(RunExecution.run_id), col(RunExecution.execution))
    return list((await session.exec(query.order_by(*order))).all())


async def task_run(session: AsyncSession, workspace_id: int, task_run_id: int) -> TaskRun:
    """Return one task run; of one that has still to begin, what is known of it.

    Raises:
        NotFound: there is no such task run in the workspace.
    """
    if is_task_run(task_run_id):
        run = await get(session, workspace_id, run_of(task_run_id))
        row = await session.get(TaskRun, task_run_id)
        if row is None:
            pinned = await snapshot(session, run.settings_hash)
            row = waiting_task_run(run, pinned, task_run_id)
        if row is not None:
            return row
    raise NotFound(f"Run {task_run_id} does not exist.", run_id=task_run_id)


@dataclass(frozen=True)
class Filter:
    """Which runs a list shows."""

    job_id: int | None = None
    active_only: bool = False
    completed_only: bool = False
    run_type: str | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None


async def page(
    session: AsyncSession,
    workspace_id: int,
    which: Filter,
    *,
    limit: int,
    below: int | None = None,
    above: int | None = None,
    offset: int = 0,
    visible: ColumnElement[bool],
) -> list[Run]:
    """Return runs, newest first, with ids below (or just above) a bound; keyset, never counted."""
    query = select(Run).where(
        Run.workspace_id == workspace_id, col(Run.deleted_at).is_(None), visible
    )
    if which.job_id is not None:
        query = query.where(Run.job_id == which.job_id)
    if which.active_only:
        query = query.where(ACTIVE)
    if which.completed_only:
        query = query.where(OVER)
    if which.run_type is not None:
        query = query.where(Run.run_type == which.run_type)
    query = query.where(*_within(workspace_id, which))
    if above is not None:
        query = query.where(Run.run_id > above).order_by(col(Run.run_id))
        return list((await session.exec(query.limit(limit))).all())[::-1]
    if below is not None:
        query = query.where(Run.run_id < below)
    query = query.order_by(col(Run.run_id).desc()).offset(offset).limit(limit)
    return list((await session.exec(query)).all())


def _within(workspace_id: int, which: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions of a range of time, with the range of ids that they imply.

    Ids grow with time, give or take the moments that admissions overlap. A page is read by id, and
    would pass all that is newer than the range without a bound that the index knows.
    """
    conditions: list[ColumnElement[bool]] = []
    nearest = select(Run.run_id).where(Run.workspace_id == workspace_id).limit(1)
    made = col(Run.created_at)
    if which.started_from is not None:
        older = nearest.where(made < which.started_from - _OVERLAP).order_by(made.desc())
        bound = func.coalesce(older.scalar_subquery(), 0)
        conditions += [made >= which.started_from, col(Run.run_id) >= bound]
    if which.started_to is not None:
        newer = nearest.where(made > which.started_to + _OVERLAP).order_by(made)
        bound = func.coalesce(newer.scalar_subquery(), _MOST_ID)
        conditions += [made <= which.started_to, col(Run.run_id) <= bound]
    return conditions


async def outputs(session: AsyncSession, run_id: int) -> list[TaskOutput]:
    """Return what the attempts of a run's tasks have left so far; no iterations."""
    # Spelled as the index `ix_task_outputs_tasks` spells it.
    query = select(TaskOutput).where(TaskOutput.run_id == run_id, text("task_key NOT LIKE '%[%'"))
    return list((await session.exec(query.order_by(col(TaskOutput.task_run_id)))).all())
