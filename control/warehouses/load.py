"""How busy warehouses are: their statements that have not ended."""

from sqlmodel import col, func, select, text
from sqlmodel.ext.asyncio.session import AsyncSession

from control.statements.tables import Statement
from spec.warehouses import Load

Key = tuple[int, str]
"""Workspace and warehouse."""


async def loads(session: AsyncSession, warehouse: Key | None = None) -> dict[Key, Load]:
    """Return the load of each warehouse that has open statements; of one alone, if it is named."""
    place, state = (col(Statement.workspace_id), col(Statement.warehouse_id)), col(Statement.state)
    query = (
        select(*place, state, func.count())
        # Spelled as in the partial index of open statements.
        .where(text("state IN ('PENDING', 'RUNNING')"))
        .group_by(*place, state)
    )
    if warehouse is not None:
        query = query.where(place[0] == warehouse[0], place[1] == warehouse[1])
    found: dict[Key, dict[str, int]] = {}
    for workspace_id, warehouse_id, which, count in (await session.exec(query)).all():
        found.setdefault((workspace_id, warehouse_id), {})[which] = count
    return {
        key: Load(running=each.get("RUNNING", 0), waiting=each.get("PENDING", 0))
        for key, each in found.items()
    }
