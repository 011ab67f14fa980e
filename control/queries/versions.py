"""The history of a query: every change is a version, and each can be read and restored."""

from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.auth import Caller
from control.deps import Deps
from control.permissions.levels import Level
from control.queries.access import permitted
from control.queries.tables import QueryVersion, SavedQuery
from control.runs.views import millis
from spec.api.queries import QueryContent, QueryVersionDiff, QueryVersionView
from spec.api.versions import VersionItem, VersionList
from spec.diff import changes
from spec.errors import NotFound


def content_of(row: SavedQuery) -> QueryContent:
    """Return what a query holds now."""
    values = row.model_dump(include={*QueryContent.model_fields} - {"schema_name"})
    return QueryContent.model_validate(values | {"schema": row.schema_name})


def dumped(content: QueryContent) -> dict[str, Any]:
    """Return content as clients see it and versions keep it: nothing of what is unset."""
    return content.model_dump(mode="json", exclude_none=True)


def note(session: AsyncSession, query: SavedQuery, editor: str, cause: str) -> None:
    """Write down the version that a query has now, in the transaction that made it."""
    session.add(
        QueryVersion(
            query_id=query.query_id,
            version=query.version,
            content=dumped(content_of(query)),
            editor=editor,
            cause=cause,
        )
    )


async def find(session: AsyncSession, query: SavedQuery, version: int) -> QueryVersion:
    """Return one version of a query.

    Raises:
        NotFound: there is no such version.
    """
    # Greater numbers than the column holds are not looked for.
    known = 1 <= version <= query.version
    row = await session.get(QueryVersion, (query.query_id, version)) if known else None
    if row is None:
        raise NotFound(
            f"Query {query.query_id} has no version {version}; it has versions 1 to"
            f" {query.version}.",
            query_id=query.query_id,
            version=version,
        )
    return row


async def list_versions(
    deps: Deps, caller: Caller, query_id: str, limit: int, page_token: str | None
) -> VersionList:
    """Return one page of a query's versions, newest first."""
    below = paging.integer(paging.decode(page_token), "below")
    statement = select(QueryVersion).where(QueryVersion.query_id == query_id)
    if below is not None:
        statement = statement.where(QueryVersion.version < below)
    statement = statement.order_by(col(QueryVersion.version).desc()).limit(limit + 1)
    async with deps.database.read_session() as session:
        await permitted(session, caller, query_id, Level.CAN_VIEW)
        rows = (await session.exec(statement)).all()
    shown = rows[:limit]
    return VersionList(
        versions=tuple(VersionItem.model_validate(_facts(row)) for row in shown),
        next_page_token=paging.encode(below=shown[-1].version) if len(rows) > limit else None,
    )


async def get(deps: Deps, caller: Caller, query_id: str, version: int) -> QueryVersionView:
    """Return one version of a query."""
    async with deps.database.read_session() as session:
        row = await find(
            session, await permitted(session, caller, query_id, Level.CAN_VIEW), version
        )
    return QueryVersionView.model_validate(
        {**_facts(row), "query_id": query_id, "query": _content(row)}
    )


async def diff(
    deps: Deps, caller: Caller, query_id: str, version: int, against: int | None
) -> QueryVersionDiff:
    """Return what changed from one version to another; from the one before, when none is named.

    The first version is told against no query at all.
    """
    base = version - 1 if against is None else against
    async with deps.database.read_session() as session:
        query = await permitted(session, caller, query_id, Level.CAN_VIEW)
        after = await find(session, query, version)
        first = against is None and version == 1
        before = {} if first else _content(await find(session, query, base))
    return QueryVersionDiff(
        query_id=query_id,
        before=base,
        after=version,
        changes=tuple(changes(before, _content(after))),
    )


def _content(row: QueryVersion) -> dict[str, Any]:
    # Versions of an older release lack fields that there were not then.
    return dumped(QueryContent.model_validate(row.content))


def _facts(row: QueryVersion) -> dict[str, Any]:
    return {
        "version": row.version,
        "editor": row.editor,
        "cause": row.cause,
        "created_at": millis(row.created_at),
    }
