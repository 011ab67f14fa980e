"""Queries on workspaces and on what is in them."""

from datetime import UTC, datetime

from sqlmodel import col, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from control.jobs.tables import Job
from control.runs.store import ACTIVE
from control.runs.tables import Run
from control.statements.tables import Statement
from control.tokens.tables import Token
from control.warehouses.tables import Warehouse
from control.workspaces.tables import Workspace
from spec.errors import NotFound
from spec.statements import OPEN_STATES
from spec.warehouses import Wanted, WarehouseState


async def get(session: AsyncSession, workspace_id: int, *, lock: bool = False) -> Workspace:
    """Return a workspace.

    Args:
        session: Of the transaction.
        workspace_id: Which.
        lock: Let nothing be made in it until the transaction ends.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    query = select(Workspace).where(
        Workspace.workspace_id == workspace_id, col(Workspace.deleted_at).is_(None)
    )
    if lock:
        # Stronger than what a new row's foreign key takes, so that it waits for us.
        query = query.with_for_update().execution_options(populate_existing=True)
    found = (await session.exec(query)).first()
    if found is None:
        raise NotFound(f"Workspace {workspace_id} does not exist.", workspace_id=workspace_id)
    return found


async def named(session: AsyncSession, name: str) -> Workspace | None:
    """Return the workspace of a name, however capitalised."""
    query = select(Workspace).where(
        func.lower(Workspace.name) == name.lower(), col(Workspace.deleted_at).is_(None)
    )
    return (await session.exec(query)).first()


async def page(
    session: AsyncSession, *, after: tuple[datetime, int] | None, limit: int
) -> list[Workspace]:
    """Return workspaces, oldest first, made after a moment."""
    query = select(Workspace).where(col(Workspace.deleted_at).is_(None))
    made, number = col(Workspace.created_at), col(Workspace.workspace_id)
    if after is not None:
        query = query.where((made > after[0]) | ((made == after[0]) & (number > after[1])))
    return list((await session.exec(query.order_by(made, number).limit(limit))).all())


async def under_way(session: AsyncSession, workspace_id: int) -> dict[str, int]:
    """Return how many runs and statements of a workspace have not ended."""
    runs = select(func.count()).select_from(Run).where(Run.workspace_id == workspace_id, ACTIVE)
    statements = (
        select(func.count())
        .select_from(Statement)
        .where(Statement.workspace_id == workspace_id, col(Statement.state).in_(OPEN_STATES))
    )
    return {
        "runs": (await session.exec(runs)).one(),
        "statements": (await session.exec(statements)).one(),
    }


async def jobs(session: AsyncSession, workspace_id: int) -> list[Job]:
    """Return the jobs of a workspace, locked, by id."""
    query = select(Job).where(Job.workspace_id == workspace_id, col(Job.deleted_at).is_(None))
    return list((await session.exec(query.order_by(col(Job.job_id)).with_for_update())).all())


async def end_warehouses(session: AsyncSession, workspace_id: int) -> None:
    """Want every warehouse of a workspace gone."""
    await session.exec(
        update(Warehouse)
        .where(
            col(Warehouse.workspace_id) == workspace_id,
            col(Warehouse.wanted) != Wanted.DELETED.value,
        )
        .values(
            wanted=Wanted.DELETED.value,
            state=WarehouseState.DELETING.value,
            deleted_at=datetime.now(UTC),
        )
    )


async def end_tokens(session: AsyncSession, workspace_id: int) -> None:
    """Revoke every token of a workspace."""
    await session.exec(
        update(Token)
        .where(col(Token.workspace_id) == workspace_id, col(Token.revoked_at).is_(None))
        .values(revoked_at=datetime.now(UTC))
    )
