"""`/api/2.0/token` for one's own tokens, `/api/2.0/token-management` for admins."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.tokens import managing
from spec.api.jobs import Empty
from spec.api.tokens import (
    CreatedOboToken,
    CreatedToken,
    CreateOboToken,
    CreateToken,
    PublicTokenList,
    TokenAnswer,
    TokenId,
    TokenInfo,
    TokenInfoList,
    UpdateToken,
)

router = APIRouter(prefix="/api/2.0/token", tags=["tokens"])
management = APIRouter(prefix="/api/2.0/token-management", tags=["tokens"])


@router.post("/create")
async def create_token(
    caller: CallerArg, deps: DepsArg, body: CreateToken | None = None
) -> CreatedToken:
    """Make a token of one's own; its value is shown this once."""
    return await managing.create(deps, caller, body or CreateToken())


@router.get("/list")
async def list_tokens(caller: CallerArg, deps: DepsArg) -> PublicTokenList:
    """List one's own tokens, newest first."""
    return await managing.list_own(deps, caller)


@router.post("/delete")
async def delete_token(body: TokenId, caller: CallerArg, deps: DepsArg) -> Empty:
    """Revoke a token of one's own."""
    await managing.delete_own(deps, caller, body.token_id)
    return Empty()


@router.patch("/{token_id}")
async def update_token(token_id: str, body: UpdateToken, caller: CallerArg, deps: DepsArg) -> Empty:
    """Change the comment of a token of one's own."""
    await managing.update_own(deps, caller, token_id, body)
    return Empty()


@management.post("/on-behalf-of/tokens", response_model=CreatedOboToken)
async def create_obo_token(body: CreateOboToken, caller: CallerArg, deps: DepsArg) -> Response:
    """Make a token of a service principal; only admins may."""
    return compact(await managing.create_for_program(deps, caller, body))


@management.get("/tokens", response_model=TokenInfoList)
async def list_all_tokens(
    caller: CallerArg,
    deps: DepsArg,
    created_by_id: int | None = None,
    created_by_username: Annotated[str | None, Query(max_length=255)] = None,
) -> Response:
    """List the workspace's tokens, newest first; only admins may."""
    return compact(await managing.list_all(deps, caller, created_by_id, created_by_username))


@management.get("/tokens/{token_id}", response_model=TokenAnswer)
async def get_any_token(token_id: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Read a token without its value; only admins may."""
    return compact(TokenAnswer(token_info=await managing.get(deps, caller, token_id)))


@management.patch("/tokens/{token_id}", response_model=TokenInfo)
async def update_any_token(
    token_id: str, body: UpdateToken, caller: CallerArg, deps: DepsArg
) -> Response:
    """Change the comment of a token; only admins may."""
    return compact(await managing.update(deps, caller, token_id, body))


@management.delete("/tokens/{token_id}")
async def delete_any_token(token_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Revoke a token; only admins may."""
    await managing.delete(deps, caller, token_id)
    return Empty()
