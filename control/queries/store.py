"""Queries on saved queries."""

from collections.abc import Collection

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.queries.tables import SavedQuery
from spec.errors import NotFound


async def get(
    session: AsyncSession, workspace_id: int, query_id: str, *, lock: bool = False
) -> SavedQuery:
    """Return a saved query, also one in the trash.

    Raises:
        NotFound: there is no such query in the workspace.
    """
    statement = select(SavedQuery).where(
        SavedQuery.query_id == query_id, SavedQuery.workspace_id == workspace_id
    )
    found = (await session.exec(statement.with_for_update() if lock else statement)).first()
    if found is None:
        raise NotFound(f"Query {query_id} does not exist.", query_id=query_id)
    return found


async def find_active(session: AsyncSession, workspace_id: int, query_id: str) -> SavedQuery | None:
    """Return a saved query; None when it is not there, or in the trash."""
    try:
        found = await get(session, workspace_id, query_id)
    except NotFound:
        return None
    return None if found.trashed_at else found


async def page(
    session: AsyncSession, workspace_id: int, *, below: str | None, limit: int
) -> list[SavedQuery]:
    """Return active queries, newest first, with ids below a bound."""
    statement = select(SavedQuery).where(
        SavedQuery.workspace_id == workspace_id, col(SavedQuery.trashed_at).is_(None)
    )
    if below is not None:
        statement = statement.where(col(SavedQuery.query_id) < below)
    statement = statement.order_by(col(SavedQuery.query_id).desc()).limit(limit)
    return list((await session.exec(statement)).all())


async def texts(
    session: AsyncSession, workspace_id: int, query_ids: Collection[str]
) -> dict[str, str]:
    """Return the text of active queries by id; those that are not there are left out."""
    if not query_ids:
        return {}
    statement = select(SavedQuery).where(
        SavedQuery.workspace_id == workspace_id,
        col(SavedQuery.query_id).in_(query_ids),
        col(SavedQuery.trashed_at).is_(None),
    )
    return {row.query_id: row.query_text for row in (await session.exec(statement)).all()}
