"""Makes a workspace with what every workspace has."""

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from control.files import store as files
from control.permissions.levels import EVERY_TOKEN, Kind, Level
from control.permissions.tables import Grant
from control.workspaces.principals import ADMINS, USERS, find_group
from control.workspaces.tables import GroupMember, Principal, PrincipalKind, Workspace


async def make_workspace(session: AsyncSession, workspace: Workspace) -> None:
    """Add a workspace with its two groups and its shared folder."""
    session.add(workspace)
    await session.flush()
    for name in (ADMINS, USERS):
        session.add(
            Principal(
                workspace_id=workspace.workspace_id,
                kind=PrincipalKind.GROUP,
                user_name=name,
                display_name=name,
            )
        )
    await session.flush()
    await _let_users_have_tokens(session, workspace.workspace_id)
    await files.make_folders(session, workspace.workspace_id, "/Shared")


async def _let_users_have_tokens(session: AsyncSession, workspace_id: int) -> None:
    """As in a new Databricks workspace; an admin may take it back (`authorization/tokens`)."""
    users = await find_group(session, workspace_id, USERS)
    assert users is not None and users.principal_id is not None  # noqa: S101 - made just before
    session.add(
        Grant(
            workspace_id=workspace_id,
            kind=Kind.TOKENS,
            object_id=EVERY_TOKEN,
            principal_id=users.principal_id,
            level=Level.CAN_USE,
        )
    )


async def make_admin(session: AsyncSession, workspace_id: int, user_name: str) -> Principal:
    """Add a user who is an admin of the workspace, with a home folder."""
    principal = Principal(
        workspace_id=workspace_id, user_name=user_name, display_name="Administrator"
    )
    session.add(principal)
    await session.flush()
    await join(session, workspace_id, ADMINS, principal)
    await files.make_folders(session, workspace_id, f"/Users/{user_name}")
    return principal


async def join(
    session: AsyncSession, workspace_id: int, group_name: str, member: Principal
) -> None:
    """Put a principal into a group that there is; a second time it does nothing."""
    group = await find_group(session, workspace_id, group_name)
    assert group is not None  # noqa: S101 - made with the workspace
    row = {"group_id": group.principal_id, "member_id": member.principal_id}
    await session.exec(insert(GroupMember).values(row).on_conflict_do_nothing())
