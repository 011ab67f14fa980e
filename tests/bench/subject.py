"""What is measured: one small protocol for OpenLake and for each of its peers."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import psutil
from temporalio.api.history.v1 import HistoryEvent

from tests.bench.ledger import Step

_CALLERS = 8
"""Threads that start runs."""
Shape = Literal["chain", "wide", "for_each"]


@dataclass(frozen=True)
class Work:
    """What a run has to do: so many steps in this shape, each sleeping for so long."""

    shape: Shape
    size: int
    seconds: float = 0

    @property
    def name(self) -> str:
        """A name that is one word."""
        return f"{self.shape}_{self.size}_{round(self.seconds)}"


@dataclass(frozen=True)
class Ran:
    """One or several runs of the same work, started at once."""

    called_ns: int
    """Just before the first call."""
    finished_ns: int
    """When the subject had told the client that all have finished."""
    steps: dict[tuple[str, str], Step] = field(default_factory=dict[tuple[str, str], Step])

    @property
    def seconds(self) -> float:
        """From the first call to the end of all."""
        return (self.finished_ns - self.called_ns) / 1e9


class Subject(Protocol):
    """One system with one choice of settings."""

    name: str
    """As the plan and the results call it."""

    def start(self) -> None:
        """Start it on a fresh folder, and wait until it takes work."""
        ...

    def stop(self) -> None:
        """End every process of it; harmless when none runs."""
        ...

    def prepare(self, work: Work) -> None:
        """Make known what is to be run, outside the time that is measured."""
        ...

    def run(self, work: Work, count: int = 1, *, within_s: float = 400) -> Ran:
        """Start so many runs at once by its API and wait until all are reported as finished."""
        ...

    def memory_bytes(self) -> int:
        """Return its proportional memory."""
        ...

    def versions(self) -> Mapping[str, str]:
        """Return what it is made of."""
        ...


class Traced(Subject, Protocol):
    """A subject on Temporal, into which the harness can look, and whose worker it can kill."""

    def crash(self) -> None:
        """Kill the process that runs user code, as a crash does, and start it again at once."""
        ...

    def history(self, run: str) -> Sequence[HistoryEvent]:
        """Return the events of the workflow of a run, which its steps name in the ledger."""
        ...

    def processes(self) -> Mapping[str, psutil.Process]:
        """Return its processes by what they are called on the page."""
        ...


def spawn(
    argv: Iterable[object], home: Path, name: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own; what it prints goes to `home`/`name`.log."""
    with (home / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            [str(word) for word in argv],
            env={**os.environ, **(environment or {})},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end(processes: Iterable[subprocess.Popen[bytes]], *, grace_s: float = 5) -> None:
    """End processes and all that came of them."""
    asked = list(processes)
    family: list[psutil.Process] = []
    for each in asked:
        with suppress(psutil.NoSuchProcess):
            one = psutil.Process(each.pid)
            family += [one, *one.children(recursive=True)]
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.terminate()
    _, alive = psutil.wait_procs(family, timeout=grace_s)
    for each in alive:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    for each in asked:
        each.wait(10)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that is in its group."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def proportional_bytes(folder: Path) -> int:
    """Return the memory of all processes that know of a folder; shared pages count once in all.

    That is: their words, working directory or environment name it. A descendant inherits the last.
    """
    total = 0
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        with suppress(psutil.Error):
            known = (process.cwd(), *process.cmdline(), *process.environ().values())
            if any(str(folder) in each for each in known):
                total += process.memory_full_info().pss
    return total


def wait_until(
    told: Callable[[], bool], within_s: float, what: str, *, first_pause_s: float = 0.005
) -> int:
    """Ask again and again, and return when it was so, in nanoseconds since 1970.

    The pause grows with the time that has gone by, so that asking neither adds more than a few per
    cent to what is measured nor keeps the subject busy.

    Raises:
        TimeoutError: It has not come to be in time.
    """
    began = time.monotonic()
    while not told():
        passed = time.monotonic() - began
        if passed > within_s:
            raise TimeoutError(f"{what}: not within {within_s:.0f} s")
        time.sleep(min(max(first_pause_s, passed / 50), 0.25))
    return time.time_ns()


def run_all(
    call: Callable[[], str],
    has_ended: Callable[[str], bool],
    count: int,
    within_s: float,
    what: str,
) -> tuple[int, int]:
    """Start so many runs at once and wait until all have ended.

    Args:
        call: Starts one and returns its id.
        has_ended: Tells whether one has; raises when it has failed.
        count: How many.
        within_s: Of all of them.
        what: For a message.

    Returns:
        When the first was called and when the last had ended, in nanoseconds since 1970.
    """
    called_ns = time.time_ns()
    with ThreadPoolExecutor(min(count, _CALLERS)) as pool:
        waiting = list(pool.map(lambda _: call(), range(count)))

    def all_ended() -> bool:
        while waiting and has_ended(waiting[-1]):
            waiting.pop()
        return not waiting

    return called_ns, wait_until(all_ended, within_s, what)
