"""Prefect 3 with its own server: flows that are served, or run by a worker of a process pool."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx2

from control.config import Settings
from control.stack.install import install
from control.stack.layout import LOOPBACK, Layout
from control.stack.progress import Silent
from control.stack.versions import pinned
from tests.bench import step
from tests.bench.ledger import Ledger
from tests.bench.subject import Ran, Work, end, proportional_bytes, run_all, spawn, wait_until
from tests.control.postgres import free_port

_PROGRAM = Path(__file__).parents[1] / "programs" / "prefect_flows.py"
_POOL = "bench"
_FAILED = ("FAILED", "CRASHED", "CANCELLED")


class Prefect:
    """Server, and one process that starts flow runs.

    Args:
        home: A folder for everything this writes.
        serve: `flow.serve` that looks for runs every second, or a worker as it comes (it looks
            every ten).
    """

    def __init__(self, home: Path, *, serve: bool = True) -> None:
        self.name = "prefect-serve" if serve else "prefect-worker"
        self._home = home / self.name
        self._home.mkdir(mode=0o755)
        for file in (step.__file__, _PROGRAM):
            shutil.copy(file, self._home)
        self._ledger = Ledger(self._home / "ledger")
        self._serves = serve
        layout = Layout(Settings())
        install(layout, ["prefect"], Silent())
        self._python = layout.environment_dir("prefect") / "bin" / "python"
        self._port = free_port()
        self._processes: list[Popen[bytes]] = []
        self._http = httpx2.Client(
            base_url=f"http://{LOOPBACK}:{self._port}/api", timeout=60, trust_env=False
        )
        self._deployments: dict[str, str] = {}

    def _environment(self) -> dict[str, str]:
        told = {
            "HOME": self._home,
            "PYTHONPATH": self._home,
            "PREFECT_HOME": self._home / "prefect",
            "PREFECT_API_URL": f"http://{LOOPBACK}:{self._port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        if self._serves:
            told["PREFECT_RUNNER_POLL_FREQUENCY"] = "1"
        return {name: str(value) for name, value in told.items()}

    def start(self) -> None:
        """See base class."""
        self._spawn("server", "-m", "prefect", "server", "start", "--port", self._port)
        wait_until(self._answers, 120, f"{self.name} to answer", first_pause_s=0.1)
        if not self._serves:
            self._do("-m", "prefect", "work-pool", "create", _POOL, "-t", "process")
            self._do("prefect_flows.py", "deploy")
        self._spawn_runner()
        wait_until(self._deployed, 120, f"{self.name}: its deployments", first_pause_s=0.1)

    def _spawn(self, name: str, *words: object) -> None:
        argv = (self._python, *words)
        self._processes.append(spawn(argv, self._home, name, self._environment()))

    def _spawn_runner(self) -> None:
        if self._serves:
            self._spawn("runner", "prefect_flows.py", "serve")
        else:
            words = ("-m", "prefect", "worker", "start", "--pool", _POOL)
            self._spawn("runner", *words)

    def _do(self, *words: object) -> None:
        process = spawn((self._python, *words), self._home, "setup", self._environment())
        if process.wait(120) != 0:
            raise RuntimeError(f"{self.name}: {(self._home / 'setup.log').read_text()[-1000:]}")

    def _answers(self) -> bool:
        try:
            return self._http.get("/health").status_code == 200
        except httpx2.TransportError:
            return False

    def _deployed(self) -> bool:
        for name in ("chain", "wide"):
            answer = self._http.get(f"/deployments/name/{name}/bench")
            if answer.status_code != 200:
                return False
            self._deployments[name] = answer.json()["id"]
        return True

    def stop(self) -> None:
        """See base class."""
        self._http.close()
        end(reversed(self._processes))
        self._processes = []

    def prepare(self, work: Work) -> None:
        """See base class."""

    def run(self, work: Work, count: int = 1, *, within_s: float = 400) -> Ran:
        """See base class."""
        self._ledger.turn()
        parameters = {
            "ledger": str(self._ledger.path),
            "size": work.size,
            "seconds": work.seconds,
        }
        path = f"/deployments/{self._deployments[work.shape]}/create_flow_run"

        def call() -> str:
            return self._json("POST", path, json={"parameters": parameters})["id"]

        def has_ended(run_id: str) -> bool:
            state = self._json("GET", f"/flow_runs/{run_id}")["state_type"]
            if state in _FAILED:
                raise RuntimeError(f"{self.name}: {run_id} of {work.name} is {state}")
            return state == "COMPLETED"

        what = f"{self.name}: {count} {work.name}"
        called_ns, finished_ns = run_all(call, has_ended, count, within_s, what)
        return Ran(called_ns, finished_ns, self._ledger.steps())

    def _json(self, method: str, path: str, **given: Any) -> Any:
        # A busy server refuses for a moment; Prefect's own client asks again as well.
        for pause_s in (0.1, 0.5, 1, 2, 4):
            answer = self._http.request(method, path, **given)
            if answer.status_code != 503:
                break
            time.sleep(pause_s)
        answer.raise_for_status()
        return answer.json()

    def memory_bytes(self) -> int:
        """See base class."""
        return proportional_bytes(self._home)

    def versions(self) -> Mapping[str, str]:
        """See base class."""
        return {"prefect": pinned().environments["prefect"].version}
