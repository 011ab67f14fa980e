"""What people do with secrets: scopes, values, permissions. Values go in and never come back."""

import base64
import binascii
from datetime import UTC, datetime

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.runs.views import millis
from control.secrets import store
from control.secrets.access import Reader, allows, permitted
from control.secrets.tables import Secret, SecretAcl, SecretScope
from spec.api.secrets import (
    MOST_SCOPES,
    MOST_SECRET_BYTES,
    MOST_SECRETS,
    AclItem,
    AclList,
    CreateScope,
    Permission,
    PutAcl,
    PutSecret,
    ScopeList,
    ScopeView,
    SecretList,
    SecretMetadata,
)
from spec.errors import Invalid, NotFound


class ScopeExists(Invalid):
    """The scope's name is taken."""

    code = "RESOURCE_ALREADY_EXISTS"


class TooMany(Invalid):
    """The workspace has as many scopes, or the scope as many secrets, as there may be."""

    code = "RESOURCE_LIMIT_EXCEEDED"


class Malformed(Invalid):
    """The request contradicts itself."""

    code = "MALFORMED_REQUEST"


async def create_scope(deps: Deps, caller: Caller, request: CreateScope) -> None:
    """Make a scope; its creator may manage it, or everybody when that was asked for.

    Raises:
        ScopeExists: the name is taken.
        TooMany: the workspace is full.
    """
    principal = request.initial_manage_principal or caller.user_name
    async with deps.database.session() as session:
        await store.lock_workspace(session, caller.workspace_id)
        there = {scope.name for scope in await store.scopes(session, caller.workspace_id)}
        if request.scope in there:
            raise ScopeExists(f"Scope {request.scope} already exists!", scope=request.scope)
        if len(there) >= MOST_SCOPES:
            raise TooMany(f"A workspace has at most {MOST_SCOPES} secret scopes; delete some.")
        scope = SecretScope(
            workspace_id=caller.workspace_id, name=request.scope, created_by=caller.user_name
        )
        session.add(scope)
        await session.flush()
        acl = SecretAcl(
            scope_id=scope.scope_id or 0, principal=principal, permission=Permission.MANAGE.value
        )
        session.add(acl)
        audit.record(
            session, caller, "secret_scope.created", "secret_scope", request.scope, manage=principal
        )


async def list_scopes(deps: Deps, reader: Reader) -> ScopeList:
    """Return the scopes that somebody may read."""
    async with deps.database.read_session() as session:
        rows = await store.scopes(session, reader.caller.workspace_id)
        acls = await store.acls(session, [row.scope_id for row in rows])
    by_scope: dict[int, list[SecretAcl]] = {}
    for acl in acls:
        by_scope.setdefault(acl.scope_id, []).append(acl)
    seen = [
        ScopeView(name=row.name)
        for row in rows
        if allows(by_scope.get(row.scope_id or 0, []), reader.caller, Permission.READ)
    ]
    return ScopeList(scopes=tuple(seen))


async def delete_scope(deps: Deps, caller: Caller, name: str) -> None:
    """Delete a scope with all its secrets."""
    async with deps.database.session() as session:
        scope = await permitted(
            session,
            caller,
            name,
            Permission.MANAGE,
            lock=True,
        )
        await store.forget_scope(session, scope)
        audit.record(session, caller, "secret_scope.deleted", "secret_scope", name)


async def put(deps: Deps, caller: Caller, request: PutSecret) -> None:
    """Store a secret, in the place of what the key held before.

    Raises:
        Malformed: not exactly one value was given, or one that is no base64.
        Invalid: the value is too large.
        TooMany: the scope is full.
    """
    value = _value(request)
    now = datetime.now(UTC)
    async with deps.database.session() as session:
        scope = await permitted(
            session,
            caller,
            request.scope,
            Permission.WRITE,
            lock=True,
        )
        scope_id = scope.scope_id or 0
        row = await session.get(Secret, (scope_id, request.key))
        if row is None and await store.count_secrets(session, scope_id) >= MOST_SECRETS:
            raise TooMany(f"A scope has at most {MOST_SECRETS} secrets; delete some.")
        sealed = deps.sealer.seal(value, table="secrets", row=f"{scope_id}/{request.key}")
        version = int(now.timestamp() * 1_000_000)
        if row is None:
            row = Secret(
                scope_id=scope_id, key=request.key, sealed=sealed, version=version, updated_at=now
            )
            session.add(row)
        else:
            row.sealed, row.version, row.updated_at = sealed, version, now
        audit.record(session, caller, "secret.put", "secret", f"{request.scope}/{request.key}")


def _value(request: PutSecret) -> bytes:
    if (request.string_value is None) == (request.bytes_value is None):
        raise Malformed("Give exactly one of string_value and bytes_value.")
    if request.string_value is not None:
        value = request.string_value.encode()
    else:
        try:
            value = base64.b64decode(request.bytes_value or "", validate=True)
        except (ValueError, binascii.Error):
            raise Malformed("bytes_value is not base64.") from None
    if len(value) > MOST_SECRET_BYTES:
        raise Invalid(f"A secret has at most {MOST_SECRET_BYTES} bytes, not {len(value)}.")
    return value


async def list_secrets(deps: Deps, reader: Reader, name: str) -> SecretList:
    """Return the keys of a scope."""
    async with deps.database.read_session() as session:
        scope = await permitted(session, reader.caller, name, Permission.READ)
        rows = await store.secrets(session, scope.scope_id)
    return SecretList(
        secrets=tuple(
            SecretMetadata(key=row.key, last_updated_timestamp=millis(row.updated_at))
            for row in rows
        )
    )


async def delete(deps: Deps, caller: Caller, name: str, key: str) -> None:
    """Delete a secret; attempts that were given it keep what they know."""
    async with deps.database.session() as session:
        scope = await permitted(
            session,
            caller,
            name,
            Permission.WRITE,
            lock=True,
        )
        await session.delete(await store.secret(session, scope, key))
        audit.record(session, caller, "secret.deleted", "secret", f"{name}/{key}")


async def put_acl(deps: Deps, caller: Caller, request: PutAcl) -> None:
    """Say what a user or group may do with a scope.

    Raises:
        Invalid: there is no such user, group or service principal.
    """
    async with deps.database.session() as session:
        scope = await permitted(
            session,
            caller,
            request.scope,
            Permission.MANAGE,
            lock=True,
        )
        who = request.principal
        if not await store.is_principal(session, caller.workspace_id, who):
            raise Invalid(
                f"There is no user, group or service principal '{who}' in this workspace; a service"
                " principal is named by its application id",
                principal=who,
            )
        acl = SecretAcl(
            scope_id=scope.scope_id or 0, principal=who, permission=request.permission.value
        )
        await session.merge(acl)
        audit.record(
            session,
            caller,
            "secret_acl.put",
            "secret_scope",
            request.scope,
            principal=who,
            permission=request.permission.value,
        )


async def get_acl(deps: Deps, caller: Caller, name: str, principal: str) -> AclItem:
    """Return what a user or group was given on a scope."""
    items = (await list_acls(deps, caller, name)).items
    for item in items:
        if item.principal == principal:
            return item
    raise _no_acl(name, principal)


async def list_acls(deps: Deps, caller: Caller, name: str) -> AclList:
    """Return the permissions on a scope."""
    async with deps.database.read_session() as session:
        scope = await permitted(session, caller, name, Permission.MANAGE)
        rows = await store.acls(session, [scope.scope_id])
    return AclList(
        items=tuple(
            AclItem(principal=row.principal, permission=Permission(row.permission)) for row in rows
        )
    )


async def delete_acl(deps: Deps, caller: Caller, name: str, principal: str) -> None:
    """Take a permission back.

    Raises:
        NotFound: there is none for this principal.
    """
    async with deps.database.session() as session:
        scope = await permitted(
            session,
            caller,
            name,
            Permission.MANAGE,
            lock=True,
        )
        row = await session.get(SecretAcl, (scope.scope_id, principal))
        if row is None:
            raise _no_acl(name, principal)
        await session.delete(row)
        audit.record(
            session, caller, "secret_acl.deleted", "secret_scope", name, principal=principal
        )


def _no_acl(scope: str, principal: str) -> NotFound:
    message = f"Principal {principal} has no permission on scope {scope}."
    return NotFound(message, scope=scope, principal=principal)
