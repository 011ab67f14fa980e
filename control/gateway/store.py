"""Queries of the catalog gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Boolean, ColumnElement, case, literal_column, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.stamps import Prepared
from control.gateway.tables import (
    AttemptCommitRow,
    AttemptReadRow,
    AttemptRow,
    CommitState,
)
from control.gateway.tokens import AttemptClaims


async def attempt_row(session: AsyncSession, task_run_id: int) -> AttemptRow | None:
    """Return an attempt, without a lock."""
    return await session.get(AttemptRow, task_run_id)


async def lock_attempt(
    session: AsyncSession, task_run_id: int, *, skip_locked: bool = False
) -> AttemptRow | None:
    """Return an attempt under its row lock; None if unknown (or locked, with `skip_locked`)."""
    query = (
        select(AttemptRow)
        .where(AttemptRow.task_run_id == task_run_id)
        .with_for_update(skip_locked=skip_locked)
    )
    return (await session.exec(query)).one_or_none()


async def successor_of(session: AsyncSession, attempt: AttemptRow) -> AttemptRow | None:
    """Return the latest attempt of the same task in the same run, if it is a later one."""
    query = (
        select(AttemptRow)
        .where(
            AttemptRow.run_id == attempt.run_id,
            AttemptRow.task_key == attempt.task_key,
            AttemptRow.task_run_id > attempt.task_run_id,
        )
        .order_by(col(AttemptRow.task_run_id).desc())
        .limit(1)
    )
    return (await session.exec(query)).one_or_none()


async def note_read(
    session: AsyncSession, claims: AttemptClaims, table: str, snapshot_id: int, branch: str
) -> None:
    """Note that an attempt loaded a snapshot; a second time is harmless."""
    values = {
        "task_run_id": claims.task_run_id,
        "table_name": table,
        "snapshot_id": snapshot_id,
        "branch": branch,
        "at": datetime.now(UTC),
    }
    await session.exec(insert(AttemptReadRow).values(values).on_conflict_do_nothing())


@dataclass(frozen=True)
class Noted:
    """The rows of a request that is about to be passed on."""

    ids: tuple[int, ...]
    fresh: bool
    """None of its changes had been noted before."""


async def note_commit(
    session: AsyncSession, claims: AttemptClaims, branch: str, prepared: Prepared
) -> Noted:
    """Write down what is about to be passed on.

    A snapshot is one row however often it is sent; one that was refused becomes pending again.
    """
    identity = {
        "task_run_id": claims.task_run_id,
        "workspace_id": claims.workspace_id,
        "job_id": claims.job_id,
        "run_id": claims.run_id,
        "branch": branch,
        "request_digest": prepared.digest,
        "state": CommitState.PENDING,
        "message": "",
        "at": datetime.now(UTC),
    }
    known = {row.table_name: row for row in await _repeatable(session, claims, prepared.digest)}
    ids, fresh = list[int](), True
    for change in prepared.changes:
        earlier = known.get(change.target) if change.snapshot_id is None else None
        if earlier is not None and earlier.id is not None:
            ids.append(earlier.id)
            fresh = False
            continue
        row = identity | {
            "table_name": change.target,
            "operation": change.operation,
            "snapshot_id": change.snapshot_id,
            "parent_snapshot_id": change.parent_snapshot_id,
            "summary": change.summary,
            "table_uuid": change.table_uuid,
        }
        row_id, inserted = await _upsert(session, row)
        ids.append(row_id)
        fresh = fresh and inserted
    return Noted(tuple(ids), fresh)


async def _repeatable(
    session: AsyncSession, claims: AttemptClaims, digest: str
) -> Sequence[AttemptCommitRow]:
    """Return rows that this request may be a repetition of, though it adds no snapshot.

    The same text is the same request only while the first one's fate is open: a program may well
    ask twice for the same change. With an Idempotency-Key it always is.
    """
    states = [CommitState.PENDING, CommitState.UNKNOWN]
    if digest.startswith("key:"):
        states.append(CommitState.COMMITTED)
    query = select(AttemptCommitRow).where(
        AttemptCommitRow.task_run_id == claims.task_run_id,
        AttemptCommitRow.request_digest == digest,
        col(AttemptCommitRow.snapshot_id).is_(None),
        col(AttemptCommitRow.state).in_(states),
    )
    return (await session.exec(query)).all()


async def _upsert(session: AsyncSession, row: Mapping[str, object]) -> tuple[int, bool]:
    statement = insert(AttemptCommitRow).values(row)
    if row["snapshot_id"] is not None:
        again = col(AttemptCommitRow.state) == CommitState.REFUSED
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=["task_run_id", "table_name", "snapshot_id"],
            index_where=col(AttemptCommitRow.snapshot_id).is_not(None),
            set_={
                "state": case((again, CommitState.PENDING), else_=col(AttemptCommitRow.state)),
                "request_digest": new.request_digest,
                "parent_snapshot_id": case(
                    (again, new.parent_snapshot_id), else_=col(AttemptCommitRow.parent_snapshot_id)
                ),
                "summary": case((again, new.summary), else_=col(AttemptCommitRow.summary)),
                "at": case((again, new.at), else_=col(AttemptCommitRow.at)),
            },
        )
    # A row that the statement made itself has no deleting transaction yet.
    made: ColumnElement[bool] = literal_column("xmax = 0", Boolean)
    answer = await session.exec(statement.returning(col(AttemptCommitRow.id), made))
    row_id, inserted = answer.one()
    assert row_id is not None  # noqa: S101 - a primary key
    return row_id, inserted


async def commit_rows(session: AsyncSession, ids: Sequence[int]) -> Sequence[AttemptCommitRow]:
    """Return these rows as they are now."""
    query = (
        select(AttemptCommitRow)
        .where(col(AttemptCommitRow.id).in_(ids))
        .order_by(col(AttemptCommitRow.id))
        .execution_options(populate_existing=True)
    )
    return (await session.exec(query)).all()


async def pending_commits(session: AsyncSession, before: datetime) -> Sequence[AttemptCommitRow]:
    """Return commits noted before an instant whose outcome is open, oldest first."""
    query = (
        select(AttemptCommitRow)
        .where(AttemptCommitRow.state == CommitState.PENDING, col(AttemptCommitRow.at) < before)
        .order_by(col(AttemptCommitRow.at))
        .limit(100)
    )
    return (await session.exec(query)).all()


async def settle(
    session: AsyncSession, ids: Sequence[int | None], state: CommitState, message: str = ""
) -> None:
    """Write down the outcome of pending commits; settled ones are left as they are."""
    if state == CommitState.PENDING or not ids:
        return
    open_states = (CommitState.PENDING, CommitState.UNKNOWN)
    await session.exec(
        update(AttemptCommitRow)
        .where(col(AttemptCommitRow.id).in_(ids), col(AttemptCommitRow.state).in_(open_states))
        .values(state=state, message=message[:1000], settled_at=datetime.now(UTC))
    )
