"""Queries on saved queries."""

from sqlalchemy import ColumnElement
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.queries.tables import SavedQuery
from spec.api.queries import PinnedQuery
from spec.errors import NotFound
from spec.query_parameters import QueryParameter


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
    session: AsyncSession,
    workspace_id: int,
    *,
    below: str | None,
    limit: int,
    visible: ColumnElement[bool],
) -> list[SavedQuery]:
    """Return active queries, newest first, with ids below a bound."""
    statement = select(SavedQuery).where(
        SavedQuery.workspace_id == workspace_id, col(SavedQuery.trashed_at).is_(None), visible
    )
    if below is not None:
        statement = statement.where(col(SavedQuery.query_id) < below)
    statement = statement.order_by(col(SavedQuery.query_id).desc()).limit(limit)
    return list((await session.exec(statement)).all())


async def names(session: AsyncSession, query: SavedQuery) -> set[str]:
    """Return the names of the other active queries in a query's folder."""
    statement = select(SavedQuery.display_name).where(
        SavedQuery.workspace_id == query.workspace_id,
        SavedQuery.parent_path == query.parent_path,
        SavedQuery.query_id != query.query_id,
        col(SavedQuery.trashed_at).is_(None),
    )
    return set((await session.exec(statement)).all())


async def lock_names(session: AsyncSession, workspace_id: int, parent_path: str) -> None:
    """Let only one transaction at a time give names in a folder."""
    lock = func.pg_advisory_xact_lock(func.hashtext(f"queries/{workspace_id}{parent_path}"))
    await session.exec(select(lock))


async def pinned(session: AsyncSession, workspace_id: int, query_id: str) -> PinnedQuery | None:
    """Return an active query as a run keeps it; None when it is not there, or in the trash."""
    row = await find_active(session, workspace_id, query_id)
    if row is None:
        return None
    return PinnedQuery(
        query_text=row.query_text,
        parameters=tuple(QueryParameter.model_validate(each) for each in row.parameters),
        catalog=row.catalog,
        schema_name=row.schema_name,
    )
