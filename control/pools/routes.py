"""`/api/2.0/instance-pools/*`."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.pools import service
from spec.api.compute import CreatePool, EditPool, PoolId, PoolList, PoolRef, PoolView
from spec.api.jobs import Empty

router = APIRouter(prefix="/api/2.0/instance-pools", tags=["compute"])


@router.post("/create")
async def create_instance_pool(body: CreatePool, caller: CallerArg, deps: DepsArg) -> PoolId:
    """Make an instance pool: a name for a node type."""
    return PoolId(instance_pool_id=await service.create(deps, caller, body))


@router.post("/edit")
async def edit_instance_pool(body: EditPool, caller: CallerArg, deps: DepsArg) -> Empty:
    """Change an instance pool."""
    await service.edit(deps, caller, body)
    return Empty()


@router.post("/delete")
async def delete_instance_pool(body: PoolRef, caller: CallerArg, deps: DepsArg) -> Empty:
    """Delete an instance pool."""
    await service.delete(deps, caller, body.instance_pool_id)
    return Empty()


@router.get("/get", response_model=PoolView)
async def get_instance_pool(
    query: Annotated[PoolRef, Query()], caller: CallerArg, deps: DepsArg
) -> Response:
    """Read an instance pool."""
    return compact(await service.get(deps, caller, query.instance_pool_id))


@router.get("/list", response_model=PoolList)
async def list_instance_pools(caller: CallerArg, deps: DepsArg) -> Response:
    """List the instance pools that the caller may attach to."""
    return compact(await service.list_pools(deps, caller))
