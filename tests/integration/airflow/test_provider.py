"""Operators of Airflow's own Databricks provider run against OpenLake, unchanged."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from control.cli.client import Api
from tests.integration.stack import Stack, result_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

_SCRIPT = Path(__file__).parent / "provider.py"
_SLOW = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 1"
_LASTING = "SELECT count(*) FROM range(40000) a, range(40000) b WHERE a.range * b.range < 0"
_FOLDER = "/Shared/provider"


@pytest.fixture
def api(stack: Stack) -> Iterator[Api]:
    """A session with the stack's API."""
    api = Api(stack.layout.api_url, stack.layout.secret("token"))
    yield api
    api.close()


def _put(api: Api, name: str, text: str, **fields: str) -> str:
    """Put a file into the workspace; return its path."""
    api.post("/api/2.0/workspace/mkdirs", {"path": _FOLDER})
    content = base64.b64encode(text.encode()).decode()
    body = {"path": f"{_FOLDER}/{name}", "content": content, "overwrite": True}
    api.post("/api/2.0/workspace/import", {"format": "AUTO", **body, **fields})
    return f"{_FOLDER}/{name}"


def _sql(path: str, **parameters: str) -> dict[str, Any]:
    body = {"warehouse_id": "duckdb", "file": {"path": path}, "parameters": parameters}
    return {"task_key": "sql", "sql_task": body}


def _job(api: Api, name: str, task: dict[str, Any], **fields: Any) -> int:
    return int(
        api.post("/api/2.2/jobs/create", {"name": name, "tasks": [task], **fields})["job_id"]
    )


def _of(operator: str, **arguments: Any) -> dict[str, Any]:
    return {"do": "operate", "operator": f"Databricks{operator}Operator", "arguments": arguments}


def _carry_out(stack: Stack, environment: Path, home: Path, plan: dict[str, Any]) -> dict[str, Any]:
    connection = {
        "conn_type": "databricks",
        "host": "127.0.0.1",
        "schema": "http",
        "port": stack.ports["api"],
        "password": stack.layout.secret("token"),
    }
    done = subprocess.run(
        [environment / "bin" / "python", _SCRIPT],
        input=json.dumps(plan),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW_CONN_DATABRICKS_DEFAULT": json.dumps(connection),
        },
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_operators_run_jobs_and_submit_runs(
    stack: Stack, api: Api, airflow_environment: Path, tmp_path: Path
) -> None:
    echo = _put(api, "echo.sql", "SELECT :p AS p")
    number = _put(api, "number.sql", "SELECT CAST(:p AS INT) AS p")
    slow = _put(api, "slow.sql", _SLOW)
    notebook = _put(
        api,
        "notebook",
        "dbutils.notebook.exit('seen ' + dbutils.widgets.get('day'))",
        format="SOURCE",
        language="PYTHON",
    )
    script = _put(api, "script.py", "import sys; print('told', sys.argv[1])")
    given = {"parameters": [{"name": "p", "default": "x"}]}
    name, token = f"by name {uuid4().hex}", uuid4().hex
    job_id = _job(api, "provided", _sql(echo, p="{{job.parameters.p}}"), **given)
    _job(api, name, _sql(echo, p="{{job.parameters.p}}"), **given)
    broken = _job(api, "to be repaired", _sql(number, p="no number"))
    endless = _job(api, "endless", _sql(slow))
    mended = {"tasks": [_sql(number, p="1")]}
    once = {"job_id": job_id, "idempotency_token": token, "job_parameters": {"p": "7"}}
    cluster = {"spark_version": "18.0.x-scala2.13", "node_type_id": "default", "num_workers": 1}
    plan: dict[str, Any] = {
        "connection": {"do": "connect"},
        "run": _of("RunNow", **once),
        "run again": _of("RunNow", **once),
        "by name, deferred": _of("RunNow", job_name=name, deferrable=True),
        "unknown name": _of("RunNow", job_name="no such job"),
        "repaired": _of(
            "RunNow",
            job_id=broken,
            repair_run=True,
            databricks_repair_reason_new_settings={"": mended},
        ),
        "killed": {**_of("RunNow", job_id=endless), "do": "kill"},
        "submitted": _of(
            "SubmitRun",
            run_name="tasks",
            tasks=[_sql(echo, p="3")],
            idempotency_token=f"submitted {token}",
        ),
        "script": _of(
            "SubmitRun",
            new_cluster=cluster,
            spark_python_task={"python_file": script, "parameters": ["7"]},
        ),
        "notebook, deferred": _of(
            "SubmitRun",
            existing_cluster_id="default",
            notebook_task={"notebook_path": notebook, "base_parameters": {"day": "Monday"}},
            deferrable=True,
        ),
        "failed, deferred": _of("SubmitRun", tasks=[_sql(number, p="no number")], deferrable=True),
        "statement": _of("SQLStatements", statement="SELECT 1", warehouse_id="duckdb"),
        # One that is over when it has been sent is not deferred.
        "statement, deferred": _of(
            "SQLStatements", statement=_LASTING, warehouse_id="duckdb", deferrable=True
        ),
        "bad statement": _of(
            "SQLStatements", statement="SELECT * FROM no.such", warehouse_id="duckdb"
        ),
    }
    single = _single_tasks(api)
    done = _carry_out(stack, airflow_environment, tmp_path, plan | single)
    _check_single_tasks(stack, api, done)

    assert done["connection"] == [True, "Connection successfully tested"]
    outcomes = {name: done[name]["outcome"] for name in plan if name != "connection"}
    wanted = {
        "run": "success",
        "run again": "success",
        "by name, deferred": "deferred success",
        "submitted": "success",
        "script": "success",
        "notebook, deferred": "deferred success",
        "statement": "success",
        "statement, deferred": "deferred success",
    }
    assert {name: outcomes[name] for name in wanted} == wanted
    assert done["run"]["run_id"] == done["run again"]["run_id"]
    run = stack.run(done["run"]["run_id"])
    assert (run["job_id"], _rows(api, run)) == (job_id, [["7"]])
    assert done["run"]["run_page_url"] == run["run_page_url"]
    assert _rows(api, stack.run(done["submitted"]["run_id"])) == [["3"]]
    assert "told 7" in _output(api, stack.run(done["script"]["run_id"]))["logs"]
    seen = _output(api, stack.run(done["notebook, deferred"]["run_id"]))["notebook_output"]
    assert seen["result"] == "seen Monday"

    # The provider repairs the run, waits for it, and then fails the task all the same.
    repaired = _with_history(api, done["repaired"]["run_id"])
    assert (result_of(repaired), len(repaired["repair_history"])) == ("SUCCESS", 2)
    assert "Job ID for job name no such job can not be found" in outcomes["unknown name"]
    killed = stack.finished(done["killed"]["run_id"], 60)
    assert result_of(killed).startswith("CANCELED") and "CANCELED" in outcomes["killed"]
    assert outcomes["failed, deferred"].startswith("deferred ")
    assert "no number" in outcomes["failed, deferred"]
    assert "FAILED" in outcomes["bad statement"]


def _single_tasks(api: Api) -> dict[str, Any]:
    """Return a plan of the operators that ask for their task's run right after its submit."""
    told = "dbutils.notebook.exit('seen ' + dbutils.widgets.get('day'))"
    notebook = _put(api, "told", told, format="SOURCE", language="PYTHON")
    script = _put(api, "script_told.py", "import sys; print('told', sys.argv[1])")
    asleep = _put(api, "asleep.py", "import time; time.sleep(5)")
    broken = _put(api, "broken.py", "raise ValueError('no luck')")
    here = {"existing_cluster_id": "default"}

    def on_notebook(**fields: Any) -> dict[str, Any]:
        given = {"notebook_path": notebook, "source": "WORKSPACE", **here, **fields}
        return _of("Notebook", notebook_params={"day": "Monday"}, **given)

    def on_task(path: str, *parameters: str, **fields: Any) -> dict[str, Any]:
        body = {"python_file": path, "parameters": list(parameters)}
        return _of("Task", task_config={"spark_python_task": body}, **here, **fields)

    tasks = {
        "first": on_task(asleep),
        "second": {**on_notebook(), "after": ["first"]},
        "third": {**on_task(broken), "after": ["second"]},
        "never": {**on_notebook(), "after": ["first"]},
    }
    return {
        "notebook, at once": on_notebook(deferrable=True),
        "task, at once": on_task(script, "8", max_retries=1),
        "workflow": {
            "do": "group",
            "name": f"group-{uuid4().hex}",
            "tasks": tasks,
            "kill": "never",
        },
    }


def _check_single_tasks(stack: Stack, api: Api, done: dict[str, Any]) -> None:
    assert done["notebook, at once"]["outcome"] == "deferred success"
    assert done["task, at once"]["outcome"] == "success"
    workflow = done["workflow"]
    assert (workflow["first"], workflow["second"]) == ("success", "success")
    assert "no luck" in workflow["third"] and "CANCELED" in workflow["never"]
    run = stack.finished(workflow["run_id"], 60)
    tasks = {task["task_key"]: task for task in run["tasks"]}
    seen = api.get("/api/2.2/jobs/runs/get-output", run_id=tasks["second"]["run_id"])
    assert seen["notebook_output"]["result"] == "seen Monday"
    assert tasks["never"]["state"]["result_state"] == "CANCELED", "and its siblings went on"
    assert tasks["never"]["execution_duration"] == 0


def _output(api: Api, run: dict[str, Any]) -> dict[str, Any]:
    (task,) = run["tasks"]
    return api.get("/api/2.2/jobs/runs/get-output", run_id=task["run_id"])


def _rows(api: Api, run: dict[str, Any]) -> list[list[str]]:
    return _output(api, run)["sql_output"]["query_output"]["rows"]


def _with_history(api: Api, run_id: int) -> dict[str, Any]:
    return api.get("/api/2.2/jobs/runs/get", run_id=run_id, include_history=True)
