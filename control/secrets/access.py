"""Who may do what with a scope."""

from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from control.secrets import store
from control.secrets.tables import SecretAcl, SecretScope
from control.tokens.service import FIRST_USER
from spec.api.secrets import Permission
from spec.errors import Forbidden

USERS = "users"
"""The group of everybody in the workspace."""
ADMINS = "admins"
"""The group of the workspace's first user; it may manage every scope."""
GROUPS = (USERS, ADMINS)

_ORDER = list(Permission)


@dataclass(frozen=True)
class Reader:
    """Who reads: a person, or an attempt with the rights that its run has."""

    workspace_id: int
    user_name: str
    task_run_id: int | None = None
    """Of an attempt: the only one that is given values."""


def groups(user_name: str) -> frozenset[str]:
    """Return the groups a user is in."""
    return frozenset(GROUPS if user_name == FIRST_USER else (USERS,))


def allows(acls: list[SecretAcl], user_name: str, wanted: Permission) -> bool:
    """Tell whether permissions on one scope let a user do something."""
    mine = groups(user_name)
    if ADMINS in mine:
        return True
    held = [acl.permission for acl in acls if acl.principal in (user_name, *mine)]
    return any(_ORDER.index(Permission(each)) >= _ORDER.index(wanted) for each in held)


async def permitted(
    session: AsyncSession,
    workspace_id: int,
    user_name: str,
    name: str,
    wanted: Permission,
    *,
    lock: bool = False,
) -> SecretScope:
    """Return a scope that the user may use so.

    Raises:
        NotFound: there is no such scope.
        Forbidden: the user lacks the permission.
    """
    scope = await store.scope(session, workspace_id, name, lock=lock)
    if not allows(list(await store.acls(session, [scope.scope_id])), user_name, wanted):
        raise Forbidden(
            f"User {user_name} does not have {wanted} permission on scope {name}; ask somebody who"
            " has MANAGE",
            scope=name,
            permission=wanted.value,
        )
    return scope


async def readable(session: AsyncSession, workspace_id: int, user_name: str) -> list[int | None]:
    """Return the ids of the scopes whose secrets a user may read."""
    ids = [scope.scope_id for scope in await store.scopes(session, workspace_id)]
    acls = await store.acls(session, ids) if ids else ()
    return [
        each
        for each in ids
        if allows([acl for acl in acls if acl.scope_id == each], user_name, Permission.READ)
    ]
