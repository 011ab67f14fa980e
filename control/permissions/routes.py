"""`/api/2.0/permissions/…`: who may do what with an object."""

from fastapi import APIRouter
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.permissions import service
from spec.api.permissions import ChangePermissions, ObjectPermissions, PermissionLevels

router = APIRouter(prefix="/api/2.0/permissions", tags=["permissions"])

_PLAIN = "/{object_type}/{object_id}"
_SQL = "/sql" + _PLAIN
"""The types `sql/warehouses`, `sql/queries`, `sql/alerts` hold a slash."""


@router.get(_PLAIN + "/permissionLevels", response_model=PermissionLevels)
async def get_permission_levels(
    object_type: str, object_id: str, caller: CallerArg, deps: DepsArg
) -> Response:
    """List the levels that an object can be given on, weakest first."""
    return compact(await service.levels(deps, caller, object_type, object_id))


@router.get(_SQL + "/permissionLevels", response_model=PermissionLevels)
async def get_sql_permission_levels(
    object_type: str, object_id: str, caller: CallerArg, deps: DepsArg
) -> Response:
    """List the levels of an object whose type begins with `sql/`."""
    return compact(await service.levels(deps, caller, f"sql/{object_type}", object_id))


@router.get(_PLAIN, response_model=ObjectPermissions)
async def get_permissions(
    object_type: str, object_id: str, caller: CallerArg, deps: DepsArg
) -> Response:
    """Read who may do what with an object."""
    return compact(await service.get(deps, caller, object_type, object_id))


@router.put(_PLAIN, response_model=ObjectPermissions)
async def set_permissions(
    object_type: str, object_id: str, body: ChangePermissions, caller: CallerArg, deps: DepsArg
) -> Response:
    """Replace what is given directly on an object; what it inherits stays.

    A job keeps exactly one IS_OWNER. Each principal is named once.
    """
    given = body.access_control_list
    return compact(await service.change(deps, caller, object_type, object_id, given, replace=True))


@router.patch(_PLAIN, response_model=ObjectPermissions)
async def update_permissions(
    object_type: str, object_id: str, body: ChangePermissions, caller: CallerArg, deps: DepsArg
) -> Response:
    """Give levels to the principals that are named; the others keep theirs."""
    given = body.access_control_list
    return compact(await service.change(deps, caller, object_type, object_id, given, replace=False))


@router.get(_SQL, response_model=ObjectPermissions)
async def get_sql_permissions(
    object_type: str, object_id: str, caller: CallerArg, deps: DepsArg
) -> Response:
    """Read who may do what with an object whose type begins with `sql/`."""
    return compact(await service.get(deps, caller, f"sql/{object_type}", object_id))


@router.put(_SQL, response_model=ObjectPermissions)
async def set_sql_permissions(
    object_type: str, object_id: str, body: ChangePermissions, caller: CallerArg, deps: DepsArg
) -> Response:
    """Replace what is given directly on an object whose type begins with `sql/`."""
    name, given = f"sql/{object_type}", body.access_control_list
    return compact(await service.change(deps, caller, name, object_id, given, replace=True))


@router.patch(_SQL, response_model=ObjectPermissions)
async def update_sql_permissions(
    object_type: str, object_id: str, body: ChangePermissions, caller: CallerArg, deps: DepsArg
) -> Response:
    """Give levels on an object whose type begins with `sql/`."""
    name, given = f"sql/{object_type}", body.access_control_list
    return compact(await service.change(deps, caller, name, object_id, given, replace=False))
