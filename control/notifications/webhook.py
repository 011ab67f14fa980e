"""Sends one signed webhook: to a checked address, without redirects, within a time limit."""

import asyncio
import hashlib
import hmac
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx2

from control.notifications.guard import AddressGuard, AddressRefused

TIMEOUT_S = 10.0
"""For everything together: resolving, connecting, sending, reading the answer."""
MOST_READ_BYTES = 4096
_SHOWN = 300
_PORTS = {"http": 80, "https": 443}

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True)
class Outcome:
    """What became of one try."""

    ok: bool
    status: int | None = None
    error: str = ""
    final: bool = False
    """It failed in a way that trying again does not mend."""
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Hook:
    """One request to be made."""

    url: str
    body: bytes
    headers: dict[str, str]
    username: str | None = None
    password: str | None = None


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of the signature header: HMAC-SHA256 over `<timestamp>.<body>`."""
    text = f"{timestamp}.".encode() + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}"


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, in the order in which they should be tried."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class WebhookSender:
    """Posts webhooks."""

    def __init__(
        self,
        guard: AddressGuard,
        resolver: Resolver = resolve,
        timeout_s: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """See class."""
        self._guard = guard
        self._resolve = resolver
        self._timeout_s = timeout_s
        self._tls = tls or httpx2.create_ssl_context(trust_env=True)

    async def post(self, hook: Hook) -> Outcome:
        """Make the request; every failure is an outcome."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(hook)
        except AddressRefused as error:
            return Outcome(False, error=str(error), final=True)
        except TimeoutError:
            return Outcome(False, error=f"no answer within {self._timeout_s:g} seconds")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
            return Outcome(False, error=f"{type(error).__name__}: {error}"[:_SHOWN])

    async def _post(self, hook: Hook) -> Outcome:
        url = httpx2.URL(hook.url)
        host, port = url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
        addresses = await self._resolve(host, port)
        # One bad address spoils the name: who answers with a private address is not to be trusted
        # with the others.
        for address in addresses:
            self._guard.require(address, host)
        problem: Exception = OSError(f"'{host}' has no address")
        for address in addresses:
            try:
                return await self._post_to(hook, url, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                problem = error
        raise problem

    async def _post_to(self, hook: Hook, url: httpx2.URL, address: str) -> Outcome:
        # The connection goes to the very address that was checked. The name stays in the Host
        # header, in TLS' server name and in what the certificate is compared with.
        host = url.raw_host.decode("ascii")
        auth = (hook.username or "", hook.password or "") if hook.username is not None else None
        headers = {"Host": url.netloc.decode("ascii"), **hook.headers}
        async with (
            # A client for each request: pooled connections are found by address, not by name.
            httpx2.AsyncClient(
                verify=self._tls, trust_env=False, follow_redirects=False, timeout=None
            ) as client,
            client.stream(
                "POST",
                url.copy_with(host=address),
                content=hook.body,
                headers=headers,
                auth=auth,
                extensions={"sni_hostname": host},
            ) as answer,
        ):
            return _judge(answer, await _beginning(answer))


async def _beginning(answer: httpx2.Response) -> bytes:
    """Read no more of an answer than is worth showing; it may never end."""
    read = b""
    async for piece in answer.aiter_raw(MOST_READ_BYTES):
        read += piece
        if len(read) >= MOST_READ_BYTES:
            break
    return read[:MOST_READ_BYTES]


def _judge(answer: httpx2.Response, body: bytes) -> Outcome:
    status = answer.status_code
    if answer.is_success:
        return Outcome(True, status)
    if 300 <= status < 400:
        message = f"HTTP {status}: redirects are not followed; give the final address"
        return Outcome(False, status, message, final=True)
    said = body.decode("utf-8", "replace").strip()[:_SHOWN]
    error = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    after = answer.headers.get("retry-after", "")
    return Outcome(
        ok=False,
        status=status,
        error=error,
        # 410 Gone is how a receiver says that it wants no more.
        final=status == 410,
        retry_after_s=float(after) if after.isascii() and after.isdigit() else None,
    )
