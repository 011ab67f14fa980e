"""What clients ask about the server and themselves, and `/api/2.0/preview/scim/v2`."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, json_answer
from control.identity import service
from control.identity.service import Listing
from control.workspaces.tables import PrincipalKind
from spec.api.scim import MOST_RESULTS, Group, Page, Patch, ServicePrincipal, User

router = APIRouter(tags=["identity"])
scim = APIRouter(prefix="/api/2.0/preview/scim/v2", tags=["identity"])

_USER = PrincipalKind.USER
_PROGRAM = PrincipalKind.SERVICE_PRINCIPAL
_GROUP = PrincipalKind.GROUP


@router.get("/.well-known/databricks-config")
async def host_config(deps: DepsArg) -> dict[str, str]:
    """Tell a client about this host; asked without a token, in its constructor.

    Where there are several workspaces the token says which one is meant: a client that is told
    none asks `Me`.
    """
    config = {"oidc_endpoint": f"{deps.public_url}/oidc"}
    only = await service.only_workspace(deps)
    return config if only is None else {**config, "workspace_id": str(only)}


def _part(
    attributes: Annotated[str | None, Query(max_length=2000)] = None,
    excluded_attributes: Annotated[
        str | None, Query(alias="excludedAttributes", max_length=2000)
    ] = None,
) -> Listing:
    return Listing(attributes=attributes, excluded_attributes=excluded_attributes)


def _listing(
    part: Annotated[Listing, Depends(_part)],
    filter_: Annotated[str | None, Query(alias="filter")] = None,
    start_index: Annotated[int, Query(alias="startIndex")] = 1,
    count: int = MOST_RESULTS,
    sort_by: Annotated[str | None, Query(alias="sortBy")] = None,
    sort_order: Annotated[
        Literal["ascending", "descending"], Query(alias="sortOrder")
    ] = "ascending",
) -> Listing:
    return Listing(
        filter=filter_,
        start_index=start_index,
        count=count,
        sort_by=sort_by,
        sort_order=sort_order,
        attributes=part.attributes,
        excluded_attributes=part.excluded_attributes,
    )


PartArg = Annotated[Listing, Depends(_part)]
ListingArg = Annotated[Listing, Depends(_listing)]


def _page(page: Page) -> Response:
    return json_answer(page.model_dump(mode="json"))


def _one(found: dict[str, Any], status: int = 200) -> Response:
    return json_answer(found, status)


@scim.get("/Me", response_model=User)
async def me(caller: CallerArg, deps: DepsArg, part: PartArg) -> Response:
    """Return who the token speaks for."""
    answer = _one(await service.me(deps, caller, part))
    # Clients that did not learn the workspace from the host ask for it here.
    answer.headers["X-Databricks-Org-Id"] = str(caller.workspace_id)
    return answer


# Users -------------------------------------------------------------------------------------


@scim.get("/Users", response_model=Page)
async def list_users(caller: CallerArg, deps: DepsArg, listing: ListingArg) -> Response:
    """List users; a page past the end is empty."""
    return _page(await service.list_principals(deps, caller, _USER, listing))


@scim.post("/Users", response_model=User, status_code=201)
async def create_user(body: User, caller: CallerArg, deps: DepsArg) -> Response:
    """Make a user with a home folder; only admins may."""
    return _one(await service.create(deps, caller, _USER, body), 201)


@scim.get("/Users/{user_id}", response_model=User)
async def get_user(user_id: str, caller: CallerArg, deps: DepsArg, part: PartArg) -> Response:
    """Read a user."""
    return _one(await service.get(deps, caller, _USER, user_id, part))


@scim.put("/Users/{user_id}", response_model=User)
async def replace_user(user_id: str, body: User, caller: CallerArg, deps: DepsArg) -> Response:
    """Replace a user's attributes; only admins may."""
    return _one(await service.replace(deps, caller, _USER, user_id, body))


@scim.patch("/Users/{user_id}", response_model=User)
async def patch_user(user_id: str, body: Patch, caller: CallerArg, deps: DepsArg) -> Response:
    """Change some of a user's attributes; only admins may."""
    return _one(await service.patch(deps, caller, _USER, user_id, body))


@scim.delete("/Users/{user_id}", status_code=204)
async def delete_user(user_id: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Delete a user; its tokens end at once. Only admins may."""
    await service.delete(deps, caller, _USER, user_id)
    return Response(status_code=204)


# Service principals ------------------------------------------------------------------------


@scim.get("/ServicePrincipals", response_model=Page)
async def list_service_principals(
    caller: CallerArg, deps: DepsArg, listing: ListingArg
) -> Response:
    """List service principals; a page past the end is empty."""
    return _page(await service.list_principals(deps, caller, _PROGRAM, listing))


@scim.post("/ServicePrincipals", response_model=ServicePrincipal, status_code=201)
async def create_service_principal(
    body: ServicePrincipal, caller: CallerArg, deps: DepsArg
) -> Response:
    """Make a service principal; only admins may."""
    return _one(await service.create(deps, caller, _PROGRAM, body), 201)


@scim.get("/ServicePrincipals/{service_principal_id}", response_model=ServicePrincipal)
async def get_service_principal(
    service_principal_id: str, caller: CallerArg, deps: DepsArg, part: PartArg
) -> Response:
    """Read a service principal."""
    return _one(await service.get(deps, caller, _PROGRAM, service_principal_id, part))


@scim.put("/ServicePrincipals/{service_principal_id}", response_model=ServicePrincipal)
async def replace_service_principal(
    service_principal_id: str, body: ServicePrincipal, caller: CallerArg, deps: DepsArg
) -> Response:
    """Replace a service principal's attributes; only admins may."""
    return _one(await service.replace(deps, caller, _PROGRAM, service_principal_id, body))


@scim.patch("/ServicePrincipals/{service_principal_id}", response_model=ServicePrincipal)
async def patch_service_principal(
    service_principal_id: str, body: Patch, caller: CallerArg, deps: DepsArg
) -> Response:
    """Change some of a service principal's attributes; only admins may."""
    return _one(await service.patch(deps, caller, _PROGRAM, service_principal_id, body))


@scim.delete("/ServicePrincipals/{service_principal_id}", status_code=204)
async def delete_service_principal(
    service_principal_id: str, caller: CallerArg, deps: DepsArg
) -> Response:
    """Delete a service principal; its tokens end at once. Only admins may."""
    await service.delete(deps, caller, _PROGRAM, service_principal_id)
    return Response(status_code=204)


# Groups ------------------------------------------------------------------------------------


@scim.get("/Groups", response_model=Page)
async def list_groups(caller: CallerArg, deps: DepsArg, listing: ListingArg) -> Response:
    """List groups; a page past the end is empty."""
    return _page(await service.list_principals(deps, caller, _GROUP, listing))


@scim.post("/Groups", response_model=Group, status_code=201)
async def create_group(body: Group, caller: CallerArg, deps: DepsArg) -> Response:
    """Make a group; only admins may."""
    return _one(await service.create(deps, caller, _GROUP, body), 201)


@scim.get("/Groups/{group_id}", response_model=Group)
async def get_group(group_id: str, caller: CallerArg, deps: DepsArg, part: PartArg) -> Response:
    """Read a group with its direct members."""
    return _one(await service.get(deps, caller, _GROUP, group_id, part))


@scim.put("/Groups/{group_id}", response_model=Group)
async def replace_group(group_id: str, body: Group, caller: CallerArg, deps: DepsArg) -> Response:
    """Replace a group's attributes and members; only admins may."""
    return _one(await service.replace(deps, caller, _GROUP, group_id, body))


@scim.patch("/Groups/{group_id}", response_model=Group)
async def patch_group(group_id: str, body: Patch, caller: CallerArg, deps: DepsArg) -> Response:
    """Change a group, e.g. its members; only admins may."""
    return _one(await service.patch(deps, caller, _GROUP, group_id, body))


@scim.delete("/Groups/{group_id}", status_code=204)
async def delete_group(group_id: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Delete a group; its members stay. Only admins may."""
    await service.delete(deps, caller, _GROUP, group_id)
    return Response(status_code=204)
