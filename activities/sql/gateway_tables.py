"""Asks the catalog gateway for tables, as the Iceberg REST protocol has it, and for own commits."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx2

from spec.attempts import CatalogAccess
from spec.errors import EngineUnavailable

_QUERY = "trino_query_id"
"""In the summary of a snapshot that Trino made."""


@dataclass(frozen=True)
class TableState:
    """A table as it is now."""

    columns: dict[str, str]
    """Name → Iceberg type, in order."""
    summary: dict[str, str] = field(default_factory=dict[str, str])
    """Of its current snapshot; empty when it has none."""


@dataclass(frozen=True)
class Commit:
    """One change that the attempt has asked the catalog for."""

    id: int
    state: str
    """`committed`; `refused`; `pending`, being found out; `unknown`, it never will be."""
    query_id: str | None
    """Of the Trino query that made it; None where that does not say, as for a table's creation."""


class GatewayTables:
    """The tables that an attempt sees, by its token.

    Args:
        http: A client to send with.
        access: Address and token.
    """

    def __init__(self, http: httpx2.AsyncClient, access: CatalogAccess) -> None:
        """See class."""
        self._http = http
        self._access = access
        self._prefix: str | None = None

    async def load(self, schema: str, name: str) -> TableState | None:
        """Return the table's state, or None when there is no such table.

        Raises:
            EngineUnavailable: the gateway does not answer, or refuses.
        """
        if self._prefix is None:
            config = await self._get("/v1/config", {"warehouse": self._access.warehouse})
            both: dict[str, str] = {
                **((config or {}).get("defaults") or {}),
                **((config or {}).get("overrides") or {}),
            }
            self._prefix = both.get("prefix", "")
        prefix = f"/{quote(self._prefix, safe='%')}" if self._prefix else ""
        path = f"/v1{prefix}/namespaces/{quote(schema)}/tables/{quote(name)}"
        answer = await self._get(path, {})
        return None if answer is None else _state(answer["metadata"])

    async def commits(self, after: int = 0) -> list[Commit]:
        """Return what the attempt has committed after a commit that is known, oldest first.

        Raises:
            EngineUnavailable: as for `load`.
        """
        answer = await self._get("/openlake/commits", {"after": str(after)})
        found: list[dict[str, Any]] = (answer or {}).get("commits") or []
        return [Commit(each["id"], each["state"], each["summary"].get(_QUERY)) for each in found]

    async def _get(self, path: str, params: dict[str, str]) -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {self._access.token}"}
        try:
            answer = await self._http.get(self._access.uri + path, params=params, headers=headers)
        except httpx2.TransportError as error:
            raise EngineUnavailable(f"The catalog gateway does not answer: {error!r}") from error
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise EngineUnavailable(
                f"The catalog gateway answered {answer.status_code}: {answer.text[:200]}"
            )
        content: dict[str, Any] = answer.json()
        return content


def _state(metadata: dict[str, Any]) -> TableState:
    schema_id = metadata.get("current-schema-id")
    schemas: list[dict[str, Any]] = metadata.get("schemas") or []
    current_schemas = [each for each in schemas if each.get("schema-id") == schema_id]
    fields: list[dict[str, Any]] = current_schemas[0]["fields"] if current_schemas else []
    current_id = metadata.get("current-snapshot-id")
    snapshots: list[dict[str, Any]] = metadata.get("snapshots") or []
    current = [each for each in snapshots if each.get("snapshot-id") == current_id]
    return TableState(
        columns={each["name"]: _type(each["type"]) for each in fields},
        summary=current[0].get("summary") or {} if current else {},
    )


def _type(kind: str | dict[str, Any]) -> str:
    return kind if isinstance(kind, str) else str(kind.get("type"))
