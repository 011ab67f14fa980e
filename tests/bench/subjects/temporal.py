"""Raw Temporal, the floor: OpenLake's own development server, and a worker of its Python SDK."""

import asyncio
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from subprocess import Popen

import psutil
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from control.config import Ports, Settings
from control.stack.layout import Layout
from control.stack.temporal import Temporal as Server
from control.stack.versions import pinned
from tests.bench.ledger import Ledger
from tests.bench.programs.temporal_worker import QUEUE, Bench, Order
from tests.bench.subject import Ran, Work, end, kill, proportional_bytes, spawn
from tests.integration.stack import ROOT, free_ports

_OURS = ("--dynamic-config-value", "--sqlite-pragma")
"""Options of the server that make OpenLake's different from one as it comes."""


class Temporal:
    """A development server on a file, one worker, one client.

    Args:
        home: A folder for everything this writes.
        tuned: Server with the settings that OpenLake gives it and worker with more pollers, or
            both as they come.
    """

    def __init__(self, home: Path, *, tuned: bool = True) -> None:
        self.name = "temporal" if tuned else "temporal-as-it-comes"
        self._tuned = tuned
        self._home = home / self.name
        self._home.mkdir()
        settings = Settings(data_dir=self._home, ports=Ports(**free_ports()))
        self._server = Server(Layout(settings))
        self._ledger = Ledger(self._home / "ledger")
        self._processes: list[Popen[bytes]] = []
        self._runner = asyncio.Runner()
        self._client: Client | None = None

    def start(self) -> None:
        """See base class."""
        self._server.folder.mkdir(parents=True, exist_ok=True)
        argv = list(self._server.command().argv)
        if not self._tuned:
            left_out = {i for i, word in enumerate(argv) if word in _OURS}
            left_out |= {i + 1 for i in left_out}
            argv = [word for i, word in enumerate(argv) if i not in left_out]
        self._processes = [spawn(argv, self._home, "server")]
        self._client = self._runner.run(self._connect())
        self._processes.append(self._spawn_worker())

    async def _connect(self) -> Client:
        for _ in range(600):
            try:
                return await Client.connect(self._server.address)
            except RuntimeError:
                await asyncio.sleep(0.1)
        raise TimeoutError(f"{self.name} does not answer at {self._server.address}")

    def _spawn_worker(self) -> Popen[bytes]:
        module = "tests.bench.programs.temporal_worker"
        settings = "tuned" if self._tuned else "default"
        argv = (sys.executable, "-m", module, self._server.address, settings)
        return spawn(argv, self._home, "worker", {"PYTHONPATH": str(ROOT)})

    def stop(self) -> None:
        """See base class."""
        end(reversed(self._processes))
        self._processes = []
        self._runner.close()

    def prepare(self, work: Work) -> None:
        """See base class."""

    def run(self, work: Work, count: int = 1, *, within_s: float = 400) -> Ran:
        """See base class."""
        self._ledger.turn()
        called_ns = time.time_ns()
        self._runner.run(asyncio.wait_for(self._run(work, count), within_s))
        return Ran(called_ns, time.time_ns(), self._ledger.steps())

    async def _run(self, work: Work, count: int) -> None:
        assert self._client is not None
        order = Order(work.shape, work.size, work.seconds, str(self._ledger.path))
        calls = (
            self._client.execute_workflow(Bench.run, order, id=f"{uuid.uuid4()}", task_queue=QUEUE)
            for _ in range(count)
        )
        await asyncio.gather(*calls)

    def crash(self) -> None:
        """See base class."""
        kill(self._processes.pop())
        self._processes.append(self._spawn_worker())

    def memory_bytes(self) -> int:
        """See base class."""
        return proportional_bytes(self._home)

    def history(self, run: str) -> Sequence[HistoryEvent]:
        """See base class."""
        assert self._client is not None
        handle = self._client.get_workflow_handle(run)
        return self._runner.run(handle.fetch_history()).events

    def processes(self) -> Mapping[str, psutil.Process]:
        """See base class."""
        names = ("temporal", "worker")
        return {
            name: psutil.Process(each.pid)
            for name, each in zip(names, self._processes, strict=True)
        }

    def versions(self) -> Mapping[str, str]:
        """See base class."""
        return {
            "temporal-cli": pinned().go["temporal"].version,
            "temporalio": version("temporalio"),
        }
