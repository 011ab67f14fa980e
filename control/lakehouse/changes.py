"""Schemas made, and schemas and tables dropped, as Unity Catalog's clients ask for it.

Everything goes through the gateway, as a person's own Iceberg client would: it stamps the commit
with who asked. Only the stack's own catalog is changed; others belong to their own servers.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx2

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.gateway import tokens
from control.gateway.tokens import PrincipalClaims
from control.lakehouse.base import Entry, Json, Key, Kind, TableName
from control.lakehouse.iceberg_rest import namespace_tail
from control.lakehouse.unity import get_schema
from spec.api.catalog import CreateSchema, SchemaInfo
from spec.errors import Conflict, Invalid, NotFound, NotOffered, Unavailable

_TOKEN_LIFE = timedelta(minutes=5)
_TIMEOUT = httpx2.Timeout(30, connect=5)
_PLURAL = {Kind.TABLE: "tables", Kind.VIEW: "views"}


class SchemaExists(Conflict):
    """The catalog has a schema of this name."""

    code = "RESOURCE_ALREADY_EXISTS"


async def create_schema(deps: Deps, caller: Caller, order: CreateSchema) -> SchemaInfo:
    """Make a schema.

    Raises:
        NotFound: there is no such catalog.
        NotOffered: the catalog is not the stack's own.
        SchemaExists: see there.
    """
    _check_own(deps, order.catalog_name)
    if order.name in ("", ".", "..") or any(mark in order.name for mark in "./\\;\0"):
        raise Invalid(f"'{order.name[:60]}' is no name of a schema: it has no . / \\ ; in it")
    full_name = f"{order.catalog_name}.{order.name}"
    properties = dict(order.properties)
    if order.comment is not None:
        properties["comment"] = order.comment
    async with deps.database.session() as session:
        audit.record(session, caller, "schema.created", "schema", full_name)
        body = {"namespace": [order.name], "properties": properties}
        answer = await _ask(deps, caller, "POST", "namespaces", body)
        if answer.status_code == 409:
            raise SchemaExists(f"Schema '{full_name}' exists already.", schema=full_name)
        _check(answer)
    return await get_schema(deps, full_name)


async def delete_schema(deps: Deps, caller: Caller, full_name: str, *, force: bool) -> None:
    """Drop a schema; with `force` its tables and views go first, one after another.

    Raises:
        NotFound: there is no such schema.
        NotOffered: its catalog is not the stack's own.
        Invalid: it is not empty.
    """
    info = await get_schema(deps, full_name)
    _check_own(deps, info.catalog_name)
    namespace = tuple(info.name.split("."))
    if force:
        for entry in await deps.lakehouse.catalog(info.catalog_name).entries(namespace):
            await _drop(deps, caller, info.catalog_name, entry)
    async with deps.database.session() as session:
        audit.record(session, caller, "schema.deleted", "schema", full_name)
        answer = await _ask(deps, caller, "DELETE", namespace_tail(namespace))
        if answer.status_code == 409:
            raise Invalid(
                f"Schema '{full_name}' is not empty; drop its tables first, or send force=true"
            )
        _check(answer)


async def delete_table(deps: Deps, caller: Caller, full_name: str) -> None:
    """Drop a table or view; its files stay until table care finds that nothing needs them.

    Raises:
        NotFound: there is none of this name.
        NotOffered: its catalog is not the stack's own.
    """
    name = TableName.parse(full_name)
    _check_own(deps, name.catalog)
    loaded = await deps.lakehouse.load(name)
    await _drop(deps, caller, name.catalog, Entry(name.key, loaded.kind))


async def _drop(deps: Deps, caller: Caller, catalog: str, entry: Entry) -> None:
    full_name = ".".join((catalog, *entry.key))
    tail = f"{namespace_tail(entry.key[:-1])}/{_PLURAL[entry.kind]}/{_last(entry.key)}"
    async with deps.database.session() as session:
        audit.record(session, caller, "table.deleted", "table", full_name)
        _check(await _ask(deps, caller, "DELETE", tail))


def _last(key: Key) -> str:
    return quote(key[-1], safe="")


def _check_own(deps: Deps, catalog: str) -> None:
    deps.lakehouse.catalog(catalog)
    if not deps.lakehouse.is_managed(catalog):
        raise NotOffered(
            f"The catalog '{catalog}' is another server's: change its schemas and tables there, or"
            " by SQL on a warehouse that knows it."
        )


async def _ask(
    deps: Deps, caller: Caller, method: str, tail: str, body: Json | None = None
) -> httpx2.Response:
    claims = PrincipalClaims(
        workspace_id=caller.workspace_id,
        user=caller.user_name,
        expires_at=datetime.now(UTC) + _TOKEN_LIFE,
    )
    token = tokens.issue(deps.access.signing_key, claims)
    url = f"{deps.access.catalog_uri.rstrip('/')}/v1/{deps.access.warehouse}/{tail}"
    try:
        async with httpx2.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {token}"}
            return await client.request(method, url, json=body, headers=headers)
    except httpx2.HTTPError as error:
        raise Unavailable(f"The catalog gateway does not answer: {error!r}.") from error


def _check(answer: httpx2.Response) -> None:
    """Raise what the gateway's refusal says."""
    if answer.status_code < 400:
        return
    try:
        message = str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = answer.text[:300]
    if answer.status_code == 404:
        raise NotFound(message)
    if answer.status_code >= 500:
        raise Unavailable(f"The catalog gateway failed: {message}")
    raise Invalid(message)
