"""Sessions of SQL clients: where the statements of one client look for names, and how it tags them.

A session holds nothing of an engine: each statement runs in an engine session of its own. So one
can be opened while its warehouse is stopped, and closing it stops nothing.
"""

from datetime import UTC, datetime, timedelta

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller
from control.db import Database
from control.deps import Deps
from control.ids import new_id
from control.statements.tables import SqlSession
from control.warehouses import service as warehouses
from spec.api.statements import CreateSession, ExecuteStatement, QueryTag
from spec.errors import Invalid, NotFound

_KEPT_UNUSED = timedelta(days=1)
_NOTED_EVERY = timedelta(minutes=10)


async def create(deps: Deps, caller: Caller, order: CreateSession) -> str:
    """Open a session and return its id.

    Raises:
        Invalid, NotFound: the warehouse is not there.
    """
    async with deps.database.session() as session:
        await warehouses.usable(session, caller, order.warehouse_id)
        row = SqlSession(
            session_id=new_id(),
            workspace_id=caller.workspace_id,
            warehouse_id=order.warehouse_id,
            user_name=caller.user_name,
            catalog=order.catalog,
            schema_name=order.schema_name,
            query_tags=[each.model_dump(exclude_none=True) for each in order.query_tags],
        )
        session.add(row)
        facts = {"warehouse_id": order.warehouse_id}
        audit.record(session, caller, "sql_session.opened", "sql_session", row.session_id, **facts)
        return row.session_id


async def close(deps: Deps, caller: Caller, session_id: str, warehouse_id: str | None) -> None:
    """Forget a session.

    Raises:
        NotFound: the caller has no such session, or no more.
        Invalid: it is of another warehouse than is said.
    """
    async with deps.database.session() as session:
        row = await _get(session, caller, session_id)
        if warehouse_id is not None:
            _check_warehouse(row, warehouse_id)
        await session.delete(row)
        audit.record(session, caller, "sql_session.closed", "sql_session", session_id)


async def applied(
    session: AsyncSession, caller: Caller, order: ExecuteStatement
) -> ExecuteStatement:
    """Return a statement's order with what its session says and it does not.

    Raises:
        NotFound: the caller has no such session, or no more.
        Invalid: the session is of another warehouse.
    """
    if order.session_id is None:
        return order
    row = await _get(session, caller, order.session_id)
    _check_warehouse(row, order.warehouse_id)
    now = datetime.now(UTC)
    if row.last_used_at is None or row.last_used_at < now - _NOTED_EVERY:
        row.last_used_at = now
        session.add(row)
    # A schema belongs to the catalog it is given with.
    place = {"catalog": row.catalog, "schema_name": row.schema_name}
    if order.catalog is not None:
        place = {"catalog": order.catalog, "schema_name": order.schema_name}
    elif order.schema_name is not None:
        place["schema_name"] = order.schema_name
    own = {each.key for each in order.query_tags}
    tags = [QueryTag.model_validate(each) for each in row.query_tags]
    more = tuple(each for each in tags if each.key not in own)
    return order.model_copy(update={**place, "query_tags": order.query_tags + more})


async def end_unused(database: Database) -> None:
    """Forget sessions that nobody has used for a day; their clients have died."""
    before = datetime.now(UTC) - _KEPT_UNUSED
    async with database.session() as session:
        await session.exec(delete(SqlSession).where(col(SqlSession.last_used_at) < before))


async def _get(session: AsyncSession, caller: Caller, session_id: str) -> SqlSession:
    query = select(SqlSession).where(
        SqlSession.session_id == session_id,
        SqlSession.workspace_id == caller.workspace_id,
        SqlSession.user_name == caller.user_name,
    )
    found = (await session.exec(query)).first()
    if found is None:
        shown = session_id[:64]
        raise NotFound(f"SQL session {shown} does not exist, or is closed.", session_id=shown)
    return found


def _check_warehouse(row: SqlSession, warehouse_id: str) -> None:
    if row.warehouse_id != warehouse_id:
        raise Invalid(
            f"SQL session {row.session_id} is of warehouse {row.warehouse_id}, not {warehouse_id}"
        )
