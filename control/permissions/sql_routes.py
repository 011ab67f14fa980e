"""`/api/2.0/preview/sql/permissions/…`: permissions on queries and alerts, the older way.

Databricks has replaced it by `permissions/…`; its clients still have it (`dbsql_permissions`).
"""

from fastapi import APIRouter

from control.http import CallerArg, DepsArg
from control.permissions import sql_service
from spec.api.permissions import SetSqlPermissions, SqlPermissions, Success, TransferOwnership

router = APIRouter(prefix="/api/2.0/preview/sql/permissions", tags=["permissions"])

_PLACE = "/{object_type}/{object_id}"


@router.get(_PLACE)
async def get_dbsql_permissions(
    object_type: str, object_id: str, caller: CallerArg, deps: DepsArg
) -> SqlPermissions:
    """Read who may do what with a query or alert."""
    return await sql_service.get(deps, caller, object_type, object_id)


@router.post(_PLACE)
async def set_dbsql_permissions(
    object_type: str, object_id: str, body: SetSqlPermissions, caller: CallerArg, deps: DepsArg
) -> SqlPermissions:
    """Replace all permissions on a query or alert; its owner stays."""
    return await sql_service.replace(deps, caller, object_type, object_id, body)


@router.post(_PLACE + "/transfer")
async def transfer_dbsql_ownership(
    object_type: str, object_id: str, body: TransferOwnership, caller: CallerArg, deps: DepsArg
) -> Success:
    """Give a query or alert to another user; admins only."""
    await sql_service.transfer(deps, caller, object_type, object_id, body.new_owner)
    return Success()
