"""Hands messages to the program that runs Apprise, and starts it when it is needed.

Apprise is imported there alone. One program serves many messages: it starts with the first and is
left to end after a quiet minute.
"""

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from control.notifications.guard import Network
from control.notifications.webhook import Outcome

TIMEOUT_S = 45.0
IDLE_S = 60.0
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Service:
    """How Apprise reaches somebody: an Apprise URL, or the parts of one."""

    target: str | dict[str, Any] = field(repr=False)
    schemas: tuple[str, ...] = ()
    """What the URL has to be; anything when empty."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Never to appear in an error."""
    trusted: bool = False
    """It goes to a server that the settings name, not to one that a person wrote into a job."""


@dataclass(frozen=True)
class Message:
    """What a person is to read."""

    title: str
    body: str
    type: str
    """`info`, `success`, `warning` or `failure`."""


class _Program:
    """One running program and the answers that are awaited of it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """See class."""
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 - pipes
        self._process, self._input, self._output = process, process.stdin, process.stdout
        self._waiting: dict[int, asyncio.Future[Outcome]] = {}
        self._numbers = itertools.count(1)
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, allowed: str) -> "_Program":
        """Start it without proxy variables: a proxy would connect, and nobody checks where to."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "control.notifications.apprise_program", allowed),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )
        return cls(process)

    @property
    def is_alive(self) -> bool:
        """True while it can be asked."""
        return self._process.returncode is None and not self._input.is_closing()

    @property
    def is_idle(self) -> bool:
        """True when nothing is awaited of it."""
        return not self._waiting

    async def ask(self, task: dict[str, Any]) -> Outcome:
        """Hand over one task and wait for its answer."""
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._input.write(json.dumps(task | {"id": number}).encode() + b"\n")
            await self._input.drain()
            return await answer
        finally:
            del self._waiting[number]

    def dismiss(self) -> None:
        """Let it answer what it was asked, and leave."""
        self._input.close()

    async def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._reader

    async def _read(self) -> None:
        async for line in self._output:
            said = json.loads(line)
            answer = self._waiting.get(said["id"])
            if answer is not None and not answer.done():
                answer.set_result(Outcome(said["ok"], error=said["error"], final=said["final"]))
        code = await self._process.wait()
        self._input.close()
        for answer in self._waiting.values():
            if not answer.done():
                error = f"the program that runs Apprise ended with code {code}"
                answer.set_result(Outcome(False, error=error))


class Courier:
    """The program, seen from outside; any number of tasks of one event loop may use it at once."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        timeout_s: float = TIMEOUT_S,
        idle_s: float = IDLE_S,
    ) -> None:
        """See class."""
        self._allowed = ",".join(str(network) for network in allowed)
        self._timeout_s, self._idle_s = timeout_s, idle_s
        self._starting = asyncio.Lock()
        self._program: _Program | None = None
        self._quiet: asyncio.TimerHandle | None = None

    async def check(self, service: Service) -> Outcome:
        """Tell whether Apprise understands a service; nothing is sent."""
        return await self._ask({"verb": "check", **_spell(service)})

    async def send(self, service: Service, message: Message) -> Outcome:
        """Send a message; every failure is an outcome."""
        return await self._ask({"verb": "send", **_spell(service), **asdict(message)})

    async def close(self) -> None:
        """End the program."""
        if self._quiet is not None:
            self._quiet.cancel()
        program, self._program = self._program, None
        if program is not None:
            await program.kill()

    async def _ask(self, task: dict[str, Any]) -> Outcome:
        try:
            async with asyncio.timeout(self._timeout_s):
                program = await self._running()
                return await program.ask(task)
        except TimeoutError:
            return Outcome(False, error=f"no answer within {self._timeout_s:g} seconds")
        except OSError as error:
            return Outcome(False, error=f"the message could not be handed to Apprise: {error}")
        finally:
            self._rest()

    async def _running(self) -> _Program:
        async with self._starting:
            if self._program is None or not self._program.is_alive:
                self._program = await _Program.start(self._allowed)
            return self._program

    def _rest(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
        self._quiet = asyncio.get_running_loop().call_later(self._idle_s, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self._program is not None and self._program.is_idle:
            self._program.dismiss()
            self._program = None


def _spell(service: Service) -> dict[str, Any]:
    return {
        "service": service.target,
        "schemas": service.schemas,
        "secrets": service.secrets,
        "trusted": service.trusted,
    }
