"""Airflow 3, its local executor on PostgreSQL, tuned by documented settings or as it comes.

API server, scheduler and DAG processor are those that tests of the Airflow engine run; the database
is a PostgreSQL with the settings of OpenLake's own. How often files are read for new DAGs is raised
in both cases: that costs no run anything.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import psycopg2

from control.config import Settings
from control.stack.install import install
from control.stack.layout import LOOPBACK, Layout
from control.stack.progress import Silent
from control.stack.versions import pinned
from tests.bench import step
from tests.bench.ledger import Ledger
from tests.bench.subject import Ran, Work, proportional_bytes, run_all
from tests.integration.airflow.server import Airflow as Server
from tests.integration.stack import Stack

_PROGRAMS = Path(__file__).parents[1] / "programs"

_AS_IT_COMES = {
    "core__parallelism": "32",
    "scheduler__scheduler_idle_sleep_time": "1",
    "workers__min_heartbeat_interval": "5",
}
"""Its defaults, where the server of the tests has others."""

_TUNED = {
    "core__parallelism": "8",
    "core__max_active_tasks_per_dag": "64",
    "core__max_active_runs_per_dag": "64",
    "scheduler__scheduler_idle_sleep_time": "0.05",
    "workers__min_heartbeat_interval": "1",
}


class Airflow:
    """One Airflow, in an environment and a folder of its own.

    Args:
        home: A folder for everything this writes.
        tuned: With settings for short tasks, or as it comes.
    """

    def __init__(self, home: Path, *, tuned: bool = True) -> None:
        self.name = "airflow" if tuned else "airflow-as-it-comes"
        self._home = home / self.name
        self._home.mkdir(mode=0o755)
        self._code = self._home / "code"
        self._code.mkdir()
        shutil.copy(step.__file__, self._code)
        self._ledger = Ledger(self._home / "ledger")
        self._settings = _TUNED if tuned else _AS_IT_COMES
        self._postgres = Stack(self._home / "postgres", "embedded")
        layout = Layout(Settings())
        install(layout, ["airflow"], Silent())
        (self._home / "airflow").mkdir()
        self._server = Server(layout.environment_dir("airflow"), self._home / "airflow")

    def start(self) -> None:
        """See base class."""
        self._postgres.command("up", "--only", "postgres")
        variables = {**self._settings, "database__sql_alchemy_conn": self._make_database()}
        self._server.start(
            PYTHONPATH=str(self._code),
            **{f"AIRFLOW__{name.upper()}": value for name, value in variables.items()},
        )

    def _make_database(self) -> str:
        password = self._postgres.layout.secret("postgres")
        port = self._postgres.ports["postgres"]
        connection = psycopg2.connect(
            host=LOOPBACK, port=port, user="postgres", password=password, dbname="postgres"
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE airflow")
        connection.close()
        return f"postgresql+psycopg2://postgres:{password}@{LOOPBACK}:{port}/airflow"

    def stop(self) -> None:
        """See base class."""
        self._server.stop()
        self._postgres.command("down", check=False)

    def prepare(self, work: Work) -> None:
        """See base class."""
        if self._server.knows(work.name):
            return
        given = {
            "DAG_ID": work.name,
            "SHAPE": work.shape,
            "SIZE": work.size,
            "SECONDS": work.seconds,
            "LEDGER": str(self._ledger.path),
        }
        head = "".join(f"{name} = {value!r}\n" for name, value in given.items())
        body = (_PROGRAMS / "airflow_dag.py").read_text()
        (self._server.dags / f"{work.name}.py").write_text(head + body)
        self._server.wait(lambda: self._server.knows(work.name), 120, f"{work.name} to be read")

    def run(self, work: Work, count: int = 1, *, within_s: float = 400) -> Ran:
        """See base class."""
        self._ledger.turn()
        path = f"/dags/{work.name}/dagRuns"

        def call() -> str:
            return self._server.post(path, {"logical_date": None})["dag_run_id"]

        def has_ended(run_id: str) -> bool:
            state = self._server.get(f"{path}/{run_id}")["state"]
            if state == "failed":
                raise RuntimeError(f"{self.name}: {run_id} of {work.name} failed")
            return state == "success"

        what = f"{self.name}: {count} {work.name}"
        called_ns, finished_ns = run_all(call, has_ended, count, within_s, what)
        return Ran(called_ns, finished_ns, self._ledger.steps())

    def memory_bytes(self) -> int:
        """See base class."""
        return proportional_bytes(self._home)

    def versions(self) -> Mapping[str, str]:
        """See base class."""
        return {"airflow": pinned().environments["airflow"].version}
