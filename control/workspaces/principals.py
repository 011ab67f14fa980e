"""Users, service principals and groups as rows: making them, finding them, who is in what."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.workspaces.tables import GroupMember, Principal, PrincipalKind

ADMINS = "admins"
"""The group whose members may do everything in their workspace."""
USERS = "users"
"""The group that everybody in the workspace is in, without a row."""

ACTORS = (PrincipalKind.USER, PrincipalKind.SERVICE_PRINCIPAL)


async def find(session: AsyncSession, workspace_id: int, user_name: str) -> Principal | None:
    """Return the user or service principal of a name, active or not; None when there is none."""
    query = select(Principal).where(
        Principal.workspace_id == workspace_id,
        Principal.user_name == user_name,
        col(Principal.kind).in_(ACTORS),
        col(Principal.deleted_at).is_(None),
    )
    return (await session.exec(query)).first()


async def find_group(session: AsyncSession, workspace_id: int, name: str) -> Principal | None:
    """Return the group of a display name; None when there is none."""
    query = select(Principal).where(
        Principal.workspace_id == workspace_id,
        Principal.user_name == name,
        Principal.kind == PrincipalKind.GROUP,
        col(Principal.deleted_at).is_(None),
    )
    return (await session.exec(query)).first()


async def groups_of(session: AsyncSession, principal: Principal) -> dict[int, str]:
    """Return the groups a principal is in, itself or by another group, as {id: name}."""
    direct = select(GroupMember.group_id).where(GroupMember.member_id == principal.principal_id)
    inside = direct.cte("inside", recursive=True)
    # UNION, not UNION ALL: groups that contain each other come to an end.
    inside = inside.union(
        select(col(GroupMember.group_id)).join(
            inside, col(GroupMember.member_id) == inside.c.group_id
        )
    )
    query = select(Principal.principal_id, Principal.user_name).where(
        Principal.workspace_id == principal.workspace_id,
        Principal.kind == PrincipalKind.GROUP,
        col(Principal.deleted_at).is_(None),
        (col(Principal.user_name) == USERS)
        | col(Principal.principal_id).in_(select(inside.c.group_id)),
    )
    return {identifier or 0: name for identifier, name in (await session.exec(query)).all()}
