"""Brings the parts up in the order of their needs, mends what is ill, and takes them down again."""

import fcntl
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter

from control.stack import process
from control.stack.busy import busy_port, is_free
from control.stack.identity import Record
from control.stack.layout import Layout
from control.stack.logs import rotate, tail
from control.stack.minio import ensure_buckets
from control.stack.part import Part, Unhealthy
from control.stack.progress import Progress
from control.stack.secrets import (
    ensure_secrets,
    keep_airflow,
    keep_catalogs,
    keep_git_hosts,
    keep_smtp,
)
from spec.errors import OpenLakeError, Unavailable

_PATIENCE_S = 8.0
"""How long a running part may fail its check before `up` takes it for unresponsive."""
_PORT_PATIENCE_S = 6.0
"""How long the ports of a part that died may stay taken by what it leaves behind."""
_EXIT_PATIENCE_S = 2.0
"""The same of a part that was just stopped: its last threads may still be leaving."""


class Stopped(OpenLakeError):
    """`up` was interrupted."""


@dataclass(frozen=True)
class PartStatus:
    """What one part is doing now."""

    part: Part
    record: Record | None
    """None when `up` has not started it, or it has died."""
    problem: str | None
    """None when it is well."""

    @property
    def state(self) -> str:
        """Return `up`, `ill` or `down`."""
        if self.record is None:
            return "down"
        return "ill" if self.problem else "up"


class Supervisor:
    """Looks after one data folder's parts."""

    def __init__(self, layout: Layout, parts: Sequence[Part], progress: Progress) -> None:
        """See class."""
        self._layout = layout
        self._parts = {part.name: part for part in parts}
        self._progress = progress
        self._interrupted = threading.Event()
        self._started: list[str] = []

    def up(self) -> list[str]:
        """Bring every part up; return the names of those that were started.

        Raises:
            Conflict: A port is held by somebody else.
            Unavailable: A part does not become well; the others stay up.
            KeyboardInterrupt: What this call started has been stopped again.
        """
        make_folders(self._layout)
        with self._locked():
            ensure_secrets(self._layout.secrets_dir, self._layout.settings.object_store)
            keep_airflow(self._layout.secrets_dir, self._layout.settings.worker.airflow)
            keep_git_hosts(self._layout.secrets_dir, self._layout.settings.git.hosts)
            keep_catalogs(self._layout.secrets_dir, self._layout.settings.catalogs)
            keep_smtp(self._layout.secrets_dir, self._layout.settings.notifications)
            self._require_ports()
            if self._layout.settings.object_store.endpoint:
                ensure_buckets(self._layout)
            try:
                self._each(self._raise_part, reverse=False)
            except KeyboardInterrupt:
                self._undo()
                raise
        return list(self._started)

    def down(self) -> list[str]:
        """Stop every part that `up` started, dependents first; return their names."""
        if not self._layout.run_dir.exists():
            return []
        stopped: list[str] = []

        def lower(part: Part) -> None:
            record = Record.read(part.record)
            if record is None:
                return
            alive = record.identity.alive()
            if alive:
                self._progress.begin(part.name, "stopping")
                stopped.append(part.name)
            process.stop(part, record, lambda text: self._progress.say(part.name, text))
            if alive:
                self._progress.end(part.name, "stopped")

        with self._locked():
            self._each(lower, reverse=True)
        return stopped

    def status(self) -> list[PartStatus]:
        """Look at every part at once."""
        with ThreadPoolExecutor(max_workers=len(self._parts) or 1) as pool:
            return list(pool.map(look, self._parts.values()))

    # One part ------------------------------------------------------------------------------

    def _raise_part(self, part: Part) -> None:
        record = _living(part)
        if record and record.fingerprint != part.command().fingerprint(part.version()):
            self._progress.begin(part.name, "its settings changed; starting it anew")
            process.stop(part, record, lambda text: self._progress.say(part.name, text))
            record = None
        if record:
            problem = self._problem_of(part, record)
            if problem is None:
                part.after_start()
                return
            self._progress.begin(part.name, f"does not respond ({problem}); starting it anew")
        left = record or Record.read(part.record)
        if left:
            process.kill(part, left)
        self._start(part)

    def _start(self, part: Part) -> None:
        began = time.monotonic()
        self._progress.begin(part.name, "starting")
        self._await_ports(part)
        try:
            record = process.start(part)
            self._started.append(part.name)
            self._await_health(part, record, began)
            part.after_start()
        except OpenLakeError as error:
            self._progress.fail(part.name, error.message)
            raise
        self._progress.end(part.name, f"{part.address} · {time.monotonic() - began:.1f} s")

    def _problem_of(self, part: Part, record: Record) -> str | None:
        """Return why a running part counts as unresponsive, after some patience."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            if record.identity.stopped():
                return "its process is suspended"
            try:
                part.check()
                return None
            except Unhealthy as error:
                if time.monotonic() > deadline or not record.identity.alive():
                    return str(error)
            self._pause(0.3)

    def _await_health(self, part: Part, record: Record, began: float) -> None:
        deadline = began + part.start_timeout_s
        pause = 0.05
        while True:
            self._pause(pause)
            pause = min(pause * 1.3, 0.5)
            if not record.identity.alive():
                raise Unavailable(f"{part.title} ended while starting{_last_words(part)}")
            try:
                part.check()
                return
            except Unhealthy as error:
                if time.monotonic() > deadline:
                    raise Unavailable(
                        f"{part.title} is not well after {part.start_timeout_s:.0f} s: {error}"
                        f"{_last_words(part)}"
                    ) from error
            self._progress.say(part.name, f"starting · {time.monotonic() - began:.0f} s")

    def _pause(self, seconds: float) -> None:
        if self._interrupted.wait(seconds):
            raise Stopped("stopped")

    # Ports ---------------------------------------------------------------------------------

    def _require_ports(self) -> None:
        """Refuse before anything is started when a port is held by somebody else."""
        for part in self._parts.values():
            if Record.read(part.record) is None:
                self._await_ports(part, _EXIT_PATIENCE_S)

    def _await_ports(self, part: Part, patience_s: float = _PORT_PATIENCE_S) -> None:
        deadline = time.monotonic() + patience_s
        while not all(is_free(part.port(name)) for name in part.ports):
            if time.monotonic() > deadline:
                _require_free(part)
            self._pause(0.1)

    # All parts -----------------------------------------------------------------------------

    def _each(self, act: Callable[[Part], None], *, reverse: bool) -> None:
        """Act on every part, side by side where their needs allow it."""
        order = TopologicalSorter(self._graph(reverse=reverse))
        order.prepare()
        failures: list[Exception] = []
        with ThreadPoolExecutor(max_workers=len(self._parts) or 1) as pool:
            under_way: dict[Future[None], str] = {}
            try:
                while order.is_active() and (under_way or not failures):
                    for name in () if failures and not reverse else order.get_ready():
                        under_way[pool.submit(act, self._parts[name])] = name
                    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in done:
                        name = under_way.pop(future)
                        error = future.exception()
                        if isinstance(error, Exception):
                            failures.append(error)
                        if error is None or reverse:
                            order.done(name)
            except KeyboardInterrupt:
                self._interrupted.set()
                raise
        if failures:
            raise failures[0]

    def _graph(self, *, reverse: bool) -> dict[str, set[str]]:
        graph: dict[str, set[str]] = {name: set() for name in self._parts}
        for name, part in self._parts.items():
            for need in part.needs:
                if need in graph:
                    before, after = (name, need) if reverse else (need, name)
                    graph[after].add(before)
        return graph

    def _undo(self) -> None:
        """Stop what this call has started, the last one first."""
        for name in reversed(self._started):
            part = self._parts[name]
            record = Record.read(part.record)
            if record:
                process.stop(part, record, lambda _: None)
                self._progress.fail(name, "stopped again")

    @contextmanager
    def _locked(self) -> Generator[None]:
        """Let one `up` or `down` work at a time; the system frees the lock at exit."""
        with (self._layout.run_dir / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._progress.begin("lock", "another `openlake up` or `down` is at work; waiting")
                fcntl.flock(file, fcntl.LOCK_EX)
                self._progress.end("lock", "the other command has ended")
            yield


def look(part: Part) -> PartStatus:
    """Ask one part how it is, once."""
    rotate(part.log)
    record = _living(part)
    if record is None:
        return PartStatus(part, None, "it is not running")
    if record.identity.stopped():
        return PartStatus(part, record, "its process is suspended")
    try:
        part.check()
    except Unhealthy as error:
        return PartStatus(part, record, str(error))
    return PartStatus(part, record, None)


def make_folders(layout: Layout) -> None:
    """Make the data folder: others may pass through it (PostgreSQL's user), not list it.

    Raises:
        Unavailable: It cannot be made or written.
    """
    try:
        layout.data_dir.mkdir(parents=True, exist_ok=True)
        layout.data_dir.chmod(0o711)
        for folder in (layout.run_dir, layout.logs_dir):
            folder.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unavailable(
            f"the data folder {layout.data_dir} cannot be made ({error.strerror}); "
            "set OPENLAKE_DATA_DIR to a folder you can write"
        ) from error


def _living(part: Part) -> Record | None:
    record = Record.read(part.record)
    return record if record and record.identity.alive() else None


def _require_free(part: Part) -> None:
    for name in part.ports:
        if not is_free(part.port(name)):
            raise busy_port(part.port(name), name, part.title)


def _last_words(part: Part) -> str:
    lines = [line for line in tail(part.log, 12) if line.strip()]
    text = "\n".join(f"    {line[:240]}" for line in lines)
    return f"; {part.log} ends with\n{text}" if text else f"; {part.log} is empty"
