"""Who may do what with a scope."""

from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.secrets import store
from control.secrets.tables import SecretAcl, SecretScope
from spec.api.secrets import Permission
from spec.errors import Forbidden

_ORDER = list(Permission)


@dataclass(frozen=True)
class Reader:
    """Who reads: a person, or an attempt with the rights that its run has."""

    caller: Caller
    task_run_id: int | None = None
    """Of an attempt: the only one that is given values."""


def allows(acls: list[SecretAcl], caller: Caller, wanted: Permission) -> bool:
    """Tell whether permissions on one scope let a caller do something; admins may do all."""
    if caller.is_admin:
        return True
    mine = (caller.user_name, *caller.groups)
    held = [acl.permission for acl in acls if acl.principal in mine]
    return any(_ORDER.index(Permission(each)) >= _ORDER.index(wanted) for each in held)


async def permitted(
    session: AsyncSession, caller: Caller, name: str, wanted: Permission, *, lock: bool = False
) -> SecretScope:
    """Return a scope that the caller may use so.

    Raises:
        NotFound: there is no such scope.
        Forbidden: the caller lacks the permission.
    """
    scope = await store.scope(session, caller.workspace_id, name, lock=lock)
    if not allows(list(await store.acls(session, [scope.scope_id])), caller, wanted):
        raise Forbidden(
            f"User {caller.user_name} does not have {wanted} permission on scope {name}; ask"
            " somebody who has MANAGE",
            scope=name,
            permission=wanted.value,
        )
    return scope


async def readable(session: AsyncSession, caller: Caller) -> list[int | None]:
    """Return the ids of the scopes whose secrets a caller may read."""
    ids = [scope.scope_id for scope in await store.scopes(session, caller.workspace_id)]
    acls = await store.acls(session, ids) if ids else ()
    return [
        each
        for each in ids
        if allows([acl for acl in acls if acl.scope_id == each], caller, Permission.READ)
    ]
