"""Engine workers of a test's own, which die where a test wants and are started again at once."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from activities.faults import Point
from spec.tasks import Engine
from tests.integration.stack import ROOT, Stack, free_ports


@dataclass
class Mortal:
    """A worker that serves some engines' queues of a stack, with faults.

    Args:
        stack: Whose queues; its own engine worker must be down.
        engines: Which.
        faults: The folder that names the deaths.
        host: What it calls its machine; the stack's own one when None.
        folder: Of its attempts; the stack's own when None.
    """

    stack: Stack
    engines: Sequence[Engine]
    faults: Path
    host: str | None = None
    folder: Path | None = None
    deaths: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it."""
        words = [sys.executable, "-m", "control.cli", "worker", "engine"]
        words += ["--port", str(free_ports()["engine_worker"])]
        words += [word for each in self.engines for word in ("--engine", each.value)]
        words += [] if self.host is None else ["--host", self.host]
        words += [] if self.folder is None else ["--folder", str(self.folder)]
        environment = {**self.stack.environment, "OPENLAKE_FAULTS": str(self.faults)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                words, env=environment, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def has_died(self) -> bool:
        """Tell whether a fault has killed it since it was last started; no other end is allowed."""
        if self.process is not None and (code := self.process.poll()) is not None:
            assert code == -signal.SIGKILL, self.log.read_text()[-3000:]
            self.process = None
            self.deaths += 1
        return self.process is None

    def stop(self) -> None:
        """End it as the supervisor does; its attempts go on."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    @property
    def log(self) -> Path:
        """What it says."""
        return self.faults / f"worker-{'-'.join(self.engines)}.log"


def ask_for(faults: Path, point: Point, task_key: str) -> None:
    """Ask for a death."""
    (faults / f"{point}@{task_key}").touch()


def has_fired(faults: Path, point: Point, task_key: str) -> bool:
    """Tell whether it has come."""
    return (faults / f"{point}@{task_key}.fired").exists()


def make_open_folder(path: Path) -> Path:
    """Make a folder that user code, which is another user, can write to."""
    path.mkdir()
    os.chmod(path, 0o777)
    return path
