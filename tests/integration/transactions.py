"""Jobs that are transactions, on a stack; and a control worker that can be held between steps."""

import base64
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ImportFormat

from tests.integration.stack import ROOT, Stack, catalog, wait_for
from tests.integration.workers import make_open_folder

FOLDER = "/Shared/transactions"
ENVIRONMENT = {"environment_key": "py", "spec": {"environment_version": "2"}}

Json = dict[str, Any]


def after(*keys: str) -> list[Json]:
    """Say what a task depends on."""
    return [{"task_key": key} for key in keys]


@dataclass
class Lab:
    """Makes jobs and looks at what became of them.

    Args:
        stack: Where.
        folder: That user code can reach.
    """

    stack: Stack
    folder: Path
    schema: str = field(default_factory=lambda: f"tx_{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        make_open_folder(self.folder)
        self.client.workspace.mkdirs(f"{FOLDER}/{self.schema}")
        self.lake.create_namespace(self.schema)

    @cached_property
    def client(self) -> WorkspaceClient:
        """The unmodified SDK; `publish` is beyond its words, so jobs are made with its `do`."""
        return self.stack.client()

    @cached_property
    def lake(self) -> Any:
        """The lakehouse as a reader on main sees it."""
        return catalog(self.stack)

    def upload(self, name: str, text: str) -> str:
        """Put a file into the workspace; return its path."""
        path = f"{FOLDER}/{self.schema}/{name}"
        content = base64.b64encode(text.format(schema=self.schema).encode()).decode()
        self.client.workspace.import_(
            path, content=content, format=ImportFormat.RAW, overwrite=True
        )
        return path

    def sql(self, key: str, warehouse: str, text: str, *needs: str) -> Json:
        """Return a SQL task; `{schema}` in its text is the lab's own."""
        path = self.upload(f"{key}-{uuid4().hex[:6]}.sql", text)
        task = {"warehouse_id": warehouse, "file": {"path": path}}
        return {"task_key": key, "depends_on": after(*needs), "sql_task": task}

    def code(self, key: str, text: str, *needs: str, words: tuple[str, ...] = ()) -> Json:
        """Return a task that runs Python."""
        path = self.upload(f"{key}-{uuid4().hex[:6]}.py", text)
        return {
            "task_key": key,
            "depends_on": after(*needs),
            "environment_key": "py",
            "spark_python_task": {"python_file": path, "parameters": list(words)},
        }

    def check(self, key: str, warehouse: str, *needs: str, **rule: Any) -> Json:
        """Return a check task."""
        task = {"warehouse_id": warehouse, **rule}
        return {"task_key": key, "depends_on": after(*needs), "check_task": task}

    def table(self, name: str) -> str:
        """Return a table's dotted name."""
        return f"{self.schema}.{name}"

    def start(self, *tasks: Json, **publish: Any) -> int:
        """Make a job that is a transaction and run it; return the run's id."""
        body = {
            "name": f"transaction {tasks[0]['task_key']}",
            "tasks": list(tasks),
            "environments": [ENVIRONMENT],
            "publish": publish,
        }
        made = self.do("POST", "/api/2.2/jobs/create", body=body)
        return self.do("POST", "/api/2.2/jobs/run-now", body={"job_id": made["job_id"]})["run_id"]

    def do(self, verb: str, path: str, **what: Any) -> Json:
        """Call the API."""
        answer: Any = self.client.api_client.do(verb, path, **what)
        return answer

    def run(self, run_id: int) -> Json:
        """Read a run."""
        return self.do("GET", "/api/2.2/jobs/runs/get", query={"run_id": run_id})

    def ended(self, run_id: int, within_s: float = 120) -> Json:
        """Wait for a run's end."""

        def over() -> Json | None:
            run = self.run(run_id)
            return run if run.get("end_time") else None

        return wait_for(over, within_s, f"the end of run {run_id}")

    def output(self, run: Json, task_key: str) -> Json:
        """Return what the latest attempt of a task left."""
        attempt = attempts(run, task_key)[-1]["run_id"]
        return self.do("GET", "/api/2.2/jobs/runs/get-output", query={"run_id": attempt})

    def rows(self, name: str) -> list[Json]:
        """Return what a reader on main finds in a table, in no order."""
        return self.lake.load_table(self.table(name)).scan().to_arrow().to_pylist()

    def on_main(self) -> set[str]:
        """Return the tables of the schema that a reader on main sees."""
        return {name for _, name in self.lake.list_tables(self.schema)}


def attempts(run: Json, task_key: str) -> list[Json]:
    """Return the attempts of a task, oldest first."""
    return [task for task in run["tasks"] if task["task_key"] == task_key and task.get("run_id")]


def result(run: Json) -> str:
    """Return how a run or attempt ended."""
    return run["state"].get("result_state", "")


def message(run: Json) -> str:
    """Return what is said of it."""
    return run["state"].get("state_message", "")


@dataclass
class HeldWorker:
    """A control worker in place of the stack's own; see `control.faults`."""

    stack: Stack
    faults: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        environment = {**self.stack.environment, "OPENLAKE_FAULTS": str(self.faults)}
        words = [sys.executable, "-m", "control.cli", "worker", "control"]
        with (self.faults / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                words, env=environment, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def kill(self) -> None:
        """End it as a crash does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def hold(self, steps: tuple[str, ...]) -> None:
        """Ask that whoever comes first past each of these steps waits there."""
        for step in steps:
            (self.faults / step).touch()

    def all_held(self, steps: tuple[str, ...]) -> bool:
        """Tell whether somebody waits at each of them."""
        return all((self.faults / f"{step}.reached").exists() for step in steps)

    def release(self, steps: tuple[str, ...]) -> None:
        """Let all go on."""
        for step in steps:
            (self.faults / f"{step}.reached").unlink(missing_ok=True)


@contextmanager
def held_worker(stack: Stack, faults: Path) -> Iterator[HeldWorker]:
    """Put a worker that can be held in the place of the stack's own."""
    faults.mkdir()
    stack.command("down", "--only", "control-worker")
    worker = HeldWorker(stack, faults)
    worker.start()
    try:
        yield worker
    finally:
        worker.kill()
        stack.command("up", "--profile", stack.profile, "--only", "control-worker")
