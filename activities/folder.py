"""An attempt's folder on this host: what is in it, and what it says about the work.

spec.json who.json child.json lease log exit.json terminate    see `activities.runner`
given/    what the program needs besides user files: SQL text, parameters, upstream values
work/     the work folder: user files, home of the process
out/      what the work leaves: values.json, notebook.json, sql.json, lineage.jsonl
tmp/      temporary files; given to the process as TMPDIR
"""

import json
import math
import os
import signal
import stat
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from activities import processes
from activities.processes import Identity, Pulse
from activities.runner import publish


class State(StrEnum):
    """Where detached work stands."""

    UNCLAIMED = "unclaimed"
    """No runner has taken the folder: nothing was ever started."""
    RUNNING = "running"
    FINISHED = "finished"
    LOST = "lost"
    """It will never say how it ended."""


@dataclass(frozen=True)
class Sighting:
    """What can be seen of a folder from outside."""

    claimed: bool
    ended: bool
    """An end has been written."""
    runner: Pulse
    lease_age_s: float
    """Since the runner's last sign of life, on the machine's monotonic clock."""


def classify(seen: Sighting, lease_s: float) -> State:
    """Judge detached work; a written end always counts, a dead or silent runner never comes back.

    A runner that lives without renewing its lease (stopped, or hung) is lost as well: whoever
    judges so must kill it before acting on it.
    """
    if not seen.claimed:
        return State.UNCLAIMED
    if seen.ended:
        return State.FINISHED
    if seen.runner is Pulse.DEAD or seen.lease_age_s > lease_s:
        return State.LOST
    return State.RUNNING


MOST_LEFT_BYTES = 16 * 1024 * 1024
"""Of one file that user code leaves."""


def plain_json(content: bytes) -> Any:
    """Read JSON that user code wrote, without what Python reads and JSON has not.

    Raises:
        ValueError: it is none, or is nested too deep.
    """
    try:
        return json.loads(content, parse_constant=_finite, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number


def read_regular(path: Path, limit: int, offset: int = 0) -> bytes:
    """Read at most `limit` bytes of a file that somebody else made; follows no link.

    Raises:
        OSError: it is not there, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is no regular file")
        file.seek(offset)
        return file.read(limit)


@dataclass(frozen=True)
class Exit:
    """How detached work ended; `lost` when it was given up instead."""

    code: int | None = None
    started: float | None = None
    """Seconds since 1970, UTC."""
    ended: float | None = None
    terminated: bool = False
    """Somebody had asked for the end."""
    lost: str | None = None
    """Why it was given up."""


class AttemptFolder:
    """Reads, fills and judges one attempt's folder.

    Args:
        path: The folder; need not exist yet.
        key: The attempt's submit key.
    """

    def __init__(self, path: Path, key: str) -> None:
        """See class."""
        self.path = path
        self.key = key
        self.given = path / "given"
        self.work = path / "work"
        self.out = path / "out"
        self.tmp = path / "tmp"
        self.log = path / "log"
        self.mark = str(path)
        """What the attempt's processes carry, see `processes.MARKER`."""
        self.lineage = self.out / "lineage.jsonl"

    def make(self) -> None:
        """Create the folder, closed to other users; harmless when repeated."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in (self.given, self.work, self.out, self.tmp):
            part.mkdir(mode=0o700, exist_ok=True)

    def write(self, name: str, content: str) -> None:
        """Write a file of the folder at once, readable by its owner only."""
        draft = self.path / f"{name}.{os.getpid()}.{time.monotonic_ns()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        draft.replace(self.path / name)

    @property
    def runner(self) -> Identity | None:
        """Who claimed the folder."""
        return self._identity("who.json")

    @property
    def child(self) -> Identity | None:
        """Who the user's process is."""
        return self._identity("child.json")

    @property
    def exit(self) -> Exit | None:
        """The end, once there is one."""
        content = self.read_json("exit.json")
        return None if content is None else Exit(**content)

    def state(self, lease_s: float) -> State:
        """Judge what is seen now."""
        runner = self.runner
        if runner is None:
            return State.UNCLAIMED
        # The order matters: an end that is written between two looks must not be missed.
        life, age = processes.pulse(runner), self._lease_age()
        seen = Sighting(True, (self.path / "exit.json").exists(), life, age)
        return classify(seen, lease_s)

    def ask_to_end(self) -> None:
        """Ask the runner to stop its process, politely first."""
        self.write("terminate", "")
        runner = self.runner
        if runner is not None:
            processes.send(runner, signal.SIGTERM)

    def give_up(self, reason: str) -> Exit:
        """Kill whatever is left, then write that the work is lost, unless it ended by itself."""
        self.make()
        # Claimed for nobody, so that no runner that comes late can start it after all.
        publish(str(self.path / "who.json"), Identity("", 0, "").describe())
        runner, child = self.runner, self.child
        if runner is not None:
            processes.send(runner, signal.SIGKILL)
        processes.kill_tree(child, self.mark)
        publish(str(self.path / "exit.json"), {"lost": reason, "ended": time.time()})
        return self.exit or Exit(lost=reason)

    def read_json(self, name: str) -> Any:
        """Return a JSON file's content, or None when there is no such file."""
        try:
            return json.loads((self.path / name).read_bytes())
        except FileNotFoundError:
            return None

    def read_left(self, name: str) -> Any:
        """Return a JSON file that user code left in `out/`, or None.

        User code may leave anything there: links and pipes are not followed, what is huge or no
        JSON counts as nothing.
        """
        try:
            content = read_regular(self.out / name, MOST_LEFT_BYTES)
            return plain_json(content)
        except (OSError, ValueError):
            return None

    def _identity(self, name: str) -> Identity | None:
        content = self.read_json(name)
        return None if content is None else Identity(**content)

    def _lease_age(self) -> float:
        try:
            return time.monotonic() - float((self.path / "lease").read_text())
        except FileNotFoundError:
            return 0.0
