"""Jobs are edited while they run; what each run used and did can be shown afterwards."""

import base64
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import (
    JobEnvironment,
    JobSettings,
    NotebookTask,
    SqlTask,
    SqlTaskFile,
    Task,
    TaskDependency,
    ViewsToExport,
)
from databricks.sdk.service.workspace import ImportFormat

from tests.integration.stack import Stack, catalog, result_of

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

FOLDER = "/Shared/history"
FILL = """
CREATE SCHEMA IF NOT EXISTS history;
CREATE OR REPLACE TABLE history.numbers AS SELECT 1 AS n UNION ALL SELECT 2;
"""
SUM = "CREATE OR REPLACE TABLE history.total AS SELECT sum(n) AS total FROM history.numbers;"
NOTEBOOK = """# Databricks notebook source
import pathlib, time
gate = pathlib.Path(dbutils.widgets.get("gate"))
while gate.exists():
    time.sleep(0.05)

# COMMAND ----------

print("the word is", dbutils.widgets.get("word"))
"""


@pytest.fixture
def gate() -> Iterator[Path]:
    """A file by which a test holds a task; user code, which is another user, can see it."""
    folder = Path(tempfile.mkdtemp(prefix="openlake-gate-"))
    folder.chmod(0o755)
    yield folder / "gate"
    shutil.rmtree(folder)


def tasks(gate: Path, word: str) -> list[Task]:
    def sql(name: str) -> SqlTask:
        return SqlTask(warehouse_id="duckdb", file=SqlTaskFile(path=f"{FOLDER}/{name}.sql"))

    widgets = {"gate": str(gate), "word": word}
    return [
        Task("fill", sql_task=sql("fill")),
        Task("sum", sql_task=sql("sum"), depends_on=[TaskDependency("fill")]),
        Task(
            "note",
            notebook_task=NotebookTask(f"{FOLDER}/note", base_parameters=widgets),
            environment_key="py",
        ),
    ]


def upload(client: WorkspaceClient) -> None:
    client.workspace.mkdirs(FOLDER)
    for name, text in (("fill.sql", FILL), ("sum.sql", SUM), ("note.py", NOTEBOOK)):
        client.workspace.import_(
            f"{FOLDER}/{name}",
            content=base64.b64encode(text.encode()).decode(),
            format=ImportFormat.AUTO if name == "note.py" else ImportFormat.RAW,
            overwrite=True,
        )


def create(client: WorkspaceClient, gate: Path) -> int:
    environment = JobEnvironment("py", spec=Environment(environment_version="2"))
    made = client.jobs.create(name="history", tasks=tasks(gate, "old"), environments=[environment])
    assert made.job_id is not None
    return made.job_id


def test_a_run_keeps_its_settings_and_can_be_shown(
    stack: Stack, gate: Path, tmp_path: Path
) -> None:
    client = stack.client()
    upload(client)
    gate.touch()
    job_id = create(client, gate)
    run_id = stack.start_run(job_id)
    stack.await_running(run_id, "note")

    # The job is edited while it runs: the run goes on with what it has.
    client.jobs.update(job_id, new_settings=JobSettings(tasks=tasks(gate, "new")))
    gate.unlink()
    run = stack.finished(run_id)
    assert result_of(run) == "SUCCESS"
    page = client.jobs.export_run(
        stack.task(run_id, "note")["run_id"], views_to_export=ViewsToExport.CODE
    )
    assert page.views is not None
    content = page.views[0].content or ""
    assert "the word is old" in content

    used = stack.json("runs", "settings", str(run_id))
    note = next(task for task in used["settings"]["tasks"] if task["task_key"] == "note")
    assert (used["job_version"], note["notebook_task"]["base_parameters"]["word"]) == (1, "old")
    listed = stack.json("jobs", "history", str(job_id))
    assert [each["version"] for each in listed] == [2, 1]
    (change,) = stack.json("jobs", "diff", str(job_id))["changes"]
    assert change["path"] == "tasks[note].notebook_task.base_parameters.word"
    # Before the next run replaces the tables, and with them their snapshots.
    check_evidence(stack, run_id, tmp_path / "run.json")
    stack.command("jobs", "restore", str(job_id), "1")
    again = stack.finished(stack.start_run(job_id))
    assert (result_of(again), again["job_version"]) == ("SUCCESS", 3)


def check_evidence(stack: Stack, run_id: int, file: Path) -> None:
    stack.command("runs", "evidence", str(run_id), "--out", str(file))
    assert "unchanged" in stack.command("runs", "evidence", "--verify", str(file))
    told: dict[str, Any] = json.loads(file.read_text())
    attempts = {each["task_key"]: each for each in told["task_runs"]}
    (written,) = [
        each["snapshot_id"]
        for each in attempts["fill"]["commits"]
        if each["table"] == "history.numbers" and each["snapshot_id"]
    ]
    read = {each["table"]: each["snapshot_id"] for each in attempts["sum"]["reads"]}
    assert read["history.numbers"] == written
    # The catalog says the same of the snapshot as the evidence.
    table = catalog(stack).load_table("history.numbers")
    made_by = next(s for s in table.metadata.snapshots if str(s.snapshot_id) == written)
    assert made_by.summary["openlake.task-run-id"] == str(attempts["fill"]["task_run_id"])
    assert all(each["work_ended_at"] and each["host"] for each in attempts.values())
    tables = {node["name"] for node in told["lineage"]["nodes"] if node["type"] == "DATASET"}
    assert {"lakehouse.history.numbers", "lakehouse.history.total"} <= tables
    logged = stack.command("runs", "logs", str(run_id), "--task", "note").encode()
    assert len(logged) == attempts["note"]["log"]["size_bytes"] > 0


def test_a_repair_takes_the_settings_of_now_or_those_of_then(stack: Stack, gate: Path) -> None:
    client = stack.client()
    upload(client)
    job_id = create(client, gate)
    broken = tasks(gate, "old")
    broken[2].notebook_task = NotebookTask(f"{FOLDER}/note", base_parameters={"gate": str(gate)})
    client.jobs.update(job_id, new_settings=JobSettings(tasks=broken))
    run_id = stack.start_run(job_id)
    failed = stack.finished(run_id)
    assert failed["state"]["result_state"] == "FAILED"
    stack.command("jobs", "restore", str(job_id), "1")

    words = ("runs", "repair", str(run_id), "--all-failed")
    stack.command(*words, "--original-settings", check=False)
    assert stack.run(run_id)["state"]["result_state"] == "FAILED"
    said = stack.command(*words)
    assert "repair 2" in said
    whole = stack.run(run_id)
    assert result_of(whole) == "SUCCESS"
    attempts = [task["attempt_number"] for task in whole["tasks"]]
    assert attempts == [0, 0, 0, 1, 2]
    versions = [
        stack.json("runs", "settings", str(run_id), "--execution", str(n))["job_version"]
        for n in range(3)
    ]
    assert versions == [2, 2, 3]
