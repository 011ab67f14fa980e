"""How busy warehouses are: their statements that have not ended."""

from sqlalchemy import BigInteger, String, column, func, table
from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

from spec.warehouses import Load

Key = tuple[int, str]
"""Workspace and warehouse."""

_STATEMENTS = table(
    "statements",
    column("workspace_id", BigInteger),
    column("warehouse_id", String),
    column("state", String),
)
_OPEN = ("PENDING", "RUNNING")


async def loads(session: AsyncSession, warehouse: Key | None = None) -> dict[Key, Load]:
    """Return the load of each warehouse that has open statements; of one alone, if it is named."""
    if "statements" not in SQLModel.metadata.tables:
        return {}
    place, state = (_STATEMENTS.c.workspace_id, _STATEMENTS.c.warehouse_id), _STATEMENTS.c.state
    query = select(*place, state, func.count()).where(state.in_(_OPEN)).group_by(*place, state)
    if warehouse is not None:
        query = query.where(place[0] == warehouse[0], place[1] == warehouse[1])
    found: dict[Key, dict[str, int]] = {}
    for workspace_id, warehouse_id, which, count in (await session.exec(query)).all():
        found.setdefault((workspace_id, warehouse_id), {})[which] = count
    return {
        key: Load(running=each.get("RUNNING", 0), waiting=each.get("PENDING", 0))
        for key, each in found.items()
    }
