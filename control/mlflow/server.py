"""The MLflow server behind the proxy."""

import json
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

import httpx2

from control.tokens.service import FIRST_WORKSPACE
from spec.errors import OpenLakeError, Unavailable

_HEADER = "X-MLFLOW-WORKSPACE"
_EXISTS = "RESOURCE_ALREADY_EXISTS"
_BAD_VALUE = ("DataError", "NumericValueOutOfRange", "StringDataRightTruncation", "NUL (0x00)")
"""What PostgreSQL says of a value, not of itself."""

Query = Sequence[tuple[str, str]]


class Refused(Exception):
    """MLflow said no; its own words and status go to the caller."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """See class."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Given:
    """The address at which the object store gives an artifact."""

    url: str
    headers: Mapping[str, str]


def workspace_name(workspace_id: int) -> str:
    """Return MLflow's name of a workspace; the first holds what was there before workspaces."""
    return "default" if workspace_id == FIRST_WORKSPACE else f"w{workspace_id}"


class MlflowServer:
    """One keep-alive client to MLflow; it knows the secret that opens it."""

    def __init__(
        self,
        address: str = "http://127.0.0.1:8789",
        secret: str = "",
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """See class.

        Args:
            address: MLflow's root.
            secret: What `control.stack.mlflow_app` asks for.
            transport: In place of the network, for tests.
        """
        self._address = address
        self._known: set[int] = {FIRST_WORKSPACE}
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(120, connect=3),
            limits=httpx2.Limits(
                max_connections=200, max_keepalive_connections=50, keepalive_expiry=60
            ),
            transport=transport,
            follow_redirects=False,
            trust_env=False,
        )
        self._headers = {"Authorization": f"Bearer {secret}"}

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def call(
        self,
        workspace_id: int,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return MLflow's answer to a call of its REST API.

        Args:
            workspace_id: Whose objects it sees.
            method: HTTP method.
            path: From `/api/` on, encoded.
            query: Of a GET.
            body: Of every other method.

        Raises:
            Refused: MLflow said no.
            Unavailable: it does not answer.
        """
        await self._ensure(workspace_id)
        answer = await self._send(workspace_id, method, path, query, body)
        return _plain(answer)

    async def upload(self, workspace_id: int, path: str, content: AsyncIterable[bytes]) -> None:
        """Store an artifact as its bytes arrive.

        Raises:
            Refused: MLflow said no.
            Unavailable: it does not answer.
        """
        await self._ensure(workspace_id)
        url = f"{self._address}/api/2.0/mlflow-artifacts/artifacts/{quote(path)}"
        headers = self._headers | {_HEADER: workspace_name(workspace_id)}
        try:
            answer = await self._client.put(url, content=content, headers=headers)
        except httpx2.TransportError as error:
            raise _silent(error) from error
        _plain(answer)

    async def delete_artifacts(self, workspace_id: int, path: str) -> None:
        """Delete an artifact or a folder of them.

        Raises:
            Refused: MLflow said no.
            Unavailable: it does not answer.
        """
        url = f"/api/2.0/mlflow-artifacts/artifacts/{quote(path)}"
        await self.call(workspace_id, "DELETE", url)

    async def given(self, workspace_id: int, path: str) -> Given:
        """Return where the object store gives an artifact, for this process alone to read.

        Raises:
            Refused: MLflow said no.
            Unavailable: it does not answer.
        """
        address = f"/api/2.0/mlflow-artifacts/presigned/{quote(path)}"
        answer = await self.call(workspace_id, "GET", address)
        return Given(str(answer["url"]), cast(dict[str, str], answer.get("headers") or {}))

    async def download(self, given: Given, range_header: str | None) -> httpx2.Response:
        """Open an artifact; the caller reads its bytes and closes it.

        Raises:
            Refused: there is no such artifact, or the range lies outside of it.
            Unavailable: the object store does not answer.
        """
        headers = dict(given.headers) | {"Accept-Encoding": "identity"}
        if range_header:
            headers["Range"] = range_header
        request = self._client.build_request("GET", given.url, headers=headers)
        try:
            answer = await self._client.send(request, stream=True)
        except httpx2.TransportError as error:
            raise Unavailable("the object store does not answer; try again") from error
        if answer.status_code < 300:
            return answer
        await answer.aclose()
        if answer.status_code == 404:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", "There is no such artifact.")
        if answer.status_code == 416:
            raise Refused(416, "INVALID_PARAMETER_VALUE", "The artifact has no such range.")
        raise Unavailable(f"the object store answered {answer.status_code}; try again")

    async def _ensure(self, workspace_id: int) -> None:
        if workspace_id in self._known:
            return
        body = {"name": workspace_name(workspace_id)}
        path = "/api/3.0/mlflow/workspaces"
        try:
            _plain(await self._send(FIRST_WORKSPACE, "POST", path, (), body))
        except Refused as error:
            if error.code != _EXISTS:
                raise
        self._known.add(workspace_id)

    async def _send(
        self,
        workspace_id: int,
        method: str,
        path: str,
        query: Query,
        body: Mapping[str, Any] | None,
    ) -> httpx2.Response:
        url = f"{self._address}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = self._headers | {_HEADER: workspace_name(workspace_id)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        try:
            return await self._client.request(method, url, content=content, headers=headers)
        except httpx2.TransportError as error:
            raise _silent(error) from error


def _silent(error: Exception) -> OpenLakeError:
    return Unavailable(f"MLflow does not answer ({type(error).__name__}); try again")


def _plain(answer: httpx2.Response) -> dict[str, Any]:
    try:
        content: Any = answer.json() if answer.content else {}
    except ValueError:
        content = None
    body = cast(dict[str, Any], content) if isinstance(content, dict) else None
    if answer.status_code < 300:
        return body or {}
    if answer.status_code == 401:
        raise Unavailable("MLflow does not know this server's secret; run `openlake up` again")
    if body is None or "error_code" not in body:
        if answer.status_code in (404, 405):
            raise Refused(404, "ENDPOINT_NOT_FOUND", "MLflow has no such call.")
        raise Refused(
            500, "INTERNAL_ERROR", "MLflow failed to answer; read `openlake logs mlflow`."
        )
    raise _refusal(answer.status_code, str(body["error_code"]), str(body.get("message", "")))


def _refusal(status: int, code: str, message: str) -> Refused:
    if any(word in message for word in _BAD_VALUE):
        return Refused(400, "INVALID_PARAMETER_VALUE", "A value is too long, or not in its range.")
    # What the database said is none of the caller's business.
    told = message.partition(" Error: (")[0].partition("(psycopg2.")[0].strip()
    return Refused(status, code, told or "MLflow could not do it; read `openlake logs mlflow`.")
