"""The jobs of the harness, and what one trial asks of them, all through the public API."""

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from control.stack.parts import Profile
from tests.chaos.client import Json, Patient

_ROOT = "/Shared/chaos"
_ENVIRONMENT = {"environment_key": "py", "spec": {"environment_version": "2"}}
_RETRIES: Json = {"max_retries": 3, "min_retry_interval_millis": 500, "retry_on_timeout": False}
LINES = 20
"""Every Python task prints so many."""
ATTEMPTS = 1 + _RETRIES["max_retries"]
LEFT, RIGHT, THIRD = "py_rows", "sql_rows", "more_rows"
PUBLISHED = (LEFT, RIGHT, THIRD)
"""What a run of `publish` appends one row each to, or to none of them."""
_TICK = "0/4 * * * * ?"
_ANSWER = 41


@dataclass(frozen=True)
class Kind:
    """What a job is made of and what may become of its runs."""

    limit: int = 20
    """Its `max_concurrent_runs`; who has to wait, waits."""
    is_pure: bool = True
    """Its tasks need nothing but what the witness holds: they fail only if they are hit."""
    runs: int = 1
    """A trial asks for so many at once."""


KINDS: Mapping[str, Kind] = {
    "chain": Kind(),
    "fan": Kind(),
    "each": Kind(),
    "limited": Kind(limit=2, runs=4),
    "publish": Kind(limit=1, runs=2, is_pure=False),
    "sql": Kind(limit=1, is_pure=False),
    "tick": Kind(),
    "spark": Kind(),
}
"""By the name of the job; `tick` is started by its schedule, `spark` needs the full profile."""


@dataclass
class Asked:
    """What a trial has asked for: idempotency token → run id, and statements."""

    runs: dict[str, int] = field(default_factory=dict[str, int])
    kinds: dict[int, str] = field(default_factory=dict[int, str])
    """Run id → kind; the schedule's runs are added at the end."""
    statements: list[str] = field(default_factory=list[str])
    cancelled: set[int] = field(default_factory=set[int])
    """Runs that were asked to end."""


class Workload:
    """The jobs on one stack.

    Args:
        api: Who makes and runs them.
        witness_url: Where their tasks write.
        schema: Of their tables; made here.
        profile: Of the stack: with the full one, Spark works too, and Trino writes a third of what
            is published.
    """

    def __init__(self, api: Patient, witness_url: str, schema: str, profile: Profile) -> None:
        """See class."""
        self._api, self._url, self.schema = api, witness_url, schema
        self._profile: Profile = profile
        self.jobs: dict[str, int] = {}

    def deploy(self) -> None:
        """Upload the program and make every job; the schedule is paused."""
        self._api.ask("POST", "/api/2.0/workspace/mkdirs", body={"path": self._folder})
        self._upload("program.py", (Path(__file__).parent / "program.py").read_text())
        for name, kind in KINDS.items():
            if name == "spark" and self._profile == "embedded":
                continue
            body: Json = {
                "name": f"{self.schema} {name}",
                "tasks": list(self._tasks(name)),
                "environments": [_ENVIRONMENT],
                "max_concurrent_runs": kind.limit,
                "queue": {"enabled": True},
            }
            if name == "publish":
                body["publish"] = {"on_failure": "drop_branch"}
            if name == "tick":
                body["schedule"] = _schedule("PAUSED")
            made = self._api.ask("POST", "/api/2.2/jobs/create", body=body)
            self.jobs[name] = made["job_id"]

    def remove(self) -> None:
        """Delete the jobs, for a stack that others go on with."""
        for job_id in self.jobs.values():
            self._api.ask("POST", "/api/2.2/jobs/delete", body={"job_id": job_id})

    def ask_for(self, names: Sequence[str], statements: int, asked: Asked) -> None:
        """Start runs at once, each under a token of its own, and note them."""
        for name in names:
            for _ in range(KINDS[name].runs if name != "tick" else 0):
                token = f"chaos-{uuid4().hex}"
                body = {"job_id": self.jobs[name], "idempotency_token": token}
                answer = self._api.ask("POST", "/api/2.2/jobs/run-now", body=body)
                asked.runs[token] = answer["run_id"]
                asked.kinds[answer["run_id"]] = name
        for _ in range(statements):
            asked.statements.append(self._state())

    def schedule(self, status: str) -> None:
        """Let the schedule fire, or pause it."""
        body = {"job_id": self.jobs["tick"], "new_settings": {"schedule": _schedule(status)}}
        self._api.ask("POST", "/api/2.2/jobs/update", body=body)

    def run(self, run_id: int) -> Json:
        """Read a run."""
        found: Json = self._api.ask("GET", "/api/2.2/jobs/runs/get", run_id=run_id)
        return found

    def cancel(self, run_id: int) -> None:
        """Ask a run to end; one that has ended stays as it is."""
        self._api.ask("POST", "/api/2.2/jobs/runs/cancel", body={"run_id": run_id})

    def runs_of(self, name: str, since_ms: int) -> list[Json]:
        """List a job's runs that were made since an instant, by the API's pages."""
        found: list[Json] = []
        query: Json = {"job_id": self.jobs[name], "start_time_from": since_ms}
        while True:
            page = self._api.ask("GET", "/api/2.2/jobs/runs/list", **query)
            found += page.get("runs", [])
            if not page.get("next_page_token"):
                return found
            query["page_token"] = page["next_page_token"]

    def answer(self, statement_id: str) -> Json:
        """Read a statement."""
        found: Json = self._api.ask("GET", f"/api/2.0/sql/statements/{statement_id}")
        return found

    def log(self, task_run_id: int) -> str:
        """Read an attempt's log."""
        found: str = self._api.ask("GET", f"/api/openlake/1.0/task-runs/{task_run_id}/logs")
        return found

    def select(self, text: str, within_s: float = 120) -> list[list[str]]:
        """Return the rows that a statement gives a reader on main."""
        body = {"warehouse_id": "duckdb", "statement": text, "wait_timeout": "10s"}
        said = self._api.ask("POST", "/api/2.0/sql/statements", body=body)
        end = time.monotonic() + within_s
        while said["status"]["state"] in ("PENDING", "RUNNING") and time.monotonic() < end:
            time.sleep(0.3)
            said = self.answer(said["statement_id"])
        assert said["status"]["state"] == "SUCCEEDED", said["status"]
        rows: list[list[str]] = said["result"].get("data_array", [])
        return rows

    @property
    def _folder(self) -> str:
        return f"{_ROOT}/{self.schema}"

    def _state(self) -> str:
        body = {
            "warehouse_id": "duckdb",
            "statement": f"SELECT {_ANSWER} AS answer",
            "wait_timeout": "0s",
        }
        said = self._api.ask("POST", "/api/2.0/sql/statements", body=body)
        return str(said["statement_id"])

    def _upload(self, name: str, text: str) -> str:
        path = f"{self._folder}/{name}"
        content = base64.b64encode(text.encode()).decode()
        body = {"path": path, "content": content, "format": "RAW", "overwrite": True}
        self._api.ask("POST", "/api/2.0/workspace/import", body=body)
        return path

    def _tasks(self, name: str) -> Iterator[Json]:
        match name:
            case "chain":
                yield self._code("c1")
                for number in (2, 3, 4):
                    yield self._code(f"c{number}", f"c{number - 1}")
            case "fan":
                yield self._code("root")
                leaves = [f"leaf{number}" for number in range(1, 5)]
                yield from (self._code(leaf, "root", seconds=2, fork=True) for leaf in leaves)
                yield self._code("join", *leaves)
            case "each":
                loop = {"inputs": "[1,2,3,4,5,6]", "concurrency": 3, "task": self._code("item")}
                yield {"task_key": "each", "for_each_task": loop}
            case "publish":
                yield self._code("left", table=self.table(LEFT))
                yield self._append("right", RIGHT)
                third = "trino" if self._profile == "full" else "duckdb"
                yield self._append("more", THIRD, "right", warehouse=third)
            case "sql":
                text = f"CREATE OR REPLACE TABLE {self.table('plain')} AS SELECT 1 AS one"
                yield self._sql("make", text)
                yield self._sql("read", f"SELECT one FROM {self.table('plain')}", "make")
            case "spark":
                yield self._code("s1", spark=True)
                yield self._code("s2", "s1", spark=True)
            case _:
                yield self._code(name, fork=name == "tick")

    def table(self, name: str) -> str:
        """Return a table's dotted name."""
        return f"{self.schema}.{name}"

    def _append(self, key: str, table: str, *needs: str, warehouse: str = "duckdb") -> Json:
        text = f"INSERT INTO {self.table(table)} SELECT CAST(:run AS BIGINT)"
        return self._sql(key, text, *needs, warehouse=warehouse)

    def _sql(self, key: str, text: str, *needs: str, warehouse: str = "duckdb") -> Json:
        task = {
            "warehouse_id": warehouse,
            "file": {"path": self._upload(f"{key}.sql", text)},
            "parameters": {"run": "{{job.run_id}}"},
        }
        return {"task_key": key, "depends_on": _after(needs), "sql_task": task, **_RETRIES}

    def _code(
        self,
        key: str,
        *needs: str,
        seconds: float = 1,
        table: str = "-",
        fork: bool = False,
        spark: bool = False,
    ) -> Json:
        task = {
            "python_file": f"{self._folder}/program.py",
            "parameters": [self._url, str(seconds), str(LINES), table, "spark" if spark else "-"],
        }
        python = {"environment_key": "py", "isolation": "FORK" if fork else "PROCESS"}
        return {
            "task_key": key,
            "depends_on": _after(needs),
            "spark_python_task": task,
            **({} if spark else python),
            **_RETRIES,
        }


def is_over(run: Json) -> bool:
    """Tell whether a run has ended, in Databricks' words."""
    return run["state"]["life_cycle_state"] in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")


def end_of(answer: Json) -> str:
    """Return nothing when a trial's statement gave what it had to, else an error code or state."""
    status = answer["status"]
    if status["state"] != "SUCCEEDED":
        return str(status.get("error", {}).get("error_code", status["state"]))
    rows = answer["result"]["data_array"]
    return "" if rows == [[str(_ANSWER)]] else f"the rows {rows}"


def _after(keys: Sequence[str]) -> list[dict[str, Any]]:
    return [{"task_key": key} for key in keys]


def _schedule(status: str) -> Json:
    return {"quartz_cron_expression": _TICK, "timezone_id": "UTC", "pause_status": status}
