"""A cancelled run's work is gone within seconds: the process table and Trino are asked."""

import base64
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import (
    JobEnvironment,
    NotebookTask,
    RunResultState,
    SparkPythonTask,
    SqlTask,
    SqlTaskFile,
    Task,
)
from databricks.sdk.service.workspace import ImportFormat, Language

from activities.processes import MARKER
from spec.ids import submit_key
from tests.integration.stack import Stack, queries, wait_for
from tests.integration.workers import make_open_folder

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

WITHIN_S = 5.0
FOLDER = "/Shared/cancel"
ENVIRONMENT = JobEnvironment(environment_key="py", spec=Environment(environment_version="2"))

TREE = '''
import os, pathlib, signal, subprocess, sys, time
BELOW = """
import os, pathlib, signal, subprocess, sys, time
{ignore}
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
if {depth}:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]])
time.sleep(600)
"""
deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
leaf = BELOW.format(ignore=deaf, depth=0)
child = BELOW.format(ignore="", depth=1)
alone = BELOW.format(ignore=deaf, depth=1)
pids = sys.argv[1]
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(pids, str(os.getpid())).touch()
subprocess.Popen([sys.executable, "-c", child, pids, leaf])
subprocess.Popen([sys.executable, "-c", alone, pids, leaf], start_new_session=True, env={})
time.sleep(600)
'''
NOTEBOOK = """# Databricks notebook source
import os, pathlib, time
pathlib.Path(dbutils.widgets.get("pids"), str(os.getpid())).touch()
time.sleep(600)
"""
SPARK = """
import os, pathlib, sys, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
pids = sys.argv[1]
pathlib.Path(pids, str(os.getpid())).touch()

def work(part):
    pathlib.Path(pids, str(os.getpid())).touch()
    time.sleep(600)

spark.sparkContext.parallelize(range(2), 2).foreach(work)
"""
DUCKDB = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 1"
TRINO = (
    "SELECT count(*) FROM tpch.sf1000.lineitem a, tpch.sf1000.lineitem b "
    "WHERE a.orderkey + b.orderkey = 1"
)


def tasks(pids: Path) -> list[Task]:
    """Return tasks that take for ever, one of each kind."""

    def sql(engine: str) -> Task:
        file = SqlTaskFile(path=f"{FOLDER}/{engine}.sql")
        return Task(task_key=engine, sql_task=SqlTask(warehouse_id=engine, file=file))

    def code(key: str, environment: str | None) -> Task:
        program = SparkPythonTask(f"{FOLDER}/{key}.py", parameters=[str(pids)])
        return Task(task_key=key, spark_python_task=program, environment_key=environment)

    notebook = NotebookTask(f"{FOLDER}/notebook", base_parameters={"pids": str(pids)})
    return [
        code("tree", "py"),
        Task(task_key="notebook", notebook_task=notebook, environment_key="py"),
        code("spark", None),
        sql("duckdb"),
        sql("trino"),
    ]


def upload(client: WorkspaceClient) -> None:
    client.workspace.mkdirs(FOLDER)
    raw = {"tree.py": TREE, "spark.py": SPARK, "duckdb.sql": DUCKDB, "trino.sql": TRINO}
    for name, text in raw.items():
        content = base64.b64encode(text.encode()).decode()
        client.workspace.import_(
            f"{FOLDER}/{name}", content=content, format=ImportFormat.RAW, overwrite=True
        )
    client.workspace.import_(
        f"{FOLDER}/notebook",
        content=base64.b64encode(NOTEBOOK.encode()).decode(),
        format=ImportFormat.SOURCE,
        language=Language.PYTHON,
        overwrite=True,
    )


def marked(marks: Sequence[str]) -> list[psutil.Process]:
    """Return the living processes that carry one of these attempts' marks."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) in marks:
                found.append(process)
        except psutil.Error:
            continue
    return found


def living(pids: Path) -> list[psutil.Process]:
    """Return those of the written-down processes that live."""
    found: list[psutil.Process] = []
    for entry in pids.iterdir():
        try:
            process = psutil.Process(int(entry.name))
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def test_cancelling_a_run_stops_all_its_real_work(whole_stack: Stack) -> None:
    client = whole_stack.client()
    upload(client)
    pids = make_open_folder(whole_stack.data_dir.parent / f"cancel-{uuid4().hex}")
    job = client.jobs.create(name="cancel", tasks=tasks(pids), environments=[ENVIRONMENT])
    run_id = client.jobs.run_now(job.job_id or 0).run_id
    # The tree has five, the notebook one, Spark its driver's Python and two workers.
    wait_for(lambda: len(living(pids)) == 9, 120, "all processes")
    keys = {
        task.task_key: submit_key(task.run_id or 0)
        for task in client.jobs.get_run(run_id).tasks or []
    }

    marks = {name: str(whole_stack.layout.attempts_dir / key) for name, key in keys.items()}

    def states() -> list[str]:
        return [query.state for query in queries(whole_stack, keys["trino"])]

    wait_for(lambda: marked([marks["duckdb"]]), 60, "DuckDB")
    wait_for(lambda: states() == ["RUNNING"], 60, "Trino's query")
    assert any(process.name() == "java" for process in marked([marks["spark"]]))

    began = time.monotonic()
    client.jobs.cancel_run(run_id)

    def gone() -> float | None:
        left = living(pids) or marked(list(marks.values())) or "RUNNING" in states()
        return None if left else time.monotonic() - began

    took = wait_for(gone, 30, "the end of all work")
    assert took <= WITHIN_S, f"{took:.1f} s"
    assert states() == ["FAILED"]
    run = client.jobs.wait_get_run_job_terminated_or_skipped(run_id)
    assert run.state and run.state.result_state is RunResultState.CANCELED
    results = {task.state.result_state for task in run.tasks or [] if task.state}
    assert results == {RunResultState.CANCELED}
