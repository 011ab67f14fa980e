"""Trino's client protocol, one page at a time, so that any worker can go on with a query.

See Trino's documentation "Client REST API". The library `trino` hides the pages' addresses, which
are what a second worker needs.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import httpx2

from spec.errors import EngineRejected, EngineUnavailable

USER = "openlake"
_BUSY = frozenset({429, 502, 503, 504})
_PATIENCE_S = (0.1, 0.3, 1.0, 3.0)
_ENDED = ("FINISHED", "FAILED")


class QueryGone(Exception):
    """The address of a page is not known any more: Trino restarted, or others have read on."""


@dataclass(frozen=True)
class Page:
    """One answer of a query."""

    query_id: str
    next_uri: str | None
    """None when the query has ended."""
    columns: list[tuple[str, str]]
    """Name and type; empty until they are known."""
    rows: list[list[Any]]
    update_count: int | None = None
    error: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Query:
    """A query that Trino remembers."""

    query_id: str
    state: str

    @property
    def has_ended(self) -> bool:
        """Nothing of it runs any more."""
        return self.state in _ENDED


class TrinoClient:
    """Speaks to one coordinator.

    Every method raises `EngineUnavailable` when it does not answer.

    Args:
        http: A client to send with.
        url: Of the coordinator.
    """

    def __init__(self, http: httpx2.AsyncClient, url: str) -> None:
        """See class."""
        self._http = http
        self._url = url.rstrip("/")

    async def submit(
        self,
        text: str,
        source: str,
        catalog: str,
        token: str,
        schema: str = "default",
        user: str = USER,
        session: Mapping[str, str] = MappingProxyType({}),
    ) -> Page:
        """Start a query.

        Args:
            text: One statement.
            source: Names the attempt; Trino keeps catalog sessions by user and source.
            catalog: Of names that give none.
            token: For the catalog, as extra credential.
            schema: Of names that give none.
            user: In whose name it runs.
            session: Trino's session properties.
        """
        headers = {
            "X-Trino-User": quote(user, safe="@"),
            "X-Trino-Source": source,
            "X-Trino-Catalog": quote(catalog),
            "X-Trino-Schema": quote(schema),
            **({"X-Trino-Session": _properties(session)} if session else {}),
            "X-Trino-Time-Zone": "UTC",
            "X-Trino-Extra-Credential": f"token={quote(token, safe='')}",
        }
        return _page(await self._send("POST", f"{self._url}/v1/statement", headers, text))

    async def read(self, uri: str) -> Page:
        """Wait a second at most for the page at this address.

        Raises:
            QueryGone: it is not there any more.
        """
        for delay_s in _PATIENCE_S:
            try:
                return _page(await self._send("GET", uri, {"X-Trino-User": USER}))
            except EngineUnavailable:
                # Reading the same page again is harmless.
                await asyncio.sleep(delay_s)
        return _page(await self._send("GET", uri, {"X-Trino-User": USER}))

    async def close(self, uri: str) -> None:
        """Cancel the query whose next page this is, if it is still known."""
        try:
            await self._send("DELETE", uri, {"X-Trino-User": USER})
        except QueryGone:
            return

    async def kill(self, query_id: str) -> None:
        """Stop a query by its id, if it is still known."""
        await self.close(f"{self._url}/v1/query/{query_id}")

    async def find(self, source: str, label: str = "") -> list[Query]:
        """Return the queries of a source whose text contains the label, newest first."""
        text = (
            "SELECT query_id, state FROM system.runtime.queries "  # noqa: S608
            f"WHERE source = {literal(source)} AND strpos(query, {literal(label)}) > 0 "
            "ORDER BY created DESC"
        )
        page = await self.submit(text, "openlake-lookup", "system", "none")
        rows = list(page.rows)
        while page.next_uri is not None:
            page = await self.read(page.next_uri)
            rows += page.rows
        if page.error is not None:
            raise EngineUnavailable(f"Trino cannot list its queries: {page.error.get('message')}")
        return [Query(str(row[0]), str(row[1])) for row in rows]

    async def _send(
        self, method: str, url: str, headers: dict[str, str], content: str | None = None
    ) -> httpx2.Response:
        try:
            answer = await self._http.request(method, url, headers=headers, content=content)
        except httpx2.TransportError as error:
            raise EngineUnavailable(f"Trino at {self._url} does not answer: {error!r}") from error
        if answer.status_code in (404, 410):
            raise QueryGone(url)
        if answer.status_code in _BUSY:
            raise EngineUnavailable(f"Trino at {self._url} is busy ({answer.status_code})")
        if answer.status_code >= 400:
            raise EngineRejected(
                f"Trino refused the call: {answer.status_code} {answer.text[:200]}"
            )
        return answer


async def kill_all(trino: TrinoClient, key: str) -> None:
    """Stop every query of the attempt; returns when none runs."""
    quiet = 0
    while quiet < 2:
        running = [query for query in await trino.find(key) if not query.has_ended]
        for query in running:
            await trino.kill(query.query_id)
        # Looked at twice: one that was just being submitted shows up late.
        quiet = 0 if running else quiet + 1
        await asyncio.sleep(0.2)


def _properties(session: Mapping[str, str]) -> str:
    return ",".join(f"{name}={quote(value, safe='')}" for name, value in session.items())


def literal(text: str) -> str:
    """Spell text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _page(answer: httpx2.Response) -> Page:
    content: dict[str, Any] = answer.json() if answer.content else {}
    columns: list[dict[str, str]] = content.get("columns") or []
    return Page(
        query_id=content.get("id", ""),
        next_uri=content.get("nextUri"),
        columns=[(column["name"], column["type"]) for column in columns],
        rows=content.get("data") or [],
        update_count=content.get("updateCount"),
        error=content.get("error"),
    )
