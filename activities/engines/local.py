"""What the engines have in common whose work is a process on this host, kept by the runner."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from activities import ending, faults, processes
from activities.config import WorkerConfig
from activities.engines.base import Feeds, Handle, Progress
from activities.engines.environment import base_environment
from activities.engines.starting import starter
from activities.faults import Point
from activities.folder import AttemptFolder, State
from activities.processes import Identity
from spec.attempts import AttemptOutcome, AttemptOutput, AttemptWork, NotebookProgram

POLL_S = 1.0
_LOST = "Its process vanished, or was stopped for so long that it counts as lost."


@dataclass(frozen=True)
class Launch:
    """What the runner is to start."""

    argv: list[str]
    cwd: Path
    environment: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """Added to the base environment of every attempt."""
    fork: bool = False
    """`argv` is an interpreter and its script, and may run in a warm one that forked itself."""


class FileLog:
    """A log that is a file."""

    def __init__(self, path: Path) -> None:
        """See class."""
        self._path = path

    def read(self, offset: int, limit: int) -> bytes:
        """See `LogSource`."""
        try:
            with self._path.open("rb") as file:
                file.seek(offset)
                return file.read(limit)
        except FileNotFoundError:
            return b""


class LocalEngine:
    """Everything but the command line; a subclass says what to launch."""

    is_local = True

    def __init__(self, config: WorkerConfig) -> None:
        """See class."""
        self.config = config

    def launch(self, work: AttemptWork, folder: AttemptFolder) -> Launch:
        """Write what the program needs into the folder and return what to start.

        Raises:
            EngineRejected: this engine cannot run that kind of program.
        """
        raise NotImplementedError

    async def find(self, key: str, work: AttemptWork | None = None) -> Handle | None:
        """See `EngineAdapter`."""
        return None if self.folder(key).runner is None else self._handle(key)

    async def submit(self, work: AttemptWork, key: str) -> Handle:
        """See `EngineAdapter`."""
        folder = self.folder(key)
        if folder.runner is None:
            faults.reach(Point.BEFORE_INTENT, work.ref.task_key)
            launch = self._prepare(work, folder)
            faults.reach(Point.AFTER_INTENT, work.ref.task_key)
            python = self.config.python if launch.fork else Path(sys.executable)
            await starter(python).start(folder)
            faults.reach(Point.AFTER_SUBMIT, work.ref.task_key)
        return self._handle(key)

    async def poll(self, handle: Handle, work: AttemptWork) -> Progress:
        """See `EngineAdapter`."""
        folder = self.folder(handle.key)
        return Progress(done=await self._has_ended(folder))

    async def cancel(self, handle: Handle) -> None:
        """See `EngineAdapter`."""
        folder = self.folder(handle.key)
        if folder.state(self.config.lease_s) is State.FINISHED:
            return
        folder.ask_to_end()
        deadline = asyncio.get_running_loop().time() + self.config.grace_s + 5
        while folder.state(self.config.lease_s) is State.RUNNING:
            if asyncio.get_running_loop().time() > deadline:
                break
            await self._has_ended(folder)
        if folder.state(self.config.lease_s) is not State.FINISHED:
            await asyncio.to_thread(folder.give_up, "It had to be killed.")

    async def collect(
        self, handle: Handle, work: AttemptWork
    ) -> tuple[AttemptOutcome, AttemptOutput]:
        """See `EngineAdapter`."""
        folder = self.folder(handle.key)
        end = folder.exit
        if end is None:
            end = await asyncio.to_thread(folder.give_up, _LOST)
        return ending.read(folder, end)

    def feeds(self, handle: Handle) -> Feeds:
        """See `EngineAdapter`."""
        folder = self.folder(handle.key)
        return Feeds(FileLog(folder.log), folder.lineage, folder.out / "artifacts.tar.gz")

    async def close(self) -> None:
        """See `EngineAdapter`."""

    async def _has_ended(self, folder: AttemptFolder) -> bool:
        """Wait for the end, a second at most."""
        who = folder.runner
        if who is not None and folder.state(self.config.lease_s) is State.RUNNING:
            await until_dead(who, POLL_S)
        return folder.state(self.config.lease_s) is not State.RUNNING

    def folder(self, key: str) -> AttemptFolder:
        """Return the folder of the attempt with this key."""
        return AttemptFolder(self.config.folder / key, key)

    def _handle(self, key: str) -> Handle:
        return Handle(key=key, host=self.config.host)

    def _prepare(self, work: AttemptWork, folder: AttemptFolder) -> Launch:
        folder.make()
        widgets = work.program.parameters if isinstance(work.program, NotebookProgram) else {}
        context = {"upstream": work.upstream_values, "widgets": widgets}
        folder.write("given/context.json", json.dumps(context))
        launch = self.launch(work, folder)
        spec = {
            "argv": launch.argv,
            "cwd": str(launch.cwd),
            "environment": base_environment(self.config, work, folder) | launch.environment,
            "marker": folder.mark,
            "grace_s": self.config.grace_s,
            "uid": self.config.uid,
            "fork": launch.fork,
        }
        folder.write("ref.json", work.ref.model_dump_json())
        folder.write("spec.json", json.dumps(spec))
        return launch


async def until_dead(who: Identity, wait_s: float) -> None:
    """Wait until this process has died, `wait_s` at most; wakes at once where the system can."""
    opener = getattr(os, "pidfd_open", None)
    if opener is None:
        await asyncio.sleep(min(wait_s, 0.05))
        return
    try:
        descriptor: int = opener(who.pid)
    except OSError:
        return
    loop = asyncio.get_running_loop()
    dead = asyncio.Event()
    loop.add_reader(descriptor, dead.set)
    try:
        if processes.pulse(who) is not processes.Pulse.DEAD:
            await asyncio.wait_for(dead.wait(), wait_s)
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
