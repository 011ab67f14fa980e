"""OpenLake, by its public REST API: its own stack on a fresh folder, or one that runs already."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import httpx2
import psutil
from temporalio.api.history.v1 import HistoryEvent

from control.stack.layout import Layout
from control.stack.parts import Profile, parts_of
from control.temporal import connect
from tests.bench import step
from tests.bench.ledger import Ledger
from tests.bench.subject import Ran, Work, proportional_bytes, wait_until
from tests.integration.stack import Stack

Isolation = Literal["FORK", "PROCESS"]
_SCRIPT = "/Shared/bench/step.py"
_WORKERS = 16
"""Threads that call the API when many runs are started at once."""


class OpenLake:
    """The stack as `openlake up` starts it, with no-op Python tasks.

    Args:
        home: A folder for everything this writes.
        isolation: Of the tasks: forked from a warm interpreter, or a fresh process each.
        stack: One that runs already; it is left as it is in the end.
        profile: Of its own stack.
    """

    def __init__(
        self,
        home: Path,
        isolation: Isolation = "FORK",
        *,
        stack: Stack | None = None,
        profile: Profile = "embedded",
    ) -> None:
        self.name = "openlake" if isolation == "FORK" else "openlake-process"
        self.stack = stack or Stack(home / "data", profile)
        self._home, self._isolation = home, isolation
        self.is_ours = stack is None
        self.past_runs = 0
        """Copies of runs in its tables; see `tests.bench.pages`."""
        self._jobs: dict[str, int] = {}
        self._http = httpx2.Client(
            base_url=self.layout.api_url,
            timeout=60,
            trust_env=False,
            limits=httpx2.Limits(max_connections=_WORKERS),
        )
        self._ledger = Ledger(home / f"{self.name}.ledger")

    @property
    def layout(self) -> Layout:
        """Where everything of it is."""
        return self.stack.layout

    def start(self) -> None:
        """See base class."""
        if self.is_ours:
            self.stack.up()
        self._http.headers["Authorization"] = f"Bearer {self.layout.secret('token')}"
        self._call("/api/2.0/workspace/mkdirs", {"path": "/Shared/bench"})
        script = Path(step.__file__).read_bytes()
        form = {"path": _SCRIPT, "format": "RAW", "overwrite": "true"}
        sent = self._http.post(
            "/api/2.0/workspace/import", data=form, files={"content": ("step.py", script)}
        )
        sent.raise_for_status()

    def stop(self) -> None:
        """See base class."""
        self._http.close()
        if self.is_ours:
            self.stack.command("down", check=False)

    def prepare(self, work: Work) -> None:
        """See base class."""
        if work.name in self._jobs:
            return
        settings = {
            "name": f"bench {work.name} {self.name}",
            "tasks": self._tasks(work),
            "environments": [{"environment_key": "py", "spec": {"environment_version": "2"}}],
            "max_concurrent_runs": 1000,
        }
        self._jobs[work.name] = self._call("/api/2.2/jobs/create", settings)["job_id"]

    def run(self, work: Work, count: int = 1, *, within_s: float = 400) -> Ran:
        """See base class."""
        self._ledger.turn()
        called_ns = time.time_ns()
        runs = self.call(work, count)
        try:
            finished_ns = wait_until(lambda: self.finished(runs), within_s, f"{count} {work.name}")
        except TimeoutError:
            # What is measured next is not to be disturbed by it.
            for run_id in runs:
                self._call("/api/2.2/jobs/runs/cancel", {"run_id": run_id})
            raise
        return Ran(called_ns, finished_ns, self._ledger.steps())

    def call(self, work: Work, count: int = 1) -> list[int]:
        """Start so many runs at once, and return their ids."""
        job_id = self._jobs[work.name]

        def call(_: int) -> int:
            return self._call("/api/2.2/jobs/run-now", {"job_id": job_id})["run_id"]

        if count == 1:
            return [call(0)]
        with ThreadPoolExecutor(_WORKERS) as pool:
            return list(pool.map(call, range(count)))

    def finished(self, runs: list[int]) -> bool:
        """Tell whether all runs have ended; they are of one job.

        Raises:
            RuntimeError: One did not succeed.
        """
        if len(runs) == 1:
            found = [self.get("/api/2.2/jobs/runs/list", limit=1)["runs"][0]]
            if found[0]["run_id"] != runs[0]:
                found = [self.get("/api/2.2/jobs/runs/get", run_id=runs[0])]
        else:
            if self.get("/api/2.2/jobs/runs/list", limit=1, active_only="true").get("runs"):
                return False
            found = [self.get("/api/2.2/jobs/runs/get", run_id=run_id) for run_id in runs]
        if not all(run["end_time"] for run in found):
            return False
        for run in found:
            if run["state"].get("result_state") != "SUCCESS":
                raise RuntimeError(f"run {run['run_id']} ended as {run['state']}")
        return True

    def crash(self) -> None:
        """See base class."""
        self.stack.kill("engine-worker")
        self.stack.up()

    def memory_bytes(self) -> int:
        """See base class."""
        return proportional_bytes(self.layout.data_dir)

    def history(self, run: str) -> Sequence[HistoryEvent]:
        """See base class."""

        async def fetch() -> Sequence[HistoryEvent]:
            namespace = self.layout.settings.temporal.namespace
            client = await connect(self.layout.temporal_address, namespace, lazy=False)
            return (await client.get_workflow_handle(f"run/{run}").fetch_history()).events

        return asyncio.run(fetch())

    def processes(self) -> Mapping[str, psutil.Process]:
        """See base class."""
        parts = parts_of(self.layout, self.stack.profile)
        return {part.name: self.stack.process(part.name) for part in parts}

    def versions(self) -> Mapping[str, str]:
        """See base class."""
        return {part.name: part.version() for part in parts_of(self.layout, self.stack.profile)}

    def get(self, path: str, **query: Any) -> Any:
        """Read from its API."""
        answer = self._http.get(path, params=query)
        answer.raise_for_status()
        return answer.json()

    def _call(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._http.post(path, json=body)
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        return answer.json()

    def _tasks(self, work: Work) -> list[dict[str, Any]]:
        if work.shape == "for_each":
            each = {
                "inputs": json.dumps(list(range(work.size))),
                "concurrency": 100,
                "task": self._task("one", "{{input}}", work.seconds),
            }
            return [{"task_key": "each", "for_each_task": each}]
        tasks = [self._task(f"t{i}", str(i), work.seconds) for i in range(work.size)]
        if work.shape == "chain":
            for before, after in pairwise(tasks):
                after["depends_on"] = [{"task_key": before["task_key"]}]
        return tasks

    def _task(self, key: str, number: str, seconds: float) -> dict[str, Any]:
        words = [str(self._ledger.path), "{{job.run_id}}", number, str(seconds)]
        task: dict[str, Any] = {
            "task_key": key,
            "environment_key": "py",
            "spark_python_task": {"python_file": _SCRIPT, "parameters": words},
        }
        if self._isolation != "PROCESS":
            task["isolation"] = self._isolation
        return task
