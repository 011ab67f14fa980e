"""Queries on instance pools."""

from collections.abc import Sequence

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.permissions.access import visible
from control.permissions.levels import Kind
from control.pools.tables import InstancePool
from spec.errors import NotFound


async def get(
    session: AsyncSession, workspace_id: int, pool_id: str, *, lock: bool = False
) -> InstancePool:
    """Return a pool.

    Raises:
        NotFound: there is no such pool in the workspace.
    """
    found = await find(session, workspace_id, pool_id, lock=lock)
    if found is None:
        raise NotFound(f"Instance pool {pool_id} does not exist.", instance_pool_id=pool_id)
    return found


async def find(
    session: AsyncSession, workspace_id: int, pool_id: str, *, lock: bool = False
) -> InstancePool | None:
    """Return a pool; None when there is none."""
    if not pool_id.isalnum():
        return None
    query = select(InstancePool).where(
        InstancePool.pool_id == pool_id, InstancePool.workspace_id == workspace_id
    )
    return (await session.exec(query.with_for_update() if lock else query)).first()


async def listed(session: AsyncSession, caller: Caller) -> Sequence[InstancePool]:
    """Return the pools that the caller may attach to, oldest first."""
    query = select(InstancePool).where(
        InstancePool.workspace_id == caller.workspace_id,
        visible(caller, Kind.INSTANCE_POOL, InstancePool.pool_id),
    )
    query = query.order_by(col(InstancePool.created_at), col(InstancePool.pool_id))
    return (await session.exec(query)).all()


async def other_of_name(
    session: AsyncSession, workspace_id: int, name: str, pool_id: str
) -> str | None:
    """Return the id of another pool that has this name; nobody else takes it meanwhile."""
    lock = func.hashtext(f"pools/{workspace_id}")
    await session.exec(select(func.pg_advisory_xact_lock(lock)))
    query = select(InstancePool.pool_id).where(
        InstancePool.workspace_id == workspace_id,
        InstancePool.name == name,
        InstancePool.pool_id != pool_id,
    )
    return (await session.exec(query)).first()
