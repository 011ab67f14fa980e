"""Tasks forked from a warm interpreter, by the API alone: a task, and a for-each of twenty."""

import base64
from typing import Any

import pytest
from databricks.sdk.errors import InvalidParameterValue
from databricks.sdk.service.workspace import ImportFormat

from tests.integration.stack import Stack

pytestmark = pytest.mark.integration

_FILE = "/Shared/forks/step.py"
_SOURCE = """
import sys
# A fresh interpreter has not imported this; a warm one has.
print("forked", "decimal" in sys.modules, *sys.argv[1:])
from databricks.sdk.runtime import dbutils
dbutils.jobs.taskValues.set("word", "-".join(sys.argv[1:]))
"""


def _task(key: str, isolation: str, *words: str, **more: Any) -> dict[str, Any]:
    code = {"python_file": _FILE, "parameters": list(words)}
    where = {"environment_key": "py", "isolation": isolation}
    return {"task_key": key, "spark_python_task": code, **where, **more}


def test_forked_tasks_are_tasks_like_any_other(whole_stack: Stack) -> None:
    client = whole_stack.client()
    client.workspace.mkdirs("/Shared/forks")
    content = base64.b64encode(_SOURCE.encode()).decode()
    client.workspace.import_(_FILE, content=content, format=ImportFormat.RAW, overwrite=True)
    each = _task("each_one", "FORK", "{{input}}", "{{tasks.first.values.word}}")
    job = {
        "name": "forks",
        "environments": [{"environment_key": "py", "spec": {"environment_version": "2"}}],
        "tasks": [
            _task("first", "FORK", "a", "b"),
            _task("fresh", "PROCESS", "c"),
            {
                "task_key": "each",
                "depends_on": [{"task_key": "first"}],
                "for_each_task": {
                    "inputs": str(list(range(20))),
                    "concurrency": 20,
                    "task": each,
                },
            },
        ],
    }
    api: Any = client.api_client
    job_id = api.do("POST", "/api/2.2/jobs/create", body=job)["job_id"]
    kept = api.do("GET", "/api/2.2/jobs/get", query={"job_id": job_id})["settings"]["tasks"]
    assert kept[0]["isolation"] == "FORK"
    run = whole_stack.finished(whole_stack.start_run(job_id), 90)
    assert run["state"]["result_state"] == "SUCCESS", run["state"]
    logs = {task["task_key"]: _log(client, task["run_id"]) for task in run["tasks"]}
    assert (logs["first"], logs["fresh"]) == ("forked True a b\n", "forked False c\n")
    iterations = next(task for task in run["tasks"] if task["task_key"] == "each")
    page = api.do("GET", "/api/2.2/jobs/runs/get", query={"run_id": iterations["run_id"]})
    said = {_log(client, each["run_id"]) for each in page["iterations"]}
    assert said == {f"forked True {number} a-b\n" for number in range(20)}


def _log(client: Any, run_id: int) -> str:
    return client.jobs.get_run_output(run_id).logs or ""


def test_isolation_is_refused_where_it_would_have_no_effect(whole_stack: Stack) -> None:
    task = {"task_key": "a", "isolation": "FORK", "spark_python_task": {"python_file": "/a.py"}}
    with pytest.raises(InvalidParameterValue, match="environment_key"):
        whole_stack.client().api_client.do(
            "POST", "/api/2.2/jobs/create", body={"name": "x", "tasks": [task]}
        )
