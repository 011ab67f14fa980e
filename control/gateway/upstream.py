"""The catalog behind the gateway: Nessie's Iceberg REST address, and its commit log.

Nessie lists only a table's current snapshot (0.99), so what became of an older one is looked up
in the branch's commit log, whose entries name the snapshot that each commit left in each table.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx2
from starlette.responses import Response

from control.gateway.errors import iceberg_error
from control.gateway.identity import Identity
from control.gateway.routes import LEVEL_SEPARATOR
from spec.errors import Unavailable

_PAGE = 50


class NotSent(Unavailable):
    """The catalog could not be reached: it never saw the request."""


class AnswerLost(Exception):
    """The request may have been carried out; its answer did not come."""


@dataclass(frozen=True)
class LoggedCommit:
    """What one catalog commit left in one table."""

    commit_hash: str
    committed_at: datetime
    key: tuple[str, ...]
    """Namespace levels and table name."""
    snapshot_id: int


class Catalog:
    """One keep-alive client to Nessie."""

    def __init__(
        self,
        address: str,
        warehouse: str,
        *,
        identity: Identity | None = None,
        connect_timeout_s: float = 3,
        timeout_s: float = 30,
    ) -> None:
        """See class.

        Args:
            address: Nessie's root, without a path.
            warehouse: The warehouse of every call.
            identity: Signs the calls; None for a Nessie that asks for no token.
            connect_timeout_s: Then the catalog counts as away.
            timeout_s: Then an answer counts as lost.
        """
        self._warehouse = warehouse
        self._identity = identity
        self._client = httpx2.AsyncClient(
            base_url=address,
            timeout=httpx2.Timeout(timeout_s, connect=connect_timeout_s),
            limits=httpx2.Limits(
                max_connections=200, max_keepalive_connections=50, keepalive_expiry=60
            ),
            headers={"Accept-Encoding": "identity", "Accept": "application/json"},
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def pass_on(
        self,
        method: str,
        ref: str,
        tail: str,
        *,
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send one Iceberg REST call.

        Args:
            method: HTTP method.
            ref: Branch, or `branch@commit-hash`.
            tail: The encoded path behind the warehouse.
            query: The raw query string.
            body: The whole body.
            headers: Sent as they are.

        Raises:
            NotSent: the catalog did not see the request.
            AnswerLost: nobody knows what became of it.
        """
        path = f"/iceberg/v1/{quote(f'{ref}|{self._warehouse}', safe='')}/{tail}"
        return await self._send(method, f"{path}?{query}" if query else path, body, headers)

    async def config(self) -> dict[str, Any]:
        """Return Nessie's own configuration answer for the warehouse."""
        answer = await self.read(f"/iceberg/v1/config?warehouse={quote(self._warehouse, safe='')}")
        return answer.json()

    async def read(self, url: str) -> httpx2.Response:
        """Read from the catalog for the gateway's own use.

        Raises:
            Unavailable: there was no answer, or not a good one.
        """
        try:
            answer = await self._send("GET", url, b"", None)
        except AnswerLost as error:
            raise Unavailable("the catalog did not answer") from error
        if answer.status_code >= 400 and not _is_missing(answer):
            raise Unavailable(f"the catalog answered {answer.status_code} to {url}")
        return answer

    async def call(self, method: str, url: str, body: bytes = b"") -> httpx2.Response:
        """Speak Nessie's own API.

        Returns:
            Its answer, also when it says no (below 500, 401 and 403 aside).

        Raises:
            Unavailable: nobody knows whether it was done, or the catalog is in trouble; ask again.
        """
        # With the header a conflict names what is in conflict (Nessie API 2, specification 2.1).
        headers = {"Nessie-Client-Spec": "2"}
        headers |= {"Content-Type": "application/json"} if body else {}
        try:
            answer = await self._send(method, url, body, headers)
        except AnswerLost as error:
            raise Unavailable("the catalog did not answer") from error
        if answer.status_code >= 500 or answer.status_code in (401, 403, 429):
            raise Unavailable(f"the catalog answered {answer.status_code} to {method} {url}")
        return answer

    async def load_table(self, ref: str, key: tuple[str, ...]) -> dict[str, Any] | None:
        """Return a table's load answer on a branch (or `branch@hash`); None if there is none."""
        warehouse = quote(f"{ref}|{self._warehouse}", safe="")
        answer = await self.read(f"/iceberg/v1/{warehouse}/{table_tail(key)}")
        return None if answer.status_code >= 400 else answer.json()

    async def log(
        self,
        branch: str,
        since: datetime | None = None,
        *,
        key: tuple[str, ...] | None = None,
        at: str | None = None,
    ) -> AsyncGenerator[LoggedCommit]:
        """Go through the table commits of a branch, newest first, back to `since`.

        Args:
            branch: Whose log.
            since: Nothing before this instant.
            key: Only what became of this table.
            at: Begin with this commit instead of the newest one.
        """
        ref = branch if at is None else f"{branch}@{at}"
        query = f"fetch=ALL&max-records={_PAGE}"
        if key is not None:
            # Nessie itself passes over other tables' commits; its rules are in CEL.
            name = ".".join(key).replace("\\", "\\\\").replace("'", "\\'")
            rule = f"operations.exists(op,op.key=='{name}')"
            query += f"&filter={quote(rule, safe='')}"
        token = ""
        while True:
            page = await self.read(
                f"/api/v2/trees/{quote(ref, safe='')}/history?{query}"
                + (f"&page-token={quote(token, safe='')}" if token else "")
            )
            content = page.json()
            for entry in content.get("logEntries", []):
                committed_at = datetime.fromisoformat(entry["commitMeta"]["commitTime"])
                if since is not None and committed_at < since:
                    return
                for commit in _tables_of(entry, committed_at):
                    if key is None or commit.key == key:
                        yield commit
            token = content.get("token") or ""
            if not content.get("hasMore"):
                return

    async def find_snapshot(self, branch: str, snapshot_id: int, since: datetime) -> bool:
        """Tell whether a commit after `since` left this snapshot in a table of the branch."""
        async for commit in self.log(branch, since):
            if commit.snapshot_id == snapshot_id:
                return True
        return False

    async def _send(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str] | None
    ) -> httpx2.Response:
        signed = {**(headers or {}), **(self._identity.headers() if self._identity else {})}
        try:
            return await self._client.request(method, url, content=body, headers=signed)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise NotSent("the catalog cannot be reached; it may be starting") from error
        except httpx2.TransportError as error:
            raise AnswerLost(str(error) or type(error).__name__) from error


def _is_missing(answer: httpx2.Response) -> bool:
    """Tell an answer that something, or the branch it would be on, is not there."""
    no_branch = answer.status_code == 400 and b"NoSuchReference" in answer.content
    return no_branch or answer.status_code == 404


def table_tail(key: tuple[str, ...]) -> str:
    """Spell the path of a table behind the warehouse."""
    namespace = quote(LEVEL_SEPARATOR.join(key[:-1]), safe="")
    return f"namespaces/{namespace}/tables/{quote(key[-1], safe='')}"


def _tables_of(entry: dict[str, Any], at: datetime) -> list[LoggedCommit]:
    operations: list[dict[str, Any]] = entry.get("operations") or []
    return [
        LoggedCommit(
            commit_hash=entry["commitMeta"]["hash"],
            committed_at=at,
            key=tuple(operation["key"]["elements"]),
            snapshot_id=operation["content"]["snapshotId"],
        )
        for operation in operations
        if operation["type"] == "PUT" and operation["content"]["type"] == "ICEBERG_TABLE"
    ]


def relay(answer: httpx2.Response) -> Response:
    """Turn the catalog's answer into ours: no header but the content type, no error but Iceberg's.

    Access settings and credentials that the catalog offers with a table are left out: clients use
    their own.
    """
    status = answer.status_code
    if status >= 400:
        return _relay_error(answer)
    if not answer.content:
        return Response(status_code=status)
    if b'"config"' in answer.content or b'"storage-credentials"' in answer.content:
        return table_answer(answer.json(), status)
    return Response(answer.content, status_code=status, media_type="application/json")


def table_answer(content: dict[str, Any], status: int = 200) -> Response:
    """Answer a table without the catalog's access settings."""
    kept = {name: content[name] for name in content if name not in _WITHHELD}
    body = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    return Response(body, status_code=status, media_type="application/json")


_WITHHELD = frozenset({"config", "storage-credentials"})


_USUAL_TYPES = {
    400: "BadRequestException",
    404: "NotFoundException",
    406: "UnsupportedOperationException",
    409: "CommitFailedException",
    503: "ServiceUnavailableException",
}


def error_of(answer: httpx2.Response) -> tuple[str, str]:
    """Return (type, message) of an error answer of the catalog, which leaves some types empty."""
    usual = _USUAL_TYPES.get(answer.status_code, "ServerErrorException")
    try:
        error = answer.json()["error"]
        return str(error["type"] or usual), str(error["message"])
    except (ValueError, KeyError, TypeError):
        return usual, f"the catalog answered {answer.status_code}"


def _relay_error(answer: httpx2.Response) -> Response:
    name, message = error_of(answer)
    status = answer.status_code
    if status in (401, 403):
        # The catalog refused the gateway itself; the client's token is not at fault.
        return iceberg_error(503, "ServiceUnavailableException", "the catalog refuses the gateway")
    if answer.request.method == "HEAD":
        return Response(status_code=status)
    return iceberg_error(status, name, message)
