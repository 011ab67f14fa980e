"""`/api/2.0/sql/warehouses`: SQL warehouses."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from control.errors import render
from control.http import CallerArg, DepsArg, compact, require_worker
from control.warehouses import service
from spec.api.jobs import Empty
from spec.api.warehouses import (
    CreatedWarehouse,
    CreateWarehouse,
    DataSource,
    EditWarehouse,
    WarehouseList,
    WarehouseView,
    WorkspaceWarehouseConfig,
)
from spec.errors import Invalid, NotOffered
from spec.warehouses import WarehouseConfig

router = APIRouter(tags=["warehouses"])
internal = APIRouter(
    prefix="/internal/1.0/warehouses",
    dependencies=[Depends(require_worker)],
    include_in_schema=False,
)

_PREFIX = "/api/2.0/sql/warehouses"
_CONFIG = "/api/2.0/sql/config/warehouses"


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


@router.api_route(
    "/sql/1.0/{kind}/{warehouse_id}", methods=["GET", "POST"], include_in_schema=False
)
@router.api_route(
    "/sql/protocolv1/o/{kind}/{warehouse_id}", methods=["GET", "POST"], include_in_schema=False
)
async def refuse_thrift(kind: str, warehouse_id: str) -> Response:
    """Say plainly that OpenLake does not speak the protocol of Databricks' JDBC and ODBC drivers.

    They show the header and not the body, and give up at once at 501, as the SQL connector for
    Python does (its `auth/retry.py`).
    """
    message = (
        "OpenLake does not speak Thrift. With databricks-sql-connector pass use_sea=True; from"
        " anywhere else use the Statement Execution API (POST /api/2.0/sql/statements,"
        " databricks-sdk's statement_execution) or `openlake sql`"
    )
    answer = render(NotOffered.status, NotOffered.code, message)
    answer.headers["X-Thriftserver-Error-Message"] = message
    return answer


@router.get(_CONFIG, response_model=WorkspaceWarehouseConfig)
async def get_workspace_warehouse_config(caller: CallerArg) -> Response:
    """Read what all warehouses of the workspace have in common."""
    return compact(WorkspaceWarehouseConfig())


@router.put(_CONFIG)
async def set_workspace_warehouse_config(
    body: WorkspaceWarehouseConfig, caller: CallerArg
) -> Empty:
    """Accept what is so anyhow; nothing else can be set."""
    if body != WorkspaceWarehouseConfig():
        raise Invalid(
            "Warehouses have no settings in common that could be changed; edit each warehouse, or"
            " the settings of the stack."
        )
    return Empty()


@router.get("/api/2.0/preview/sql/data_sources")
async def list_data_sources(caller: CallerArg, deps: DepsArg) -> list[DataSource]:
    """List all warehouses as older clients call them: a data source has its warehouse's id."""
    return await service.data_sources(deps, caller)


@internal.get("/{place}")
async def get_config(place: str, deps: DepsArg) -> WarehouseConfig:
    """Return what a process of a warehouse must know."""
    return await service.config_at(deps, place)
