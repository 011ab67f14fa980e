"""`/api/2.0/sql/warehouses`: SQL warehouses."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact, require_worker
from control.warehouses import service
from spec.api.jobs import Empty
from spec.api.warehouses import (
    CreatedWarehouse,
    CreateWarehouse,
    EditWarehouse,
    WarehouseList,
    WarehouseView,
)
from spec.errors import Invalid
from spec.warehouses import WarehouseConfig

router = APIRouter(tags=["warehouses"])
internal = APIRouter(
    prefix="/internal/1.0/warehouses",
    dependencies=[Depends(require_worker)],
    include_in_schema=False,
)

_PREFIX = "/api/2.0/sql/warehouses"


@router.post(_PREFIX)
async def create_warehouse(
    body: CreateWarehouse, caller: CallerArg, deps: DepsArg
) -> CreatedWarehouse:
    """Make a warehouse, and start it."""
    return CreatedWarehouse(id=await service.create(deps, caller, body))


@router.get(_PREFIX, response_model=WarehouseList)
async def list_warehouses(
    caller: CallerArg,
    deps: DepsArg,
    page_size: Annotated[int, Query(ge=0, le=1000)] = 100,
    page_token: str | None = None,
    run_as_user_id: Annotated[int | None, Query(description="Accepted without effect.")] = None,
) -> Response:
    """List warehouses: the built-in ones, then newest first."""
    return compact(await service.list_warehouses(deps, caller, page_size or 100, page_token))


@router.get(_PREFIX + "/{warehouse_id}", response_model=WarehouseView)
async def get_warehouse(warehouse_id: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Read a warehouse."""
    return compact(await service.get(deps, caller, warehouse_id))


@router.post(_PREFIX + "/{warehouse_id}/edit")
async def edit_warehouse(
    warehouse_id: str, body: EditWarehouse, caller: CallerArg, deps: DepsArg
) -> Empty:
    """Change what is given of a warehouse; a running one is started anew where it must be."""
    await service.edit(deps, caller, warehouse_id, body)
    return Empty()


@router.post(_PREFIX + "/{warehouse_id}/start")
async def start_warehouse(warehouse_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Start a warehouse; read it until it is RUNNING."""
    await service.start(deps, caller, warehouse_id)
    return Empty()


@router.post(_PREFIX + "/{warehouse_id}/stop")
async def stop_warehouse(warehouse_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Stop a warehouse; read it until it is STOPPED."""
    await service.stop(deps, caller, warehouse_id)
    return Empty()


@router.delete(_PREFIX + "/{warehouse_id}")
async def delete_warehouse(warehouse_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Delete a warehouse."""
    await service.delete(deps, caller, warehouse_id)
    return Empty()


@router.post("/sql/1.0/warehouses/{warehouse_id}", include_in_schema=False)
async def refuse_thrift(warehouse_id: str) -> Empty:
    """Say plainly that Databricks' JDBC, ODBC and Python SQL drivers cannot be served."""
    raise Invalid(
        f"OpenLake does not speak Thrift: drivers that open /sql/1.0/warehouses/{warehouse_id}"
        " cannot be used; run SQL with POST /api/2.0/sql/statements (databricks-sdk's"
        " statement_execution), or with `openlake sql`"
    )


@internal.get("/{place}")
async def get_config(place: str, deps: DepsArg) -> WarehouseConfig:
    """Return what a process of a warehouse must know."""
    return await service.config_at(deps, place)
