"""How often and how much one client may ask: a bucket of requests for each token, bounded bodies.

Both are kept by each process of the API for itself, before a request is looked at any further.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control.errors import render
from control.tokens.service import digest

_MIB = 1024 * 1024
_BUCKETS = 10_000
_FREE = ("/health", "/metrics", "/internal/", "/.well-known/")
"""What the stack itself asks, and what a client asks before it has a token."""
_STREAMS = (
    "/internal/",
    "/api/openlake/1.0/uploads",
    "/api/2.0/fs/",
    "/api/2.0/dbfs/put",
    "/api/openlake/1.0/file-transfers/",
    "/api/2.0/mlflow-artifacts/",
)
"""Paths that take bodies as they come, without holding them; each has a limit of its own."""
_DISCARDED_BYTES = 256 * _MIB
"""So much of a body that is too large is still read: a client that is cut off while it sends
would not see the answer, and try again."""


@dataclass(frozen=True)
class Limits:
    """What one client may ask for; see `control.config.Api`."""

    requests_per_s: float = 200.0
    burst_requests: int = 2_000
    body_bytes: int = 32 * _MIB


class Buckets:
    """A token bucket for each key: `burst` requests at once, then `rate` in a second."""

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """See class."""
        self._rate, self._burst, self._clock = rate, burst, clock
        self._held: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> float:
        """Take one request out of a bucket.

        Returns:
            How many are left; below zero, nothing was taken.
        """
        now = self._clock()
        held, since = self._held.get(key, (float(self._burst), now))
        held = min(float(self._burst), held + (now - since) * self._rate) - 1
        if held < 0:
            return held
        if len(self._held) >= _BUCKETS and key not in self._held:
            self._drop_full(now)
        self._held[key] = (held, now)
        return held

    def put_back(self, key: str) -> None:
        """Give a request back that is not to count."""
        if key in self._held:
            held, since = self._held[key]
            self._held[key] = (held + 1, since)

    def _drop_full(self, now: float) -> None:
        """Forget the buckets that are full again; when none is, all of them."""
        rate, burst = self._rate, self._burst
        kept = {key: at for key, at in self._held.items() if at[0] + (now - at[1]) * rate < burst}
        self._held = kept if len(kept) < _BUCKETS else {}


class RequestLimits:
    """Answers 429 where a client asks too often, 413 where a body is too large."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        """See class."""
        self.app = app
        self._limits = limits
        self._buckets = Buckets(limits.requests_per_s, limits.burst_requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See class."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if not path.startswith(_FREE):
            left = self._buckets.take(_client_of(scope))
            send = self._counted(send, left)
            if left < 0:
                await self._too_often(left)(scope, receive, send)
                return
        if path.startswith(_STREAMS):
            await self.app(scope, receive, send)
        else:
            await _Body(self._limits.body_bytes, receive, send).answer(self.app, scope)

    def _too_often(self, left: float) -> JSONResponse:
        rate = self._limits.requests_per_s
        answer = render(
            429,
            "REQUEST_LIMIT_EXCEEDED",
            f"This token has made more than {rate:g} requests a second"
            f" (after {self._limits.burst_requests} at once); wait, then ask again.",
        )
        answer.headers["Retry-After"] = str(max(1, math.ceil(-left / rate)))
        return answer

    def _counted(self, send: Send, left: float) -> Send:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-RateLimit-Limit"] = str(self._limits.burst_requests)
                headers["X-RateLimit-Remaining"] = str(max(0, math.floor(left)))
            await send(message)

        return counted


def _client_of(scope: Scope) -> str:
    """Name who asks: the token, hashed, or the address of one that has none."""
    authorization = Headers(scope=scope).get("authorization")
    if authorization:
        return digest(authorization)
    return str((scope.get("client") or ("",))[0])


class _Body:
    """One request's body, counted while it comes: its length need not be announced."""

    def __init__(self, limit: int, receive: Receive, send: Send) -> None:
        self._limit, self._receive, self._send = limit, receive, send
        self._read = 0
        self._is_done = False
        self._has_answer = False

    @property
    def _is_over(self) -> bool:
        return self._read > self._limit and not self._has_answer

    async def answer(self, app: ASGIApp, scope: Scope) -> None:
        """Let the app answer, unless the body turns out to be too large."""
        length = Headers(scope=scope).get("content-length", "")
        if length.isdigit() and int(length) > self._limit:
            self._read = self._limit + 1
        else:
            try:
                await app(scope, self._counted, self._guarded)
            except _Over:
                pass
        if self._is_over:
            await self._discard()
            await self._refusal()(scope, self._receive, self._send)

    async def _counted(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._is_done = not message.get("more_body", False)
            if self._is_over:
                raise _Over
        return message

    async def _guarded(self, message: Message) -> None:
        # What the app makes of the exception is no answer.
        if self._is_over:
            return
        self._has_answer = True
        await self._send(message)

    async def _discard(self) -> None:
        while not self._is_done and self._read < self._limit + _DISCARDED_BYTES:
            message = await self._receive()
            if message["type"] != "http.request":
                return
            self._read += len(message.get("body", b""))
            self._is_done = not message.get("more_body", False)

    def _refusal(self) -> JSONResponse:
        answer = render(
            413,
            "INVALID_PARAMETER_VALUE",
            f"The body of this request is larger than the {self._limit / _MIB:g} MiB that the"
            " server takes here.",
        )
        answer.headers["Connection"] = "close"
        return answer


class _Over(Exception):
    """The body is larger than its limit."""
