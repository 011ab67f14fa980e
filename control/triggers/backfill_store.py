"""Queries on backfills."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.runs.tables import Run
from control.triggers.tables import Backfill, BackfillDate
from spec.api.backfills import BackfillDateView
from spec.errors import NotFound
from spec.events import RunResult
from spec.states import RunLife

WAITING, FAILED = "WAITING", "FAILED"
SUCCEEDED = (RunResult.SUCCESS.value, RunResult.SUCCESS_WITH_FAILURES.value)
ACTIVE = tuple(life.value for life in RunLife if not life.is_over)


async def get(
    session: AsyncSession, workspace_id: int, job_id: int, backfill_id: int, *, lock: bool = False
) -> Backfill:
    """Return a backfill of a job.

    Raises:
        NotFound: there is no such one in the workspace.
    """
    query = select(Backfill).where(
        Backfill.backfill_id == backfill_id,
        Backfill.job_id == job_id,
        Backfill.workspace_id == workspace_id,
    )
    row = (await session.exec(query.with_for_update() if lock else query)).first()
    if row is None:
        raise NotFound(f"Job {job_id} has no backfill {backfill_id}.")
    return row


async def by_token(session: AsyncSession, job_id: int, token: str | None) -> Backfill | None:
    """Return the backfill that was ordered with this token; None when there is none."""
    if token is None:
        return None
    query = select(Backfill).where(Backfill.job_id == job_id, Backfill.idempotency_token == token)
    return (await session.exec(query)).first()


async def of_job(session: AsyncSession, workspace_id: int, job_id: int) -> Sequence[Backfill]:
    """Return the newest hundred backfills of a job."""
    query = select(Backfill).where(Backfill.workspace_id == workspace_id, Backfill.job_id == job_id)
    return (await session.exec(query.order_by(col(Backfill.backfill_id).desc()).limit(100))).all()


async def keep_dates(session: AsyncSession, backfill_id: int, dates: Sequence[datetime]) -> None:
    """Store the logical dates, in the order in which they are to run."""
    for start in range(0, len(dates), 5_000):
        rows = [
            {"backfill_id": backfill_id, "number": number, "at": at, "error": ""}
            for number, at in enumerate(dates[start : start + 5_000], start)
        ]
        await session.exec(insert(BackfillDate).values(rows))


async def tally(session: AsyncSession, backfill_id: int) -> Counter[str]:
    """Return how many dates are in which state; see `BackfillDateView.state`."""
    query = (
        select(BackfillDate.error, Run.life, Run.result, func.count())
        .join(Run, col(Run.run_id) == col(BackfillDate.run_id), isouter=True)
        .where(BackfillDate.backfill_id == backfill_id)
        .group_by(col(BackfillDate.error), col(Run.life), col(Run.result))
    )
    found = Counter[str]()
    for error, life, result, count in (await session.exec(query)).all():
        found[_state(error, life, result)] += count
    return found


def _state(error: str, life: str | None, result: str | None) -> str:
    if life is None:
        return FAILED if error else WAITING
    return result or life


async def waiting(session: AsyncSession, backfill_id: int, count: int) -> Sequence[BackfillDate]:
    """Return the next dates that have no run yet."""
    query = (
        select(BackfillDate)
        .where(
            BackfillDate.backfill_id == backfill_id,
            col(BackfillDate.run_id).is_(None),
            BackfillDate.error == "",
        )
        .order_by(col(BackfillDate.number))
        .limit(count)
    )
    return (await session.exec(query)).all()


async def page(
    session: AsyncSession, backfill_id: int, offset: int, limit: int
) -> list[BackfillDateView]:
    """Return dates with how their runs stand."""
    query = (
        select(BackfillDate, Run.life, Run.result)
        .join(Run, col(Run.run_id) == col(BackfillDate.run_id), isouter=True)
        .where(BackfillDate.backfill_id == backfill_id)
        .order_by(col(BackfillDate.number))
        .offset(offset)
        .limit(limit)
    )
    return [
        BackfillDateView(
            at=row.at,
            run_id=row.run_id,
            state=_state(row.error, life, result),
            error=row.error or None,
        )
        for row, life, result in (await session.exec(query)).all()
    ]


async def unfinished(session: AsyncSession, backfill_id: int) -> list[datetime]:
    """Return the dates that have no run that succeeded or may still do so, in their order."""
    query = (
        select(BackfillDate.at)
        .join(Run, col(Run.run_id) == col(BackfillDate.run_id), isouter=True)
        .where(
            BackfillDate.backfill_id == backfill_id,
            or_(
                col(Run.run_id).is_(None),
                col(Run.life).not_in(ACTIVE) & col(Run.result).is_(None),
                col(Run.result).not_in(SUCCEEDED),
            ),
        )
        .order_by(col(BackfillDate.number))
    )
    return list((await session.exec(query)).all())


async def active_runs(session: AsyncSession, backfill_id: int) -> Sequence[Run]:
    """Return the runs that are not over, their rows locked."""
    mine = select(BackfillDate.run_id).where(BackfillDate.backfill_id == backfill_id)
    query = select(Run).where(col(Run.run_id).in_(mine), col(Run.life).in_(ACTIVE))
    return (await session.exec(query.order_by(col(Run.run_id)).with_for_update())).all()
