"""What happens around every request: its id, its metric, its workspace, Airflow's GET bodies."""

import json
import time
import uuid
from typing import Any, cast
from urllib.parse import urlencode

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control import errors
from control.console import headers
from control.console.cookies import WORKSPACE_QUERY
from control.metrics import Metrics

_MAX_QUERY_BODY_BYTES = 64 * 1024
_CLIENT_GONE = 499
_WORKSPACE = f"{WORKSPACE_QUERY}=".encode()


class RequestContext:
    """Gives each request an id, counts it, and turns unforeseen failures into a 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """See class."""
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See class."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = Headers(scope=scope).get("x-request-id", "")[:64] or uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status, began = 0, time.perf_counter()

        async def annotate(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answered = MutableHeaders(scope=message)
                answered["X-Request-Id"] = request_id
                headers.complete(scope["path"], answered)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, annotate)
            except ClientDisconnect:
                # Nobody is there to be answered; the worker asks again.
                status = status or _CLIENT_GONE
            except Exception as error:
                if status:
                    raise
                answer = errors.internal(Request(scope), error)
                await answer(scope, receive, annotate)
        route = getattr(scope.get("route"), "path", "unmatched")
        took = time.perf_counter() - began
        self.metrics.http.labels(scope["method"], route, str(status)).observe(took)


class QueryInBody:
    """Merges a GET's JSON body into its query: Airflow's deferrable hook sends parameters so."""

    def __init__(self, app: ASGIApp) -> None:
        """See class."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See class."""
        if scope["type"] == "http" and scope["method"] == "GET":
            length = Headers(scope=scope).get("content-length", "0")
            if length.isdigit() and 0 < int(length) <= _MAX_QUERY_BODY_BYTES:
                body = await Request(scope, receive).body()
                scope = {**scope, "query_string": _merged(scope["query_string"], body)}
        await self.app(scope, receive, send)


class ChosenWorkspace:
    """Takes `o=<workspace_id>`, with which links to the console end, out of every query.

    No operation need know it; `control.console.cookies` reads what is kept of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        """See class."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See class."""
        if scope["type"] == "http" and _WORKSPACE in scope["query_string"]:
            parts: list[bytes] = scope["query_string"].split(b"&")
            named = [part for part in parts if part.startswith(_WORKSPACE)]
            if named:
                kept = b"&".join(part for part in parts if part not in named)
                number = named[-1].removeprefix(_WORKSPACE).decode("latin-1")
                scope["query_string"] = kept
                scope.setdefault("state", {})["chosen_workspace"] = number
        await self.app(scope, receive, send)


def _merged(query: bytes, body: bytes) -> bytes:
    try:
        fields = json.loads(body)
    except ValueError:
        return query
    if not isinstance(fields, dict):
        return query
    given = cast(dict[str, Any], fields)
    pairs = {name: value for name, value in given.items() if value is not None}
    return b"&".join(part for part in (query, urlencode(pairs, doseq=True).encode()) if part)
