"""A real Airflow 3 for tests, in an environment and a folder of its own: nothing of it is left."""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psutil

from activities.config import AirflowServer

T = TypeVar("T")
_PARTS = ("api-server", "dag-processor", "scheduler --skip-serve-logs")


class Airflow:
    """API server, scheduler with its local executor, and DAG processor, on SQLite.

    Args:
        environment: The Python environment that has Airflow.
        home: An empty folder.
    """

    def __init__(self, environment: Path, home: Path) -> None:
        """See class."""
        self._python = environment / "bin" / "python"
        self.home = home
        self.dags = home / "dags"
        self.dags.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.server = AirflowServer(self.url, "admin", secrets.token_hex(8))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._given: dict[str, str] = {}
        self._http = httpx2.Client(base_url=self.url, timeout=20, trust_env=False)

    def environment(self) -> dict[str, str]:
        """What its processes are told."""
        told = {
            "core__dags_folder": str(self.dags),
            "core__load_examples": "False",
            "core__executor": "LocalExecutor",
            "core__parallelism": "4",
            "core__dags_are_paused_at_creation": "False",
            "core__simple_auth_manager_users": "admin:admin",
            "core__simple_auth_manager_passwords_file": str(self.home / "passwords.json"),
            "core__execution_api_server_url": f"{self.url}/execution/",
            "api__host": "127.0.0.1",
            "api__port": str(self._port),
            "api__base_url": self.url,
            "api__workers": "1",
            "api_auth__jwt_secret": secrets.token_hex(32),
            "database__sql_alchemy_conn": f"sqlite:///{self.home}/airflow.db",
            "dag_processor__refresh_interval": "1",
            "dag_processor__min_file_process_interval": "1",
            "scheduler__scheduler_idle_sleep_time": "0.2",
            "workers__min_heartbeat_interval": "1",
        }
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "AIRFLOW_HOME": str(self.home),
            **{f"AIRFLOW__{name.upper()}": value for name, value in told.items()},
        }

    def start(self, **variables: str) -> None:
        """Make its database, start its parts, and wait until they are well."""
        (self.home / "passwords.json").write_text(json.dumps({"admin": self.server.password}))
        self._given = {**self.environment(), **variables}
        self._spawn("db migrate", self._given).wait(120)
        self._processes = [self._spawn(part, self._given) for part in _PARTS]
        self.wait(self._is_well, 120, "Airflow to be well")
        answer = self._http.post(
            "/auth/token", json={"username": "admin", "password": self.server.password}
        )
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _spawn(self, words: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.home / f"{words.split()[0]}.log").open("wb") as log:
            return subprocess.Popen(
                [self._python, "-m", "airflow", *words.split()],
                env=environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _is_well(self) -> bool:
        for process in self._processes:
            assert process.poll() is None, (self.home / "api-server.log").read_text()[-2000:]
        try:
            health = self._http.get("/api/v2/monitor/health").json()
        except httpx2.TransportError:
            return False
        return all(health[part]["status"] == "healthy" for part in ("scheduler", "dag_processor"))

    def stop(self) -> None:
        """End every process that came of this, and wait until all are gone."""
        self._http.close()
        families: list[psutil.Process] = []
        for process in self._processes:
            try:
                whole = psutil.Process(process.pid)
                families += [whole, *whole.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
        for each in families:
            _signal(each, signal.SIGTERM)
        _, alive = psutil.wait_procs(families, timeout=2)
        for each in alive:
            _signal(each, signal.SIGKILL)
        psutil.wait_procs(alive, timeout=5)
        for process in self._processes:
            process.wait(10)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Read from its REST API."""
        return self._http.get(f"/api/v2{path}", params=query).json()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Write by its REST API."""
        return self._http.post(f"/api/v2{path}", json=body).json()

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change something by its REST API."""
        return self._http.patch(f"/api/v2{path}", json=body).json()

    def trigger(self, dag_id: str, **conf: Any) -> str:
        """Start a DAG run; return its id."""
        return self.post(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})[
            "dag_run_id"
        ]

    def states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return how the tasks of a DAG run stand."""
        answer = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")
        return {each["task_id"]: each["state"] for each in answer["task_instances"]}

    def returned(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return what a task of a DAG run returned."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.get(path)["value"]

    def wait(self, ask: Callable[[], T | None], within_s: float, what: str) -> T:
        """Return the first answer that is true."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if answer := ask():
                return answer
            time.sleep(0.1)
        raise AssertionError(f"{what}: not within {within_s} s")

    def knows(self, dag_id: str) -> bool:
        """Tell whether a DAG has been read; fails when a file cannot be."""
        wrong = self.get("/importErrors")["import_errors"]
        assert not wrong, wrong[0]["stack_trace"]
        return self.get(f"/dags/{dag_id}").get("is_stale") is False


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
