"""`/api/openlake/1.0/workspaces`: workspaces and their members."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.workspaces import service
from spec.api.jobs import Empty
from spec.api.tokens import CreatedToken
from spec.api.workspaces import (
    AddedMember,
    AddMember,
    CreatedWorkspace,
    CreateMemberToken,
    CreateWorkspace,
    MemberList,
    UpdateWorkspace,
    WorkspaceList,
    WorkspaceView,
)

router = APIRouter(prefix="/api/openlake/1.0/workspaces", tags=["workspaces"])


@router.post("", response_model=CreatedWorkspace)
async def create_workspace(body: CreateWorkspace, caller: CallerArg, deps: DepsArg) -> Response:
    """Make a workspace with a first admin, whose token is shown this once; operators only."""
    return compact(await service.create(deps, caller, body))


@router.get("", response_model=WorkspaceList)
async def list_workspaces(
    caller: CallerArg,
    deps: DepsArg,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    page_token: str | None = None,
) -> Response:
    """List the workspaces that the caller sees, oldest first."""
    return compact(await service.list_workspaces(deps, caller, limit, page_token))


@router.get("/{workspace_id}", response_model=WorkspaceView)
async def get_workspace(workspace_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Read a workspace."""
    return compact(await service.get(deps, caller, workspace_id))


@router.patch("/{workspace_id}", response_model=WorkspaceView)
async def update_workspace(
    workspace_id: int, body: UpdateWorkspace, caller: CallerArg, deps: DepsArg
) -> Response:
    """Change a workspace's name, defaults or, by the operator, quota."""
    return compact(await service.update(deps, caller, workspace_id, body))


@router.delete("/{workspace_id}")
async def delete_workspace(workspace_id: int, caller: CallerArg, deps: DepsArg) -> Empty:
    """Delete a workspace in which nothing runs; operators only."""
    await service.delete(deps, caller, workspace_id)
    return Empty()


@router.get("/{workspace_id}/members")
async def list_members(workspace_id: int, caller: CallerArg, deps: DepsArg) -> MemberList:
    """List the users and service principals of a workspace, by name."""
    return await service.members(deps, caller, workspace_id)


@router.post("/{workspace_id}/members", response_model=AddedMember)
async def add_member(
    workspace_id: int, body: AddMember, caller: CallerArg, deps: DepsArg
) -> Response:
    """Make a user in a workspace, with a first token that is shown this once; admins only."""
    return compact(await service.add_member(deps, caller, workspace_id, body))


@router.delete("/{workspace_id}/members/{user_name}")
async def remove_member(
    workspace_id: int, user_name: str, caller: CallerArg, deps: DepsArg
) -> Empty:
    """Delete a user or service principal of a workspace; admins only."""
    await service.remove_member(deps, caller, workspace_id, user_name)
    return Empty()


@router.post("/{workspace_id}/members/{user_name}/tokens")
async def create_member_token(
    workspace_id: int,
    user_name: str,
    caller: CallerArg,
    deps: DepsArg,
    body: CreateMemberToken | None = None,
) -> CreatedToken:
    """Make a token for a member who has lost its own; admins only."""
    return await service.create_member_token(
        deps, caller, workspace_id, user_name, body or CreateMemberToken()
    )
