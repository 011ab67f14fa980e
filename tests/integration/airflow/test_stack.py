"""OpenLake and a real Airflow 3 together: a job triggers a DAG, and a DAG runs a job."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from activities.faults import OF_TASKS, Point
from control.airflow.compile import file_name
from control.cli.client import Api
from spec.tasks import Engine
from tests.integration.airflow.server import Airflow
from tests.integration.stack import ROOT, Stack, result_of, wait_for
from tests.integration.workers import Mortal, ask_for, has_fired, make_open_folder

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_SLOW = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 1"


@pytest.fixture
def api(stack: Stack) -> Iterator[Api]:
    """A session with the stack's API."""
    api = Api(stack.layout.api_url, stack.layout.secret("token"))
    yield api
    api.close()


def _sql(api: Api, key: str, text: str, *needs: str, **more: Any) -> dict[str, Any]:
    """Return a task that runs this SQL, whose file is put into the workspace."""
    path = f"/Shared/airflow/{key}.sql"
    api.post("/api/2.0/workspace/mkdirs", {"path": "/Shared/airflow"})
    content = base64.b64encode(text.encode()).decode()
    body = {"path": path, "content": content, "format": "AUTO", "overwrite": True}
    api.post("/api/2.0/workspace/import", body)
    parameters = more.pop("parameters", {})
    sql = {"warehouse_id": "duckdb", "file": {"path": path}, "parameters": parameters}
    edges = [{"task_key": need} for need in needs]
    return {"task_key": key, "depends_on": edges, "sql_task": sql, **more}


def _sync(stack: Stack, airflow: Airflow) -> dict[str, Any]:
    return stack.json("airflow", "sync", "--dags-folder", str(airflow.dags))


@pytest.fixture
def connected(stack: Stack, airflow: Airflow) -> Airflow:
    """The Airflow, which knows this OpenLake."""
    connection = {
        "connection_id": "openlake_default",
        "conn_type": "http",
        "host": "127.0.0.1",
        "port": stack.ports["api"],
        "password": stack.layout.secret("token"),
    }
    airflow.post("/connections", connection)
    return airflow


def test_a_dag_runs_the_tasks_of_its_job_and_follows_its_changes(
    stack: Stack, connected: Airflow, api: Api
) -> None:
    tasks = [
        _sql(api, "first", "SELECT 1"),
        _sql(api, "middle", "SELECT :p AS p", "first", parameters={"p": "{{job.parameters.p}}"}),
        _sql(api, "broken", "SELECT * FROM no.such", "first"),
        _sql(api, "alarm", "SELECT 1", "broken", run_if="ALL_FAILED"),
        _sql(api, "never", "SELECT 1", "broken"),
    ]
    job = {
        "name": "exported",
        "tags": {"airflow": "export"},
        "max_concurrent_runs": 4,
        "parameters": [{"name": "p", "default": "1"}],
        "tasks": tasks,
    }
    job_id = int(api.post("/api/2.2/jobs/create", job)["job_id"])
    assert _sync(stack, connected)["written"] == [file_name(job_id)]
    dag_id = f"openlake_job_{job_id}"
    wait_for(lambda: connected.knows(dag_id), 60, "the DAG to be read")

    run_id = connected.trigger(dag_id, p="7")
    path = f"/dags/{dag_id}/dagRuns/{run_id}"
    ended = wait_for(
        lambda: connected.get(path)["state"] in ("success", "failed"), 150, "the DAG run to end"
    )
    assert ended and connected.states(dag_id, run_id) == {
        "first": "success",
        "middle": "success",
        "broken": "failed",
        "alarm": "success",
        "never": "upstream_failed",
    }
    made = connected.returned(dag_id, run_id, "middle")["run_id"]
    run = stack.run(made)
    assert result_of(run) == "SUCCESS" and run["job_id"] == job_id
    (only,) = run["tasks"]
    assert only["task_key"] == "middle"
    output = api.get("/api/2.2/jobs/runs/get-output", run_id=only["run_id"])
    assert output["sql_output"]["query_output"]["rows"] == [["7"]]
    # Each of the four tasks that ran is one run in OpenLake.
    assert len(list(api.pages("/api/2.2/jobs/runs/list", "runs", 100, job_id=job_id))) == 4
    log = connected.get(f"{path}/taskInstances/broken/logs/1", full_content=True)
    assert "no.such" in json.dumps(log) or "CatalogException" in json.dumps(log)

    api.post("/api/2.2/jobs/update", {"job_id": job_id, "fields_to_remove": ["tasks/never"]})
    assert _sync(stack, connected)["written"] == [file_name(job_id)]
    wait_for(lambda: connected.get(f"/dags/{dag_id}/tasks")["total_entries"] == 4, 60, "the change")
    assert _sync(stack, connected)["same"] == 1
    api.post("/api/2.2/jobs/delete", {"job_id": job_id})
    assert _sync(stack, connected)["removed"] == [file_name(job_id)]
    assert not (connected.dags / file_name(job_id)).exists()


def test_a_task_that_is_failed_in_airflow_stops_its_run(
    stack: Stack, connected: Airflow, api: Api
) -> None:
    job = {"name": "endless", "tasks": [_sql(api, "endless", _SLOW)]}
    job_id = int(api.post("/api/2.2/jobs/create", job)["job_id"])
    stack.command("airflow", "export", str(job_id), "--output-dir", str(connected.dags))
    dag_id = f"openlake_job_{job_id}"
    wait_for(lambda: connected.knows(dag_id), 60, "the DAG to be read")
    connected.trigger(dag_id)

    def runs() -> list[dict[str, Any]]:
        return list(api.pages("/api/2.2/jobs/runs/list", "runs", 10, job_id=job_id))

    (run,) = wait_for(runs, 60, "the run to be made")
    stack.await_running(run["run_id"], "endless")
    (dag_run,) = connected.get(f"/dags/{dag_id}/dagRuns")["dag_runs"]
    path = f"/dags/{dag_id}/dagRuns/{dag_run['dag_run_id']}"
    connected.patch(path, {"state": "failed"})
    assert result_of(stack.finished(run["run_id"], 60)).startswith("CANCELED")


@pytest.fixture(scope="module")
def known(whole_stack: Stack, airflow: Airflow) -> Iterator[Airflow]:
    """The Airflow, which the stack's engine worker knows."""
    server = {"url": airflow.url, "username": "admin", "password": airflow.server.password}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENLAKE_WORKER__AIRFLOW", json.dumps({"airflow": server}))
        whole_stack.up()
        yield airflow
    whole_stack.up()


def test_the_example_triggers_its_dag(known: Airflow, stack: Stack, api: Api) -> None:
    folder = ROOT / "docs" / "examples" / "task_types"
    shutil.copy(folder / "airflow" / "openlake_example.py", known.dags)
    example = YAML(typ="safe").load(folder / "airflow.yml")["resources"]["jobs"]["airflow"]
    job_id = int(api.post("/api/2.2/jobs/create", example)["job_id"])
    wait_for(lambda: known.knows("openlake_example"), 60, "the DAG to be read")
    run = stack.finished(stack.start_run(job_id), 120)
    assert result_of(run) == "SUCCESS"
    (check,) = [task for task in run["tasks"] if task["task_key"] == "loaded_all"]
    assert check["condition_task"]["outcome"] == "true"


def test_a_job_triggers_a_dag_once_though_its_worker_dies(
    known: Airflow, stack: Stack, api: Api, tmp_path: Path
) -> None:
    gate = tmp_path / "open"
    conf = {"file": str(gate), "answer": "{{job.name}} {{job.parameters.n}}"}
    check = {"op": "EQUAL_TO", "left": "{{tasks.dag.values.return_value}}", "right": "outer 5"}
    job = {
        "name": "outer",
        "parameters": [{"name": "n", "default": "5"}],
        "tasks": [
            {"task_key": "dag", "airflow_task": {"dag_id": "gate", "conf": conf}},
            {
                "task_key": "check",
                "depends_on": [{"task_key": "dag"}],
                "condition_task": check,
            },
        ],
    }
    job_id = int(api.post("/api/2.2/jobs/create", job)["job_id"])
    run_id = stack.start_run(job_id)
    task_run_id = stack.await_running(run_id, "dag")
    path = f"/dags/gate/dagRuns/openlake-{task_run_id}"
    wait_for(lambda: known.get(path).get("state") == "running", 60, "the DAG run to begin")
    stack.kill("engine-worker")
    stack.up()
    gate.touch()
    run = stack.finished(run_id, 120)
    assert result_of(run) == "SUCCESS"
    (condition,) = [task for task in run["tasks"] if task["task_key"] == "check"]
    assert condition["condition_task"]["outcome"] == "true"
    assert known.get("/dags/gate/dagRuns")["total_entries"] == 1
    log = "".join(api.text(f"/api/openlake/1.0/task-runs/{task_run_id}/logs"))
    whats = [line.split("  ")[1] for line in log.splitlines()]
    assert whats == [
        "DAG run: queued",
        "DAG run: running",
        "waits, try 1: started",
        "waits, try 1: success",
        "DAG run: success",
    ]


def test_a_worker_that_dies_at_each_boundary_of_submit_makes_one_dag_run(
    known: Airflow, stack: Stack, api: Api, tmp_path: Path
) -> None:
    faults, gate = make_open_folder(tmp_path / "faults"), tmp_path / "open"
    # This one has to be followed for a while before it ends.
    dags = {point: "gate" if point is Point.AFTER_HANDLE else "good" for point in OF_TASKS}
    conf = {"file": str(gate), "answer": "done", "number": 1}
    # One after another: beside each other, the death that one task asked for could fall between
    # another's submit and the point behind it, which a worker that re-attaches never passes.
    tasks = [
        {
            "task_key": point.value,
            "depends_on": [{"task_key": before.value} for before in needs],
            "airflow_task": {"dag_id": dags[point], "conf": conf},
        }
        for point, needs in zip(OF_TASKS, [[], *([point] for point in OF_TASKS)], strict=False)
    ]
    job_id = int(api.post("/api/2.2/jobs/create", {"name": "mortal", "tasks": tasks})["job_id"])
    before = _dag_runs(known)
    for point in OF_TASKS:
        ask_for(faults, point, point.value)
    stack.command("down", "--only", "engine-worker")
    worker = Mortal(stack, [Engine.AIRFLOW], faults)
    worker.start()
    run_id = stack.start_run(job_id)

    def ended() -> dict[str, Any] | None:
        if worker.has_died():
            worker.start()
        if has_fired(faults, Point.AFTER_HANDLE, Point.AFTER_HANDLE.value):
            gate.touch()
        run = stack.run(run_id)
        return run if run["end_time"] else None

    try:
        run = wait_for(ended, 240, "the run to end")
    finally:
        worker.stop()
    assert result_of(run) == "SUCCESS"
    assert [point for point in OF_TASKS if not has_fired(faults, point, point.value)] == []
    assert [task["attempt_number"] for task in run["tasks"]] == [0] * len(OF_TASKS)
    made = {f"openlake-{task['run_id']}" for task in run["tasks"]}
    assert _dag_runs(known) - before == made and len(made) == len(OF_TASKS)


def _dag_runs(airflow: Airflow) -> set[str]:
    found = [airflow.get(f"/dags/{dag_id}/dagRuns")["dag_runs"] for dag_id in ("good", "gate")]
    return {each["dag_run_id"] for runs in found for each in runs}
