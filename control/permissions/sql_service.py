"""Permissions on queries and alerts as the older API spells them."""

from control.alerts import service as alerts
from control.auth import Caller
from control.deps import Deps
from control.permissions import service
from control.permissions.access import require_admin
from control.permissions.levels import Kind, Level
from control.permissions.objects import TYPES
from control.queries import service as queries
from spec.api.alerts import AlertChange, UpdateAlert
from spec.api.permissions import (
    AccessControl,
    ObjectPermissions,
    SetSqlPermissions,
    SqlAccessControl,
    SqlPermissions,
)
from spec.api.queries import QueryChange, UpdateQuery
from spec.errors import Invalid

_NAMES = {"queries": "queries", "query": "queries", "alerts": "alerts", "alert": "alerts"}
"""Both spellings are in use: of lists, and of what can be owned."""


def _name(object_type: str) -> str:
    if (found := _NAMES.get(object_type)) is None:
        raise Invalid(
            f"'{object_type[:60]}' has no SQL permissions here; the types are queries and alerts"
        )
    return found


async def get(deps: Deps, caller: Caller, object_type: str, object_id: str) -> SqlPermissions:
    """Return who may do what with a query or alert."""
    name = _name(object_type)
    return _shown(name, object_id, await service.get(deps, caller, name, object_id))


async def replace(
    deps: Deps, caller: Caller, object_type: str, object_id: str, wanted: SetSqlPermissions
) -> SqlPermissions:
    """Replace what is given directly; the owner, who comes as CAN_MANAGE, stays the owner."""
    name = _name(object_type)
    given = [
        AccessControl.model_validate(each.model_dump(exclude_none=True))
        for each in wanted.access_control_list
    ]
    found = await service.change(deps, caller, name, object_id, given, replace=True)
    return _shown(name, object_id, found)


async def transfer(
    deps: Deps, caller: Caller, object_type: str, object_id: str, new_owner: str
) -> None:
    """Make another user the owner.

    Raises:
        Forbidden: the caller is no admin.
        Invalid: there is no such user.
    """
    name = _name(object_type)
    require_admin(caller, "give queries and alerts away")
    if TYPES[name].kind is Kind.QUERY:
        query = UpdateQuery(
            query=QueryChange(owner_user_name=new_owner), update_mask="owner_user_name"
        )
        await queries.update(deps, caller, object_id, query)
        return
    alert = UpdateAlert(alert=AlertChange(owner_user_name=new_owner), update_mask="owner_user_name")
    await alerts.update(deps, caller, object_id, alert)


def _shown(name: str, object_id: str, found: ObjectPermissions) -> SqlPermissions:
    return SqlPermissions(
        object_id=f"{name}/{object_id}",
        object_type=found.object_type,
        access_control_list=tuple(
            SqlAccessControl(
                user_name=each.user_name or each.service_principal_name,
                group_name=each.group_name,
                permission_level=_old(each.all_permissions[0].permission_level),
            )
            for each in found.access_control_list
        ),
    )


def _old(held: str) -> str:
    return Level.CAN_MANAGE.value if held == Level.IS_OWNER else held
