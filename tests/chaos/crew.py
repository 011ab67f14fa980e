"""OpenLake's own processes, kept running by the harness as an operator's supervisor would.

`openlake up` starts parts and mends them when it is called again; it does not watch them. In place
of its API, gateway and workers stand these, which reach their neighbours through proxies, can be
told to die at named points, and are started again within a second of any death.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.stack import ROOT, Stack

MEMBERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "api": (("api",), ("postgres", "temporal", "minio", "nessie", "gateway")),
    "gateway": (("gateway",), ("postgres", "nessie")),
    "control-worker": (("worker", "control"), ("postgres", "temporal", "minio", "nessie")),
    "engine-worker": (("worker", "engine"), ("temporal", "api")),
}
"""Part → the words that start it, and the neighbours it reaches through a proxy."""

_LOOK_EVERY_S = 0.1
_RESTART_AFTER_S = 0.4
_SETTLED_S = 20.0
"""Whoever has lived so long has started well, and has no reason to end."""


@dataclass(frozen=True)
class Death:
    """One end of a member."""

    part: str
    code: int
    age_s: float

    @property
    def is_by_kill(self) -> bool:
        """Whether a fault did it."""
        return self.code == -signal.SIGKILL

    @property
    def is_odd(self) -> bool:
        """Whether it ended by itself though it had started well: no fault may bring that about."""
        return not self.is_by_kill and self.age_s > _SETTLED_S


@dataclass
class _Member:
    words: tuple[str, ...]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    seen_dead: float | None = None


@dataclass
class Crew:
    """The four, from `start` to `stop`.

    Args:
        stack: Whose; its own four must be down.
        ports: Name of a neighbour → port of the proxy in front of it.
        folder: For logs and named faults.
    """

    stack: Stack
    ports: Mapping[str, int]
    folder: Path
    deaths: list[Death] = field(default_factory=list[Death])
    _members: dict[str, _Member] = field(default_factory=dict[str, _Member])
    _ending: threading.Event = field(default_factory=threading.Event)
    _watching: threading.Thread | None = None

    @property
    def faults(self) -> Path:
        """The folder that names deaths and holds; see `activities.faults`, `control.faults`."""
        return self.folder / "faults"

    def start(self) -> None:
        """Start them and keep them running."""
        self.faults.mkdir(parents=True, exist_ok=True)
        for part, (words, neighbours) in MEMBERS.items():
            log = self.folder / f"{part}.log"
            self._members[part] = _Member(words, self._environment(neighbours), log)
            self._launch(self._members[part])
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def pid(self, part: str) -> int:
        """Return a member's process, as soon as it has one that lives."""
        while True:
            process = self._members[part].process
            if process is not None and process.poll() is None:
                return process.pid
            time.sleep(_LOOK_EVERY_S)

    def kill(self, part: str) -> int:
        """Kill a member as a crash does; return which process that was. It is started again."""
        pid = self.pid(part)
        os.kill(pid, signal.SIGKILL)
        return pid

    def is_new(self, part: str, pid: int) -> bool:
        """Tell whether another process than this one does the part's work."""
        process = self._members[part].process
        return process is not None and process.pid != pid

    def stop(self) -> None:
        """End all of them politely."""
        self._ending.set()
        if self._watching is not None:
            self._watching.join(10)
        running = [each.process for each in self._members.values() if each.process is not None]
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in running:
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)

    def _environment(self, neighbours: tuple[str, ...]) -> dict[str, str]:
        there = {f"OPENLAKE_PORTS__{name.upper()}": str(self.ports[name]) for name in neighbours}
        return {
            **self.stack.environment,
            **there,
            "OPENLAKE_FAULTS": str(self.faults),
            "PYTHONUNBUFFERED": "1",
        }

    def _launch(self, member: _Member) -> None:
        with member.log.open("ab") as log:
            member.process = subprocess.Popen(
                [sys.executable, "-m", "control.cli", *member.words],
                env=member.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        member.started, member.seen_dead = time.monotonic(), None

    def _watch(self) -> None:
        while not self._ending.wait(_LOOK_EVERY_S):
            for part, member in self._members.items():
                self._look_at(part, member)

    def _look_at(self, part: str, member: _Member) -> None:
        code = None if member.process is None else member.process.poll()
        if code is None:
            return
        now = time.monotonic()
        if member.seen_dead is None:
            self.deaths.append(Death(part, code, now - member.started))
            member.seen_dead = now
        elif now - member.seen_dead > _RESTART_AFTER_S:
            self._launch(member)
