"""A whole stack of its own for tests: real servers, driven by the same commands people type."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psutil
from databricks.sdk import WorkspaceClient

from control.cli.tables import open_catalog
from control.config import Ports, Settings
from control.stack.layout import Layout
from control.stack.parts import Profile
from control.stack.supervisor import Record

T = TypeVar("T")

ROOT = Path(__file__).parents[2]


def free_ports() -> dict[str, int]:
    """Return a free port for every part; all are held open until all are chosen."""
    sockets: list[socket.socket] = []
    for _ in Ports.model_fields:
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        sockets.append(one)
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return dict(zip(Ports.model_fields, ports, strict=True))


def wait_for(ask: Callable[[], T | None], within_s: float, what: str) -> T:
    """Return the first answer that is true; fail when none comes in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {within_s} s")


@dataclass
class Stack:
    """One running stack."""

    data_dir: Path
    profile: Profile
    ports: dict[str, int] = field(default_factory=free_ports)

    @property
    def environment(self) -> dict[str, str]:
        """What a person would have set in `.env`."""
        chosen = {f"OPENLAKE_PORTS__{name.upper()}": str(p) for name, p in self.ports.items()}
        # Receivers of notifications that tests run.
        chosen["OPENLAKE_NOTIFICATIONS__ALLOWED_NETWORKS"] = "127.0.0.0/8"
        return {**os.environ, **chosen, "OPENLAKE_DATA_DIR": str(self.data_dir), "COLUMNS": "140"}

    @property
    def layout(self) -> Layout:
        """Where everything of the stack is."""
        return Layout(Settings(data_dir=self.data_dir, ports=Ports(**self.ports)))

    def command(self, *words: str, within_s: float = 300, check: bool = True) -> str:
        """Run `openlake …` and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "control.cli", *words],
            env=self.environment,
            cwd=ROOT,
            timeout=within_s,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"openlake {' '.join(words)}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def json(self, *words: str, check: bool = True) -> Any:
        """Run `openlake … --output json` and return what it printed, read."""
        return json.loads(self.command(*words, "--output", "json", check=check))

    def up(self) -> None:
        """Start or mend."""
        self.command("up", "--profile", self.profile)

    def client(self) -> WorkspaceClient:
        """Return the unmodified SDK, pointed at the stack as `eval "$(openlake env)"` does."""
        words = shlex.split(self.command("env"))
        exports = dict(word.split("=", 1) for word in words if "=" in word)
        return WorkspaceClient(host=exports["DATABRICKS_HOST"], token=exports["DATABRICKS_TOKEN"])

    def process(self, part: str) -> psutil.Process:
        """Return the process of a part, by the record that `up` left."""
        record = Record.read(self.layout.run_dir / f"{part}.json")
        assert record is not None, f"{part} is not running"
        return psutil.Process(record.identity.pid)

    def kill(self, part: str) -> None:
        """Kill a part as a crash does: at once, nothing is written any more."""
        process = self.process(part)
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    def deploy(self, folder: str, *words: str) -> int:
        """Deploy an example and return its job id."""
        deployed = self.json("bundle", "deploy", str(ROOT / "docs" / "examples" / folder), *words)
        return int(next(iter(deployed["jobs"].values()))["job_id"])

    def start_run(self, job_id: int, **parameters: str) -> int:
        """Run a job now, without waiting."""
        given = [word for name, value in parameters.items() for word in ("-p", f"{name}={value}")]
        answer = self.json("jobs", "run", str(job_id), "--no-follow", *given)
        return int(answer["run_id"])

    def run(self, run_id: int) -> dict[str, Any]:
        """Read a run as it stands."""
        return self.json("runs", "get", str(run_id))

    def finished(self, run_id: int, within_s: float = 300) -> dict[str, Any]:
        """Wait for a run's end and return it; a part that is away meanwhile is waited for."""

        def ended() -> dict[str, Any] | None:
            try:
                run = self.run(run_id)
            except AssertionError:
                return None
            return run if run["end_time"] else None

        return wait_for(ended, within_s, f"the end of run {run_id}")

    def task(self, run_id: int, task_key: str) -> dict[str, Any]:
        """Return the latest attempt of a task."""
        made = [task for task in self.run(run_id)["tasks"] if task["task_key"] == task_key]
        return max(made, key=lambda task: task.get("attempt_number", 0))

    def await_running(self, run_id: int, task_key: str, within_s: float = 120) -> int:
        """Wait until a task's work is under way and return its task-run id."""

        def running() -> int | None:
            task = self.task(run_id, task_key)
            return task["run_id"] if task["state"]["life_cycle_state"] == "RUNNING" else None

        return wait_for(running, within_s, f"{task_key} to run")


def result_of(run: dict[str, Any]) -> str:
    """Return how a run ended, with why: for a test's own message."""
    return run["state"].get("result_state", "") + run["state"].get("state_message", "")


def catalog(stack: Stack) -> Any:
    """Return a PyIceberg catalog on the stack's gateway, as its first user."""
    return open_catalog(stack.layout)


def snapshots(stack: Stack, table: str) -> list[dict[str, str]]:
    """Return the summaries of a table's snapshots that added data, oldest first."""
    found = catalog(stack).load_table(table)
    return [
        dict(snapshot.summary.additional_properties)
        for snapshot in found.metadata.snapshots
        if snapshot.summary is not None and snapshot.summary.operation.value == "append"
    ]


@dataclass(frozen=True)
class Query:
    """A query that Trino remembers."""

    id: str
    state: str
    text: str


def queries(stack: Stack, source: str) -> list[Query]:
    """Return the queries that Trino has had from a source, oldest first."""
    text = (
        "SELECT query_id, state, query FROM system.runtime.queries "
        f"WHERE source = '{source}' ORDER BY created"
    )
    with httpx2.Client(timeout=60, trust_env=False) as http:
        user = {"X-Trino-User": "tests"}
        url = f"{stack.layout.trino_url}/v1/statement"
        page = http.post(url, content=text, headers=user).json()
        rows: list[list[str]] = []
        while "nextUri" in page:
            page = http.get(page["nextUri"], headers=user).json()
            assert "error" not in page, page["error"]
            rows += page.get("data", [])
    return [Query(*row) for row in rows]
