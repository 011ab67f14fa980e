"""Starts detached runners on this host, through fork servers that stay warm."""

import asyncio
import atexit
import os
import socket
import subprocess
from functools import cache
from pathlib import Path

import structlog

from activities import fork_server, interpreter, processes, runner
from activities.engines.environment import ROOT
from activities.folder import AttemptFolder
from activities.processes import MARKER, Pulse
from spec.errors import EngineUnavailable

_ANSWER_S = 5.0
_LOOK_S = 0.2
"""A server that was stopped from outside is seen to be that, and not waited for."""
_TRIES = 3

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Starter:
    """Keeps one fork server for an interpreter, from its first use on.

    A server that died, or is silent, is replaced, and the folder submitted again: claims are
    exclusive, so it does no harm that the first one may have been heard after all.

    Args:
        python: The interpreter.
    """

    def __init__(self, python: Path) -> None:
        """See class."""
        self._python = python
        self._server: _Server | None = None

    async def start(self, folder: AttemptFolder) -> bool:
        """Have a runner take the folder; False when another one has it already.

        Raises:
            EngineUnavailable: no runner could be started; ask again.
        """
        for _ in range(_TRIES):
            server: _Server | None = None
            try:
                server = self._running()
                answer = await server.ask(folder.path)
                if answer in (runner.CLAIMED, runner.TAKEN):
                    return answer == runner.CLAIMED
                problem = "it ended without an answer"
            except (OSError, TimeoutError) as error:
                problem = str(error) or "it gave no answer"
            _log.warning("fork_server.replaced", key=folder.key, problem=problem)
            if self._server is server:
                self.close()
        raise EngineUnavailable(
            f"The runner of {folder.key} did not start; see {folder.path / 'runner.log'}"
        )

    def close(self) -> None:
        """End the server; what it has started goes on."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _running(self) -> "_Server":
        # A process that was forked from this one must not share the socket with it.
        if self._server is None or self._server.owner != os.getpid():
            self._server = _Server(self._python)
        return self._server


@cache
def starter(python: Path) -> Starter:
    """Return the one starter that this process has for an interpreter."""
    made = Starter(python)
    atexit.register(made.close)
    return made


class _Server:
    def __init__(self, python: Path) -> None:
        self.owner = os.getpid()
        self._channel, theirs = socket.socketpair()
        self._channel.setblocking(False)
        room = " " * interpreter.ROOM
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(str(python), "-S", fork_server.__file__),
                    *(str(theirs.fileno()), str(ROOT), room),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd="/",
                env={
                    "PATH": os.defpath,
                    "HOME": "/",
                    "LANG": "C.UTF-8",
                    "PYTHONUNBUFFERED": "1",
                    MARKER: room,
                },
            )

        self._who = processes.identify(self._process.pid)

    async def ask(self, folder: Path) -> bytes:
        """Return what the folder's runner answers, empty when it died before it could."""
        reader, writer = os.pipe()
        try:
            try:
                socket.send_fds(self._channel, [os.fsencode(folder)], [writer])
            finally:
                os.close(writer)
            async with asyncio.timeout(_ANSWER_S):
                while not await _readable(reader):
                    if processes.pulse(self._who) is Pulse.STOPPED:
                        raise TimeoutError("it was stopped")
            return os.read(reader, 1)
        finally:
            os.close(reader)

    def close(self) -> None:
        self._channel.close()
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()


async def _readable(descriptor: int) -> bool:
    """Wait until there is something to read, for a moment at most."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        async with asyncio.timeout(_LOOK_S):
            return await ready.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
