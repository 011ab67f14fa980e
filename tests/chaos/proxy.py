"""A TCP proxy between two parts, whose connections a test can slow down, cut or half close."""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")

_CHUNK_BYTES = 64 * 1024
_FAULTY_SHARE = 0.2
_VERBS = frozenset({b"GET", b"PUT", b"POST", b"HEAD", b"DELETE"})
_REFUSED = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER of a socket whose close is a reset."""


class Mode(StrEnum):
    """What a link does to its connections."""

    PASS = "pass"
    SLOW = "slow"
    """Every chunk waits on its way, in both directions."""
    CUT = "cut"
    """Connections are reset, and new ones too."""
    HALF = "half"
    """What the client says arrives, what the server answers is lost."""
    FAULTY = "faulty"
    """Of HTTP: some requests are answered with 503, and some answers end in the middle."""


@dataclass
class Link:
    """One proxied address. Used from one thread; its connections live in `Proxies`' own.

    Args:
        name: E.g. `postgres`.
        target: The port behind it, on loopback.
    """

    name: str
    target: int
    port: int = 0
    mode: Mode = Mode.PASS
    delay_s: float = 0.2
    dice: random.Random = field(default_factory=lambda: random.Random(0), repr=False)
    hits: int = 0
    """Connections reset, chunks delayed, lost or refused, since `set` was last called."""
    _open: set["_Connection"] = field(default_factory=set["_Connection"], repr=False)

    def apply(self, mode: Mode) -> None:
        """Change the mode; what is open is reset when it is cut, and when it has lost bytes."""
        self.mode = mode
        for each in list(self._open):
            if mode is Mode.CUT or each.has_lost:
                self.hits += mode is Mode.CUT
                each.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        if self.mode is Mode.CUT:
            self.hits += 1
            _reset(writer)
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        connection = _Connection(self, writer, there[1])
        self._open.add(connection)
        try:
            await asyncio.gather(
                connection.carry(reader, there[1], is_answer=False),
                connection.carry(there[0], writer, is_answer=True),
            )
        except OSError:
            connection.abort()
        finally:
            self._open.discard(connection)
            for each in (writer, there[1]):
                each.close()


@dataclass(eq=False)
class _Connection:
    link: Link
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    has_lost: bool = False

    async def carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        while chunk := await source.read(_CHUNK_BYTES):
            if self.link.mode is Mode.SLOW:
                self.link.hits += 1
                await asyncio.sleep(self.link.delay_s)
            if self.link.mode is Mode.FAULTY and self._is_drawn():
                if is_answer:
                    self.link.hits += 1
                    sink.write(chunk[: len(chunk) // 2])
                    return self._end()
                if chunk.split(b" ", 1)[0] in _VERBS:
                    self.link.hits += 1
                    self.client.write(_REFUSED)
                    return self._end()
            if is_answer and (self.has_lost or self.link.mode is Mode.HALF):
                # Never whole again: bytes after a gap would be nonsense.
                self.has_lost = True
                self.link.hits += 1
                continue
            sink.write(chunk)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()

    def _is_drawn(self) -> bool:
        """Tell whether this chunk is to be hurt; the first one always is, on a quiet link too."""
        return self.link.hits == 0 or self.link.dice.random() < _FAULTY_SHARE

    def _end(self) -> None:
        """Close both ends, once the client has what was written to it."""
        for each in (self.client, self.server):
            each.close()

    def abort(self) -> None:
        for each in (self.client, self.server):
            _reset(each)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, as a broken network does, not politely."""
    if not writer.transport.is_closing():
        raw = writer.get_extra_info("socket")
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    writer.transport.abort()


class Proxies:
    """All links, served by one thread until `close`."""

    def __init__(self, targets: dict[str, int]) -> None:
        """Serve a free port of loopback for each name and port behind it."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        self.links = {name: Link(name, port) for name, port in targets.items()}
        for link in self.links.values():
            link.port = self._call(self._listen(link)).result(10)

    def set(self, name: str, mode: Mode) -> None:
        """Change what a link does; its hits count from now on."""
        link = self.links[name]

        async def change() -> None:
            if mode is not Mode.PASS:
                link.hits = 0
            link.apply(mode)

        self._call(change()).result(10)

    def pass_all(self) -> None:
        """Let every link carry everything again."""
        for name in self.links:
            self.set(name, Mode.PASS)

    def close(self) -> None:
        """Reset every connection and stop listening."""
        for name in self.links:
            self.set(name, Mode.CUT)
        self._call(self._end()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _listen(self, link: Link) -> int:
        server = await asyncio.start_server(link.serve, "127.0.0.1", 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
