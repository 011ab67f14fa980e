"""Catalogs that speak the Iceberg REST protocol, and what all of them have in common.

Paths and answers are those of Iceberg's REST catalog specification (`rest-catalog-open-api.yaml`).
"""

import asyncio
import time
from abc import ABC, abstractmethod
from typing import Any, cast
from urllib.parse import quote

import httpx2

from control.config import CatalogConnection
from control.gateway.routes import LEVEL_SEPARATOR
from control.lakehouse.base import (
    Entry,
    Json,
    Key,
    Kind,
    Loaded,
    Past,
    page_of_snapshots,
    unreachable,
)
from spec.errors import NotFound, Unavailable

_MISSING = frozenset({400, 404})
"""Some servers answer 400 to a table's name where a view is asked for, and the other way round."""
_NO_VIEWS = frozenset({400, 404, 405, 406, 501})
_REFRESH_S = 60
"""A token is renewed so long before it expires."""


class RestCatalog(ABC):
    """What every Iceberg REST catalog does alike; see `TableCatalog`."""

    type = "rest"
    has_branches = False

    def __init__(self, name: str) -> None:
        """See class."""
        self.name = name

    @abstractmethod
    async def ask(self, tail: str, branch: str | None) -> httpx2.Response:
        """Answer `GET` of a path behind the prefix.

        Raises:
            Unavailable: the catalog does not answer.
        """

    @abstractmethod
    def files(self, answer: Json) -> dict[str, str]:
        """Return the `FileIO` properties for a table that was loaded with this answer."""

    async def namespaces(self, branch: str | None = None) -> list[Key]:
        """See `TableCatalog`; only those of the first level, for the protocol lists no others."""
        found = await self._pages("namespaces", "namespaces", branch)
        return sorted(tuple(each) for each in found or [])

    async def namespace(self, namespace: Key, branch: str | None = None) -> dict[str, str] | None:
        """See `TableCatalog`."""
        answer = await self._answer(namespace_tail(namespace), branch)
        return None if answer is None else dict(answer.get("properties") or {})

    async def entries(self, namespace: Key, branch: str | None = None) -> list[Entry]:
        """See `TableCatalog`."""
        tail = namespace_tail(namespace)
        tables, views = await asyncio.gather(
            self._pages(f"{tail}/tables", "identifiers", branch),
            self._pages(f"{tail}/views", "identifiers", branch, missing=_NO_VIEWS),
        )
        if tables is None or (not tables and await self.namespace(namespace, branch) is None):
            raise NotFound(f"Schema '{'.'.join((self.name, *namespace))}' does not exist.")
        return sorted(
            [Entry(_key(each), Kind.TABLE) for each in tables]
            + [Entry(_key(each), Kind.VIEW) for each in views or []]
        )

    async def load(self, key: Key, branch: str | None = None) -> Loaded | None:
        """See `TableCatalog`."""
        parent, name = namespace_tail(key[:-1]), quote(key[-1], safe="")
        for kind, plural in ((Kind.TABLE, "tables"), (Kind.VIEW, "views")):
            answer = await self._answer(f"{parent}/{plural}/{name}", branch, missing=_NO_VIEWS)
            if answer is not None:
                metadata = cast(Json, answer["metadata"])
                return Loaded(kind, metadata, answer.get("metadata-location"), self.files(answer))
        return None

    async def past(
        self, key: Key, loaded: Loaded, branch: str | None, resume: str | None, limit: int
    ) -> Past:
        """See `TableCatalog`."""
        return page_of_snapshots(loaded, resume, limit)

    async def _pages(
        self, tail: str, field: str, branch: str | None, missing: frozenset[int] = _MISSING
    ) -> list[Any] | None:
        found: list[Any] = []
        token: str | None = None
        while True:
            where = tail if token is None else f"{tail}?pageToken={quote(token, safe='')}"
            answer = await self._answer(where, branch, missing)
            if answer is None:
                return None
            found += answer.get(field) or []
            token = answer.get("next-page-token")
            if not token:
                return found

    async def _answer(
        self, tail: str, branch: str | None, missing: frozenset[int] = _MISSING
    ) -> Json | None:
        answer = await self.ask(tail, branch)
        if answer.status_code in missing:
            return None
        if answer.status_code >= 400:
            raise refused(self.name, answer)
        return object_of(self.name, answer)


class IcebergRest(RestCatalog):
    """Any Iceberg REST server (Polaris, Lakekeeper, …) that the settings name."""

    def __init__(
        self, name: str, connection: CatalogConnection, files: dict[str, str], timeout_s: float = 10
    ) -> None:
        """See class.

        Args:
            name: As people see it.
            connection: Where it is and what it wants to be shown.
            files: `FileIO` properties; what the server vends with a table is added when the
                connection has no storage of its own.
            timeout_s: Of one call.
        """
        super().__init__(name)
        self._connection = connection
        self._files = files
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(timeout_s, connect=3), follow_redirects=False
        )
        self._lock = asyncio.Lock()
        self._base: str | None = None
        self._token: tuple[str, float] | None = None

    async def close(self) -> None:
        """See `TableCatalog`."""
        await self._client.aclose()

    async def ask(self, tail: str, branch: str | None) -> httpx2.Response:
        """See base class."""
        if self._base is None:
            await self._configure()
        answer = await self._get(f"{self._base}/{tail}")
        if answer.status_code == 401 and self._connection.credential is not None:
            # The server may have forgotten a token before its time.
            self._token = None
            answer = await self._get(f"{self._base}/{tail}")
        return answer

    def files(self, answer: Json) -> dict[str, str]:
        """See base class."""
        if self._connection.storage is not None:
            return self._files
        vended = dict(cast(dict[str, str], answer.get("config") or {}))
        for each in cast(list[Json], answer.get("storage-credentials") or [])[:1]:
            vended |= cast(dict[str, str], each.get("config") or {})
        return {**self._files, **{k: v for k, v in vended.items() if k.startswith("s3.")}}

    async def _configure(self) -> None:
        warehouse = self._connection.warehouse
        root = self._connection.uri.rstrip("/")
        query = f"?warehouse={quote(warehouse, safe='')}" if warehouse else ""
        answer = await self._get(f"{root}/v1/config{query}")
        if answer.status_code >= 400:
            raise refused(self.name, answer)
        said = object_of(self.name, answer)
        settings: dict[str, str] = {**(said.get("defaults") or {}), **(said.get("overrides") or {})}
        root = str(settings.get("uri") or root).rstrip("/")
        prefix = settings.get("prefix")
        self._base = f"{root}/v1/{prefix}" if prefix else f"{root}/v1"

    async def _get(self, url: str) -> httpx2.Response:
        headers = {"Accept": "application/json", **await self._authorization()}
        if self._connection.storage is None:
            headers["X-Iceberg-Access-Delegation"] = "vended-credentials"
        try:
            return await self._client.get(url, headers=headers)
        except httpx2.HTTPError as error:
            raise unreachable(self.name, str(error) or type(error).__name__) from error

    async def _authorization(self) -> dict[str, str]:
        if self._connection.token is not None:
            return {"Authorization": f"Bearer {self._connection.token.get_secret_value()}"}
        if self._connection.credential is None:
            return {}
        async with self._lock:
            if self._token is None or self._token[1] <= time.monotonic():
                self._token = await self._log_in(self._connection.credential.get_secret_value())
            return {"Authorization": f"Bearer {self._token[0]}"}

    async def _log_in(self, credential: str) -> tuple[str, float]:
        """Get a token by OAuth 2 client credentials; returns it and when to get the next one."""
        # As Iceberg's clients have it: without a colon it is a secret alone.
        client_id, colon, secret = credential.partition(":")
        if not colon:
            client_id, secret = "", credential
        form = {"grant_type": "client_credentials", "client_secret": secret}
        form |= {"scope": self._connection.scope} | ({"client_id": client_id} if client_id else {})
        url = self._connection.oauth2_server_uri
        url = url or f"{self._connection.uri.rstrip('/')}/v1/oauth/tokens"
        try:
            answer = await self._client.post(url, data=form)
        except httpx2.HTTPError as error:
            raise unreachable(self.name, f"its token server {url} does not answer") from error
        if answer.status_code >= 400:
            raise refused(self.name, answer)
        said = object_of(self.name, answer)
        life_s = max(float(said.get("expires_in") or 3600) - _REFRESH_S, 1)
        return str(said["access_token"]), time.monotonic() + life_s


def namespace_tail(namespace: Key) -> str:
    """Spell the path of a namespace behind the prefix."""
    return f"namespaces/{quote(LEVEL_SEPARATOR.join(namespace), safe='')}"


def refused(name: str, answer: httpx2.Response) -> Unavailable:
    """Return the error of a catalog that answered, but not what was asked."""
    hint = "; check the credentials in OPENLAKE_CATALOGS" if answer.status_code in _DENIED else ""
    return unreachable(name, f"it answered {answer.status_code}{hint}")


_DENIED = frozenset({401, 403})


def object_of(name: str, answer: httpx2.Response) -> Json:
    """Return the JSON object of an answer.

    Raises:
        Unavailable: it is none; whatever answers there, it is no Iceberg REST catalog.
    """
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise unreachable(name, f"what answers at {answer.request.url} is no Iceberg REST catalog")
    return cast(Json, content)


def _key(identifier: Json) -> Key:
    return (*identifier["namespace"], identifier["name"])
