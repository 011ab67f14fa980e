"""What may be done to instance pools.

A pool is no set of machines here: it says which node type, that is which compute profile, the
clusters have that name it.
"""

import secrets
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.permissions.access import forget, own, require, require_admin
from control.permissions.levels import Kind, Level
from control.policies.errors import NameTaken
from control.pools import store
from control.pools.tables import InstancePool
from spec.api.compute import CreatePool, EditPool, PoolList, PoolView

_NAMED = {"instance_pool_id", "instance_pool_name", "node_type_id"}


async def create(deps: Deps, caller: Caller, given: CreatePool) -> str:
    """Make a pool; return its id.

    Raises:
        Forbidden: the caller is no admin.
        NameTaken: see there.
    """
    require_admin(caller, "make instance pools")
    row = InstancePool(
        pool_id=secrets.token_hex(8),
        workspace_id=caller.workspace_id,
        name=given.instance_pool_name,
        node_type_id=given.node_type_id,
        unused=_unused(given),
        creator=caller.user_name,
    )
    async with deps.database.session() as session:
        await _require_free(session, row)
        session.add(row)
        await own(session, caller, Kind.INSTANCE_POOL, row.pool_id)
        _audit(session, caller, "pool.created", row)
    return row.pool_id


async def edit(deps: Deps, caller: Caller, given: EditPool) -> None:
    """Change a pool; runs that begin later take what it says then.

    Raises:
        NotFound: there is no such pool.
        Forbidden: the caller may not manage it.
        NameTaken: see there.
    """
    async with deps.database.session() as session:
        row = await _managed(session, caller, given.instance_pool_id)
        row.name, row.node_type_id = given.instance_pool_name, given.node_type_id
        row.unused = row.unused | _unused(given)
        with session.no_autoflush:
            await _require_free(session, row)
        _audit(session, caller, "pool.updated", row)


async def delete(deps: Deps, caller: Caller, pool_id: str) -> None:
    """Delete a pool for good; runs of jobs that name it are refused from then on.

    Raises:
        NotFound: there is no such pool.
        Forbidden: the caller may not manage it.
    """
    async with deps.database.session() as session:
        row = await _managed(session, caller, pool_id)
        await session.delete(row)
        await forget(session, caller.workspace_id, Kind.INSTANCE_POOL, pool_id)
        _audit(session, caller, "pool.deleted", row)


async def _managed(session: AsyncSession, caller: Caller, pool_id: str) -> InstancePool:
    row = await store.get(session, caller.workspace_id, pool_id, lock=True)
    await require(session, caller, Kind.INSTANCE_POOL, pool_id, Level.CAN_MANAGE)
    return row


async def get(deps: Deps, caller: Caller, pool_id: str) -> PoolView:
    """Return a pool that the caller may attach to.

    Raises:
        NotFound: there is no such pool.
        Forbidden: the caller may not attach to it.
    """
    async with deps.database.read_session() as session:
        row = await store.get(session, caller.workspace_id, pool_id)
        await require(session, caller, Kind.INSTANCE_POOL, pool_id, Level.CAN_ATTACH_TO)
    return view(row)


async def list_pools(deps: Deps, caller: Caller) -> PoolList:
    """Return the pools that the caller may attach to."""
    async with deps.database.read_session() as session:
        rows = await store.listed(session, caller)
    return PoolList(instance_pools=tuple(view(row) for row in rows))


def view(row: InstancePool) -> PoolView:
    """Return a pool as Databricks shows it."""
    tags = {"Vendor": "OpenLake", "DatabricksInstancePoolId": row.pool_id}
    return PoolView(
        instance_pool_id=row.pool_id,
        instance_pool_name=row.name,
        node_type_id=row.node_type_id,
        default_tags={**tags, "DatabricksInstancePoolCreatorId": row.creator},
        **row.unused,
    )


def _unused(given: CreatePool | EditPool) -> dict[str, Any]:
    return given.model_dump(mode="json", exclude_none=True, exclude=_NAMED)


def _audit(session: AsyncSession, caller: Caller, action: str, row: InstancePool) -> None:
    facts = {"name": row.name, "node_type_id": row.node_type_id}
    audit.record(session, caller, action, "instance-pool", row.pool_id, **facts)


async def _require_free(session: AsyncSession, row: InstancePool) -> None:
    other = await store.other_of_name(session, row.workspace_id, row.name, row.pool_id)
    if other is not None:
        raise NameTaken(
            f"There is an instance pool '{row.name}' already, {other}; choose another name."
        )
