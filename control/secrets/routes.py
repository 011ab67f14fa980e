"""`/api/2.0/secrets/…`: Databricks' Secrets API."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from control.http import CallerArg, DepsArg, get_caller
from control.secrets import reading, service
from control.secrets.access import Reader
from spec.api.jobs import Empty
from spec.api.secrets import (
    AclItem,
    AclKey,
    AclList,
    CreateScope,
    PutAcl,
    PutSecret,
    ScopeList,
    ScopeName,
    SecretKey,
    SecretList,
    SecretValue,
)

router = APIRouter(prefix="/api/2.0/secrets", tags=["secrets"])


async def get_reader(request: Request, deps: DepsArg) -> Reader:
    """Return who reads, a person or a running attempt; for `Depends`."""
    token = reading.attempt_token(request)
    if token is not None:
        return await reading.reader_of(deps, token)
    return Reader(await get_caller(request, deps))


ReaderArg = Annotated[Reader, Depends(get_reader)]


@router.post("/scopes/create")
async def create_secret_scope(body: CreateScope, caller: CallerArg, deps: DepsArg) -> Empty:
    """Make a scope."""
    await service.create_scope(deps, caller, body)
    return Empty()


@router.get("/scopes/list")
async def list_secret_scopes(reader: ReaderArg, deps: DepsArg) -> ScopeList:
    """List the scopes that the caller may read."""
    return await service.list_scopes(deps, reader)


@router.post("/scopes/delete")
async def delete_secret_scope(body: ScopeName, caller: CallerArg, deps: DepsArg) -> Empty:
    """Delete a scope with all its secrets."""
    await service.delete_scope(deps, caller, body.scope)
    return Empty()


@router.post("/put")
async def put_secret(body: PutSecret, caller: CallerArg, deps: DepsArg) -> Empty:
    """Store a secret."""
    await service.put(deps, caller, body)
    return Empty()


@router.get("/get")
async def get_secret(scope: str, key: str, reader: ReaderArg, deps: DepsArg) -> SecretValue:
    """Return a value to a running task; nobody else is given one."""
    return await reading.get(deps, reader, scope, key)


@router.get("/list")
async def list_secrets(scope: str, reader: ReaderArg, deps: DepsArg) -> SecretList:
    """List a scope's keys."""
    return await service.list_secrets(deps, reader, scope)


@router.post("/delete")
async def delete_secret(body: SecretKey, caller: CallerArg, deps: DepsArg) -> Empty:
    """Delete a secret."""
    await service.delete(deps, caller, body.scope, body.key)
    return Empty()


@router.post("/acls/put")
async def put_secret_acl(body: PutAcl, caller: CallerArg, deps: DepsArg) -> Empty:
    """Say what a user or group may do with a scope."""
    await service.put_acl(deps, caller, body)
    return Empty()


@router.get("/acls/get")
async def get_secret_acl(scope: str, principal: str, caller: CallerArg, deps: DepsArg) -> AclItem:
    """Return what a user or group may do with a scope."""
    return await service.get_acl(deps, caller, scope, principal)


@router.get("/acls/list")
async def list_secret_acls(scope: str, caller: CallerArg, deps: DepsArg) -> AclList:
    """List the permissions on a scope."""
    return await service.list_acls(deps, caller, scope)


@router.post("/acls/delete")
async def delete_secret_acl(body: AclKey, caller: CallerArg, deps: DepsArg) -> Empty:
    """Take a permission back."""
    await service.delete_acl(deps, caller, body.scope, body.principal)
    return Empty()
