"""kill -9 of the engine worker at every boundary of submit: one outside application per attempt."""

import base64
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import (
    JobEnvironment,
    Run,
    RunResultState,
    SparkPythonTask,
    SqlTask,
    SqlTaskFile,
    Task,
    TaskDependency,
)
from databricks.sdk.service.workspace import ImportFormat

from activities.faults import OF_TASKS, Point
from spec.ids import submit_key
from spec.tasks import Engine
from tests.integration.stack import Stack, catalog, queries, snapshots, wait_for
from tests.integration.workers import Mortal, ask_for, has_fired, make_open_folder

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

ENGINES = (Engine.PYTHON, Engine.SPARK, Engine.DUCKDB, Engine.TRINO)
FOLDER = "/Shared/submit"
SCHEMA = "submits"
MOVED = "trino_moved"
"""The task whose worker is replaced by another host's, once its INSERT has landed."""
ENVIRONMENT = JobEnvironment(environment_key="py", spec=Environment(environment_version="2"))

PYTHON = """
import os, pathlib, sys, time
ledger, gate = map(pathlib.Path, sys.argv[1:])
with ledger.open("a") as file:
    file.write(f"{os.environ['OPENLAKE_TASK_RUN_ID']} {os.getpid()}\\n")
print("ran once", flush=True)
while gate.exists():
    time.sleep(0.05)
"""
SPARK = (
    PYTHON
    + """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
with ledger.open("a") as file:
    file.write(spark.sparkContext.applicationId + "\\n")
assert spark.range(3).count() == 3
"""
)
DUCKDB = """
INSERT INTO {table} SELECT :attempt AS attempt
WHERE (SELECT count(*) FROM read_csv('{gate}', header = false, columns = {{'line': 'VARCHAR'}})) = 1
"""
TRINO = """
INSERT INTO {table} SELECT :attempt AS attempt
WHERE (SELECT sum(length(to_hex(sha512(CAST(comment AS varbinary))))) FROM tpch.{size}.lineitem) > 0
"""


LEDGERS = (Engine.PYTHON, Engine.SPARK)
TABLES = (Engine.DUCKDB, Engine.TRINO)


def key_of(engine: Engine, point: Point) -> str:
    return f"{engine.value}_{point.value}"


def table_of(key: str) -> str:
    return f"{SCHEMA}.{key}"


@dataclass
class Story:
    """One run in which every task saw its worker die at its own boundary."""

    stack: Stack
    run: Run
    ledgers: Path
    faults: Path
    deaths: Mapping[Engine, int]

    def attempts(self, key: str) -> list[Any]:
        return [task for task in self.run.tasks or [] if task.task_key == key]


class Scene:
    """Writes the job, and helps it on its way as a supervisor and a clock would."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.client: WorkspaceClient = stack.client()
        self.elsewhere = folder / "elsewhere"
        self.ledgers = make_open_folder(folder / "ledgers")
        self.gates = make_open_folder(folder / "gates")
        self.faults = folder / "faults"
        self.faults.mkdir()

    def tasks(self) -> list[Task]:
        """Return one chain an engine: there is one death at a time."""
        made = [
            self.task(engine, point, None if before is None else key_of(engine, before))
            for engine in ENGINES
            for before, point in pairwise([None, *OF_TASKS])
            if point is not None
        ]
        last = key_of(Engine.TRINO, Point.BEFORE_FINISH)
        return [*made, self.task(Engine.TRINO, Point.AFTER_HANDLE, last, MOVED)]

    def task(self, engine: Engine, point: Point, after: str | None, key: str | None = None) -> Task:
        """Return the task that dies there; it waits at its gate if it has to live on for that."""
        key = key or key_of(engine, point)
        ask_for(self.faults, point, key)
        waits = point is Point.AFTER_HANDLE
        gate = self.gates / key
        common = {
            "task_key": key,
            "depends_on": None if after is None else [TaskDependency(after)],
        }
        if engine in LEDGERS:
            if waits:
                gate.touch()
            words = [str(self.ledgers / key), str(gate)]
            code = SparkPythonTask(f"{FOLDER}/{engine.value}.py", parameters=words)
            environment = "py" if engine is Engine.PYTHON else None
            return Task(**common, spark_python_task=code, environment_key=environment)
        if engine is Engine.DUCKDB:
            if waits:
                os.mkfifo(gate)
                gate.chmod(0o666)
            else:
                gate.write_text("open\n")
        size = "sf1" if waits else "tiny"
        text = DUCKDB if engine is Engine.DUCKDB else TRINO
        self.upload(f"{key}.sql", text.format(table=table_of(key), gate=gate, size=size))
        file = SqlTaskFile(path=f"{FOLDER}/{key}.sql")
        sql = SqlTask(
            warehouse_id=engine.value, file=file, parameters={"attempt": "{{task.run_id}}"}
        )
        return Task(**common, sql_task=sql)

    def upload(self, name: str, text: str) -> None:
        self.client.workspace.import_(
            f"{FOLDER}/{name}",
            content=base64.b64encode(text.encode()).decode(),
            format=ImportFormat.RAW,
            overwrite=True,
        )

    def make_tables(self) -> None:
        lake = catalog(self.stack)
        lake.create_namespace_if_not_exists(SCHEMA)
        for key in (MOVED, *(key_of(engine, point) for engine in TABLES for point in OF_TASKS)):
            if lake.table_exists(table_of(key)):
                lake.drop_table(table_of(key))
            lake.create_table(table_of(key), pa.schema([("attempt", pa.string())]))

    def may_return(self, engine: Engine, worker: Mortal) -> bool:
        """Let every worker return at once; the last one of Trino's late, and as another host."""
        if engine is not Engine.TRINO or not has_fired(self.faults, Point.AFTER_HANDLE, MOVED):
            return True
        self.elsewhere.mkdir(exist_ok=True)
        worker.host, worker.folder = "elsewhere", self.elsewhere
        return bool(snapshots(self.stack, table_of(MOVED)))

    def open_gates(self) -> None:
        """Let those go on whose worker has died while they were waiting."""
        for gate in self.gates.iterdir():
            if has_fired(self.faults, Point.AFTER_HANDLE, gate.name) and _open(gate):
                gate.unlink()

    def tell(self) -> Story:
        """Run the job, raising every worker that dies, and return how it went."""
        self.client.workspace.mkdirs(FOLDER)
        self.upload("python.py", PYTHON)
        self.upload("spark.py", SPARK)
        self.make_tables()
        made = self.client.jobs.create(
            name="submit", tasks=self.tasks(), environments=[ENVIRONMENT]
        )
        workers = {each: Mortal(self.stack, [each], self.faults) for each in ENGINES}
        try:
            for worker in workers.values():
                worker.start()
            run_id = self.client.jobs.run_now(made.job_id or 0).run_id

            def ended() -> Run | None:
                self.open_gates()
                for engine, worker in workers.items():
                    if worker.has_died() and self.may_return(engine, worker):
                        worker.start()
                run = self.client.jobs.get_run(run_id)
                return run if run.end_time else None

            run = wait_for(ended, 500, "the end of the run")
        finally:
            for worker in workers.values():
                worker.stop()
        deaths = {engine: worker.deaths for engine, worker in workers.items()}
        return Story(self.stack, run, self.ledgers, self.faults, deaths)


def _open(gate: Path) -> bool:
    """Open a gate; False when it is a pipe at which nobody has arrived yet."""
    if stat.S_ISFIFO(gate.stat().st_mode):
        try:
            descriptor = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        with os.fdopen(descriptor, "w") as file:
            file.write("open\n")
    return True


@pytest.fixture(scope="module")
def story(whole_stack: Stack) -> Iterator[Story]:
    """The run, made once: most of its time is Temporal's patience with silent workers."""
    folder = whole_stack.data_dir.parent / f"submit-{uuid4().hex}"
    folder.mkdir()
    folder.chmod(0o755)
    whole_stack.command("down", "--only", "engine-worker")
    try:
        yield Scene(whole_stack, folder).tell()
    finally:
        whole_stack.up()
        shutil.rmtree(folder)


def test_every_worker_died_at_every_boundary(story: Story) -> None:
    assert story.run.state and story.run.state.result_state is RunResultState.SUCCESS, story.run
    missed = [
        key_of(engine, point)
        for engine in ENGINES
        for point in OF_TASKS
        if not has_fired(story.faults, point, key_of(engine, point))
    ]
    assert missed == []
    assert story.deaths == dict.fromkeys(ENGINES, len(OF_TASKS)) | {Engine.TRINO: len(OF_TASKS) + 1}


@pytest.mark.parametrize("point", OF_TASKS)
@pytest.mark.parametrize("engine", ENGINES)
def test_one_attempt_is_one_outside_application(story: Story, engine: Engine, point: Point) -> None:
    key = key_of(engine, point)
    [attempt] = story.attempts(key)
    assert attempt.attempt_number == 0
    assert attempt.state and attempt.state.result_state is RunResultState.SUCCESS
    task_run_id = str(attempt.run_id)
    if engine in LEDGERS:
        lines = (story.ledgers / key).read_text().splitlines()
        # A start writes a line; in Spark the application writes another.
        assert len(lines) == (1 if engine is Engine.PYTHON else 2), lines
        assert lines[0].split()[0] == task_run_id
        assert story.stack.command("runs", "logs", task_run_id).count("ran once") == 1
        return
    check_one_row(story, key, task_run_id)
    if engine is Engine.TRINO:
        found = queries(story.stack, submit_key(int(task_run_id)))
        assert [query.state for query in found] == ["FINISHED"], found


def test_a_landed_insert_is_not_sent_again_by_another_host(story: Story) -> None:
    [attempt] = story.attempts(MOVED)
    assert attempt.attempt_number == 0
    assert attempt.state and attempt.state.result_state is RunResultState.SUCCESS
    check_one_row(story, MOVED, str(attempt.run_id))
    assert len(queries(story.stack, submit_key(attempt.run_id))) == 1


def check_one_row(story: Story, key: str, task_run_id: str) -> None:
    rows = catalog(story.stack).load_table(table_of(key)).scan().to_arrow().to_pylist()
    assert rows == [{"attempt": task_run_id}]
    stamps = [each["openlake.task-run-id"] for each in snapshots(story.stack, table_of(key))]
    assert stamps == [task_run_id]
