"""Queries on all that a run did; what can be long comes in pages."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from sqlmodel import col, select, tuple_, union
from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.tables import AttemptCommitRow, AttemptReadRow, AttemptRow
from control.jobs.tables import SettingsSnapshot
from control.logs.tables import LogSize
from control.runs.tables import (
    ForEachInput,
    ForEachRun,
    RunEvent,
    RunExecution,
    TaskOutput,
    TaskRun,
)
from spec.ids import MAX_ATTEMPTS

PAGE = 250
"""Rows at a time: so few that drawing them keeps nobody else waiting."""


@dataclass(frozen=True)
class Attempt:
    """Everything that is known of one attempt."""

    row: TaskRun
    opened: AttemptRow | None = None
    log: LogSize | None = None
    output: TaskOutput | None = None
    reads: list[AttemptReadRow] = field(default_factory=list[AttemptReadRow])
    commits: list[AttemptCommitRow] = field(default_factory=list[AttemptCommitRow])


async def attempts(session: AsyncSession, run_id: int) -> AsyncIterator[Attempt]:
    """Yield all attempts of a run, iterations' too, in the order of their ids."""
    last = 0
    while True:
        query = (
            select(TaskRun, AttemptRow, LogSize, TaskOutput)
            .outerjoin(AttemptRow, col(AttemptRow.task_run_id) == col(TaskRun.task_run_id))
            .outerjoin(LogSize, col(LogSize.task_run_id) == col(TaskRun.task_run_id))
            .outerjoin(TaskOutput, col(TaskOutput.task_run_id) == col(TaskRun.task_run_id))
            .where(TaskRun.run_id == run_id, TaskRun.task_run_id > last)
            .order_by(col(TaskRun.task_run_id))
            .limit(PAGE)
        )
        rows = (await session.exec(query)).all()
        if not rows:
            return
        last = rows[-1][0].task_run_id
        reads, commits = await _tables(session, [row.task_run_id for row, *_ in rows])
        for row, opened, log, output in rows:
            key = row.task_run_id
            yield Attempt(row, opened, log, output, reads[key], commits[key])
        session.expunge_all()


async def _tables(
    session: AsyncSession, task_run_ids: list[int]
) -> tuple[dict[int, list[AttemptReadRow]], dict[int, list[AttemptCommitRow]]]:
    reads: dict[int, list[AttemptReadRow]] = defaultdict(list)
    commits: dict[int, list[AttemptCommitRow]] = defaultdict(list)
    read = select(AttemptReadRow).where(col(AttemptReadRow.task_run_id).in_(task_run_ids))
    order = (col(AttemptReadRow.at), col(AttemptReadRow.table_name), col(AttemptReadRow.branch))
    for row in await session.exec(read.order_by(*order)):
        reads[row.task_run_id].append(row)
    made = select(AttemptCommitRow).where(col(AttemptCommitRow.task_run_id).in_(task_run_ids))
    for row in await session.exec(made.order_by(col(AttemptCommitRow.id))):
        commits[row.task_run_id].append(row)
    return reads, commits


async def attempts_with_tables(
    session: AsyncSession, run_id: int, task_run_id: int | None, after: int, limit: int
) -> list[tuple[TaskRun, list[AttemptReadRow], list[AttemptCommitRow]]]:
    """Return attempts of a run that read or changed tables, behind one of them, by their ids."""
    first, last = max(run_id, after) + 1, run_id + MAX_ATTEMPTS
    if task_run_id is not None:
        first, last = max(first, task_run_id), min(last, task_run_id)
    met = union(
        *(
            select(row.task_run_id).where(col(row.task_run_id).between(first, last))
            for row in (AttemptReadRow, AttemptCommitRow)
        )
    ).subquery()
    query = (
        select(TaskRun)
        .join(met, met.c.task_run_id == col(TaskRun.task_run_id))
        .order_by(col(TaskRun.task_run_id))
        .limit(limit)
    )
    rows = (await session.exec(query)).all()
    reads, commits = await _tables(session, [row.task_run_id for row in rows])
    return [(row, reads[row.task_run_id], commits[row.task_run_id]) for row in rows]


async def events(session: AsyncSession, run_id: int) -> AsyncIterator[RunEvent]:
    """Yield all events of a run, by execution, stream and number."""
    place = tuple_(col(RunEvent.execution), col(RunEvent.stream), col(RunEvent.seq))
    last = (-1, -1, -1)
    while True:
        query = select(RunEvent).where(RunEvent.run_id == run_id, place > last)
        order = (col(RunEvent.execution), col(RunEvent.stream), col(RunEvent.seq))
        rows = (await session.exec(query.order_by(*order).limit(PAGE))).all()
        if not rows:
            return
        last = (rows[-1].execution, rows[-1].stream, rows[-1].seq)
        for row in rows:
            yield row
        session.expunge_all()


async def executions(session: AsyncSession, run_id: int) -> Sequence[RunExecution]:
    """Return the executions of a run that was repaired, oldest first."""
    query = select(RunExecution).where(RunExecution.run_id == run_id)
    return (await session.exec(query.order_by(col(RunExecution.execution)))).all()


async def snapshots(session: AsyncSession, hashes: set[str]) -> Sequence[SettingsSnapshot]:
    """Return settings by their hash, in its order."""
    query = select(SettingsSnapshot).where(col(SettingsSnapshot.hash).in_(hashes))
    return (await session.exec(query.order_by(col(SettingsSnapshot.hash)))).all()


async def for_each_runs(session: AsyncSession, run_id: int) -> Sequence[ForEachRun]:
    """Return the for-each attempts of a run."""
    query = select(ForEachRun).where(ForEachRun.run_id == run_id)
    return (await session.exec(query.order_by(col(ForEachRun.task_run_id)))).all()


async def inputs(session: AsyncSession, task_run_id: int) -> AsyncIterator[ForEachInput]:
    """Yield the inputs of a for-each attempt, in order."""
    last = -1
    while True:
        query = select(ForEachInput).where(
            ForEachInput.task_run_id == task_run_id, ForEachInput.index > last
        )
        rows = (await session.exec(query.order_by(col(ForEachInput.index)).limit(PAGE))).all()
        if not rows:
            return
        last = rows[-1].index
        for row in rows:
            yield row
        session.expunge_all()
