"""Queries on lineage: keeping what events say, and reading edges back."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.tables import (
    NO_SNAPSHOT,
    AttemptCommitRow,
    AttemptReadRow,
    CommitState,
)
from control.lineage.tables import LineageColumn, LineageDataset, LineageEdge, LineageEvent
from spec.datasets import CATALOG

INPUT, OUTPUT = "INPUT", "OUTPUT"

Snapshots = dict[tuple[int, str, str], set[int]]
"""(task run, dataset, direction) → snapshots read or committed."""

_ROWS_AT_ONCE = 1_000
"""A statement has at most 32,767 values."""


async def keep_event(session: AsyncSession, row: dict[str, Any]) -> bool:
    """Store an event as it came; False when it was stored before."""
    statement = insert(LineageEvent).values(row).on_conflict_do_nothing()
    kept = await session.exec(statement.returning(col(LineageEvent.hash)))
    return kept.first() is not None


async def keep(
    session: AsyncSession, table: type[SQLModel], rows: Sequence[dict[str, Any]]
) -> None:
    """Insert rows that are not there yet."""
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        some = list(rows[first : first + _ROWS_AT_ONCE])
        await session.exec(insert(table).values(some).on_conflict_do_nothing())


async def keep_schema(
    session: AsyncSession,
    workspace_id: int,
    name: str,
    columns: Sequence[tuple[str, str]],
    at: datetime,
) -> None:
    """Note a dataset, and its columns when they are known and news."""
    row: dict[str, Any] = {
        "workspace_id": workspace_id,
        "name": name,
        "namespace": "",
        "schema_fields": [{"name": column, "type": kind} for column, kind in columns],
        "updated_at": at,
    }
    statement = insert(LineageDataset).values(row)
    if not columns:
        await session.exec(statement.on_conflict_do_nothing())
        return
    new = statement.excluded
    await session.exec(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "name"],
            set_={"schema_fields": new.schema_fields, "updated_at": new.updated_at},
            where=col(LineageDataset.updated_at) <= new.updated_at,
        )
    )


async def forget(session: AsyncSession, workspace_id: int, source_run: str) -> None:
    """Take back the edges of a task run (or outside run); what its events said stays."""
    for table in (LineageEdge, LineageColumn):
        await session.exec(
            delete(table).where(
                col(table.workspace_id) == workspace_id, col(table.source_run) == source_run
            )
        )


async def edges_of_run(
    session: AsyncSession, workspace_id: int, run_id: int
) -> Sequence[LineageEdge]:
    """Return what the tasks of a run read and wrote, as far as events told."""
    query = select(LineageEdge).where(
        LineageEdge.workspace_id == workspace_id, LineageEdge.run_id == run_id
    )
    return (await session.exec(query.order_by(col(LineageEdge.at)))).all()


async def edges_at(
    session: AsyncSession,
    workspace_id: int,
    direction: str,
    *,
    datasets: Collection[str] | None = None,
    jobs: Collection[str] | None = None,
) -> Sequence[LineageEdge]:
    """Return the newest edge of each job and dataset, at some datasets or jobs."""
    query = (
        select(LineageEdge)
        .where(LineageEdge.workspace_id == workspace_id, LineageEdge.direction == direction)
        .order_by(col(LineageEdge.job), col(LineageEdge.dataset), col(LineageEdge.at).desc())
        .ext(distinct_on(col(LineageEdge.job), col(LineageEdge.dataset)))
    )
    if datasets is not None:
        query = query.where(col(LineageEdge.dataset).in_(datasets))
    if jobs is not None:
        query = query.where(col(LineageEdge.job).in_(jobs))
    return (await session.exec(query)).all()


async def datasets(
    session: AsyncSession, workspace_id: int, names: Collection[str]
) -> dict[str, LineageDataset]:
    """Return what is known of datasets."""
    query = select(LineageDataset).where(
        LineageDataset.workspace_id == workspace_id, col(LineageDataset.name).in_(names)
    )
    return {row.name: row for row in (await session.exec(query)).all()}


async def columns(
    session: AsyncSession, workspace_id: int, source_runs: Collection[str]
) -> Sequence[LineageColumn]:
    """Return the column lineage that some task runs (or outside runs) told."""
    query = select(LineageColumn).where(
        LineageColumn.workspace_id == workspace_id,
        col(LineageColumn.source_run).in_(source_runs),
    )
    ordered = query.order_by(col(LineageColumn.output_column), col(LineageColumn.input_column))
    return (await session.exec(ordered)).all()


async def snapshots(session: AsyncSession, task_run_ids: Collection[int]) -> Snapshots:
    """Return which snapshots attempts read and committed, by the gateway's index."""
    found: Snapshots = {}
    reads = select(AttemptReadRow).where(col(AttemptReadRow.task_run_id).in_(task_run_ids))
    for read in (await session.exec(reads)).all():
        key = (read.task_run_id, f"{CATALOG}.{read.table_name}", INPUT)
        found.setdefault(key, set()).add(read.snapshot_id)
    commits = select(AttemptCommitRow).where(
        col(AttemptCommitRow.task_run_id).in_(task_run_ids),
        AttemptCommitRow.state == CommitState.COMMITTED,
        col(AttemptCommitRow.snapshot_id).is_not(None),
    )
    for commit in (await session.exec(commits)).all():
        key = (commit.task_run_id, f"{CATALOG}.{commit.table_name}", OUTPUT)
        found.setdefault(key, set()).add(commit.snapshot_id or NO_SNAPSHOT)
    return found
