"""The fence: which attempt may use the catalog.

The control API opens an attempt before its work is submitted and closes it when it has ended; the
gateway asks under a row lock before it passes a commit on. Opening an attempt first declares every
earlier attempt of the same task in the same run over, which waits for commits under way.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.db import Database
from control.gateway.tables import AttemptCommitRow, AttemptRow, AttemptState, CommitState
from control.gateway.tokens import AttemptClaims
from spec.errors import Forbidden, NotFound, Unavailable

DRAIN_TIMEOUT_S = 40
"""Longer than a gateway waits for the catalog, so that a commit under way ends first."""


@dataclass(frozen=True)
class Opening:
    """What `open_attempt` did."""

    attempt: AttemptRow | None
    """None: a commit of an earlier attempt is still being settled; ask again shortly."""
    superseded: tuple[int, ...] = ()
    """Task-run ids that were declared over just now."""
    unsettled: int = 0
    """Commits of earlier attempts whose outcome the gateway is still finding out."""


async def open_attempt(session: AsyncSession, claims: AttemptClaims, host: str = "") -> Opening:
    """Give an attempt the right to commit; the same attempt may be opened again.

    Every earlier attempt (smaller task-run id) of the same run and task key is declared over
    under its row lock, which a commit holds from its check until the catalog has answered. If a
    gateway died in the middle of such a commit, the attempt is not opened before its outcome is
    known; commit the session and call again, or use `beginning`.

    Args:
        session: The transaction; the attempt's row stays locked until its end.
        claims: What the attempt's token says.
        host: Where its worker runs; the first word counts.

    Raises:
        Forbidden: this attempt is over, or a later one has been opened.
        Unavailable: a commit under way did not end in time.
    """
    await session.exec(select(func.pg_advisory_xact_lock(*_task_lock(claims))))
    attempts = await _attempts_of_task(session, claims)
    later = [a for a in attempts if a.task_run_id > claims.task_run_id]
    mine = next((a for a in attempts if a.task_run_id == claims.task_run_id), None)
    earlier = [a for a in attempts if a.task_run_id < claims.task_run_id]
    if mine is not None and mine.state == AttemptState.OVER:
        raise Forbidden(f"attempt {claims.task_run_id} is over: {mine.over_reason}")
    if later:
        raise Forbidden(f"attempt {claims.task_run_id} was superseded by {later[-1].task_run_id}")
    superseded: list[int] = []
    for attempt in earlier:
        if attempt.state == AttemptState.OPEN:
            _end(attempt, f"superseded by attempt {claims.task_run_id}")
            session.add(attempt)
            superseded.append(attempt.task_run_id)
    await session.flush()
    unsettled = await _count_unsettled(session, [a.task_run_id for a in earlier])
    if mine is None and unsettled == 0:
        fields = claims.model_dump(exclude={"kind", "expires_at", "branch"})
        mine = AttemptRow(**fields, opened_at=datetime.now(UTC), host=host or None)
        session.add(mine)
        await session.flush()
    elif mine is not None and mine.host is None and host:
        mine.host = host
        session.add(mine)
    return Opening(mine, tuple(superseded), unsettled)


@asynccontextmanager
async def beginning(
    database: Database, claims: AttemptClaims, *, host: str = "", patience_s: float = 75.0
) -> AsyncGenerator[tuple[AsyncSession, AttemptRow, Opening]]:
    """Open an attempt in a transaction that the block goes on with, and that its end commits.

    Takes turns with whoever ends the attempt (`order_ending`): the block sees whether it has ended.

    Raises:
        Forbidden: this attempt is over, or a later one has been opened.
        Unavailable: commits of earlier attempts were not settled within `patience_s`; is a gateway
            running?
    """
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        async with database.session() as session:
            await order_ending(session, claims.task_run_id)
            opening = await open_attempt(session, claims, host)
            if opening.attempt is not None:
                yield session, opening.attempt, opening
                return
        if asyncio.get_running_loop().time() >= deadline:
            raise Unavailable(
                f"{opening.unsettled} commits of an earlier attempt of task '{claims.task_key}' "
                "are not settled yet; check that a catalog gateway and the catalog are running"
            )
        await asyncio.sleep(0.5)


async def known_attempt(
    session: AsyncSession, task_run_id: int, *, lock: bool = False
) -> AttemptRow:
    """Return an attempt that has been opened; with `lock` it does not end meanwhile.

    Raises:
        NotFound: it never was.
    """
    held = {"read": True} if lock else None
    attempt = await session.get(AttemptRow, task_run_id, with_for_update=held)
    if attempt is None:
        raise NotFound(f"Attempt {task_run_id} was never opened.", task_run_id=task_run_id)
    return attempt


async def order_ending(session: AsyncSession, task_run_id: int) -> None:
    """Wait until nobody else opens or ends this attempt; holds until the transaction ends.

    Who opens it looks afterwards whether it has ended; who ends it, whether it was opened.
    """
    await session.exec(select(func.pg_advisory_xact_lock(task_run_id)))


async def close_attempt(session: AsyncSession, task_run_id: int, reason: str) -> bool:
    """Declare an attempt over, after its commits under way; True if it was open until now.

    An attempt that was never opened, or is over already, is left as it is.

    Raises:
        Unavailable: a commit under way did not end in time.
    """
    attempt = next(iter(await _locked(session, [task_run_id])), None)
    if attempt is None or attempt.state == AttemptState.OVER:
        return False
    _end(attempt, reason)
    session.add(attempt)
    await session.flush()
    return True


def _end(attempt: AttemptRow, reason: str) -> None:
    attempt.state = AttemptState.OVER
    attempt.over_at = datetime.now(UTC)
    attempt.over_reason = reason


def _task_lock(claims: AttemptClaims) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Two openings of one task take turns; other tasks seldom share the numbers.

    A lock of two numbers never is one of a single number, as `order_ending` takes.
    """
    return func.hashint8(claims.run_id), func.hashtext(claims.task_key)


async def _attempts_of_task(session: AsyncSession, claims: AttemptClaims) -> Sequence[AttemptRow]:
    ids = await session.exec(
        select(AttemptRow.task_run_id).where(
            AttemptRow.run_id == claims.run_id, AttemptRow.task_key == claims.task_key
        )
    )
    return await _locked(session, ids.all())


async def _locked(session: AsyncSession, ids: Sequence[int]) -> Sequence[AttemptRow]:
    """Return attempts in the order of their ids, once no commit of theirs is under way."""
    if not ids:
        return ()
    await session.exec(text(f"SET LOCAL lock_timeout = '{DRAIN_TIMEOUT_S}s'"))  # pyright: ignore[reportCallIssue, reportArgumentType]
    query = (
        select(AttemptRow)
        .where(col(AttemptRow.task_run_id).in_(ids))
        .order_by(col(AttemptRow.task_run_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    try:
        return (await session.exec(query)).all()
    except DBAPIError as error:
        raise Unavailable(
            "a commit of the attempt is still under way at the catalog gateway; try again"
        ) from error


async def is_settled(session: AsyncSession, task_run_id: int) -> bool:
    """Tell whether the outcome of every commit of an attempt is known."""
    return await _count_unsettled(session, [task_run_id]) == 0


async def _count_unsettled(session: AsyncSession, ids: Sequence[int]) -> int:
    if not ids:
        return 0
    query = select(func.count()).where(
        col(AttemptCommitRow.task_run_id).in_(ids),
        AttemptCommitRow.state == CommitState.PENDING,
    )
    return (await session.exec(query)).one()
