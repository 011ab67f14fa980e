"""What engine workers get and leave; every call may be repeated."""

import json
from typing import Any

import httpx2
import pytest

from control.db import Database
from control.gateway.tokens import AttemptClaims, verify
from control.projection import Projector
from spec.attempts import AttemptResult
from spec.events import RunStarted
from spec.ids import run_of
from tests.control.conftest import SIGNING_KEY, Recorder
from tests.control.make import create_job, put_file, python_task, run_now
from tests.control.test_projection import T0, Play


@pytest.fixture
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py", b"import helper\n")


def ref(plan: Any, ordinal: int = 1, task_key: str = "a", attempt: int = 0) -> dict[str, Any]:
    engine = next(task.engine for task in plan.tasks if task.task_key == task_key)
    return {
        "workspace_id": plan.workspace_id,
        "job_id": plan.job_id,
        "run_id": plan.run_id,
        "task_key": task_key,
        "attempt": attempt,
        "task_run_id": plan.run_id + ordinal,
        "engine": engine.value,
    }


async def open_attempt(
    worker: httpx2.AsyncClient, named: dict[str, Any], host: str = "h1"
) -> httpx2.Response:
    return await worker.post(
        f"/attempts/{named['task_run_id']}/open", json={"host": host, "ref": named}
    )


async def test_open_returns_the_work_and_is_idempotent(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    database: Database,
) -> None:
    helper = await put_file(database, "/jobs/lib/helper.py", b"x = 1\n")
    await put_file(database, "/other.py")
    task = python_task("a", timeout_seconds=60)
    task["spark_python_task"]["parameters"] = ["{{job.parameters.month}}", "{{nope}}"]
    job_id = await create_job(
        api, tasks=[task], parameters=[{"name": "month", "default": "{{job.start_time.year}}-01"}]
    )
    run_id = await run_now(api, job_id)
    named = ref(launcher.plans[run_id])
    answer = await open_attempt(worker, named)
    assert answer.status_code == 200, answer.text
    work = answer.json()
    year = work["started_at"][:4]
    assert work["program"] == {
        "type": "python",
        "path": "jobs/main.py",
        "parameters": [f"{year}-01", "{{nope}}"],
    }
    assert work["files"] == {"jobs/main.py": main_file, "jobs/lib/helper.py": helper}
    assert work["timeout_s"] == 60
    assert work["key"] == f"openlake-{run_id + 1}"
    assert work["environment"]["MLFLOW_EXPERIMENT_NAME"] == "/flights"
    tags = json.loads(work["environment"]["MLFLOW_RUN_CONTEXT"])
    assert tags["openlake.run_id"] == str(run_id)
    assert tags["openlake.task_key"] == "a"
    claims = verify(SIGNING_KEY, work["catalog"]["token"])
    assert isinstance(claims, AttemptClaims)
    assert (claims.run_id, claims.task_run_id) == (run_id, run_id + 1)
    again = (await open_attempt(worker, named, host="h2")).json()
    assert (again["started_at"], again["host"]) == (work["started_at"], "h1")
    content = await worker.get(f"/blobs/{main_file}")
    assert content.content == b"import helper\n"


async def test_files_are_pinned_when_the_run_is_admitted(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, main_file: str, launcher: Recorder
) -> None:
    run_id = await run_now(api, await create_job(api))
    await api.post("/api/2.0/workspace/mkdirs", json={"path": "/jobs"})
    body = {"path": "/jobs/main.py", "content": "cHJpbnQoMik=", "format": "AUTO", "overwrite": True}
    assert (await api.post("/api/2.0/workspace/import", json=body)).status_code == 200
    work = (await open_attempt(worker, ref(launcher.plans[run_id]))).json()
    assert work["files"] == {"jobs/main.py": main_file}


async def test_a_later_attempt_ends_the_earlier_one(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, main_file: str, launcher: Recorder
) -> None:
    run_id = await run_now(api, await create_job(api))
    plan = launcher.plans[run_id]
    assert (await open_attempt(worker, ref(plan))).status_code == 200
    assert (await open_attempt(worker, ref(plan, 2, attempt=1))).status_code == 200
    zombie = await open_attempt(worker, ref(plan))
    assert (zombie.status_code, zombie.json()["error_code"]) == (409, "ATTEMPT_OVER")
    output = await worker.put(f"/attempts/{run_id + 1}/output", json={"values": {"rows": 1}})
    assert (output.status_code, output.json()["error_code"]) == (409, "ATTEMPT_OVER")


async def test_values_reach_later_tasks(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, main_file: str, launcher: Recorder
) -> None:
    second = python_task("b", "a")
    second["spark_python_task"]["parameters"] = ["{{tasks.a.values.rows}}"]
    run_id = await run_now(api, await create_job(api, tasks=[python_task("a"), second]))
    plan = launcher.plans[run_id]
    await open_attempt(worker, ref(plan))
    output = {"values": {"rows": [1, 2], "name": "x"}}
    assert (await worker.put(f"/attempts/{run_id + 1}/output", json=output)).status_code == 200

    play = Play(plan)
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("a", AttemptResult.SUCCESS)
    database: Database = worker._transport.app.state.deps.database  # type: ignore[attr-defined]
    await Projector(database).project(play.batch())
    work = (await open_attempt(worker, ref(plan, 2, "b"))).json()
    assert work["program"]["parameters"] == ["[1,2]"]
    assert work["upstream_values"] == {"a": output["values"]}


async def test_notebooks_and_sql_get_job_parameters(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    database: Database,
) -> None:
    await put_file(
        database,
        "/jobs/nb",
        b"# Databricks notebook source\n",
        kind="NOTEBOOK",
        language="PYTHON",
        suffix=".py",
    )
    await put_file(database, "/jobs/q.sql", b"select :month")
    saved = await api.post("/api/2.0/sql/queries", json={"query": {"query_text": "select 7"}})
    query_id = saved.json()["id"]
    tasks = [
        {
            "task_key": "n",
            "notebook_task": {
                "notebook_path": "/jobs/nb",
                "base_parameters": {"month": "9", "other": 1},
            },
        },
        {
            "task_key": "q",
            "sql_task": {"warehouse_id": "trino", "query": {"query_id": query_id}},
        },
        {
            "task_key": "s",
            "sql_task": {"warehouse_id": "duckdb", "file": {"path": "/jobs/q.sql"}},
        },
    ]
    job_id = await create_job(api, tasks=tasks, parameters=[{"name": "month", "default": "1"}])
    run_id = await run_now(api, job_id, job_parameters={"month": "2"})
    plan = launcher.plans[run_id]
    notebook = (await open_attempt(worker, ref(plan, 1, "n"))).json()["program"]
    assert notebook == {
        "type": "notebook",
        "path": "jobs/nb.py",
        "parameters": {"month": "2", "other": "1"},
    }
    sql = (await open_attempt(worker, ref(plan, 2, "s"))).json()
    assert (
        sql["program"]
        | {
            "text": "select :month",
            "parameters": {"month": "2"},
        }
        == sql["program"]
    )
    assert sql["files"] == {}
    saved_sql = (await open_attempt(worker, ref(plan, 3, "q"))).json()
    assert saved_sql["program"]["text"] == "select 7"
    assert saved_sql["files"] == {}


async def test_logs_are_appended_at_their_end_only(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, main_file: str, launcher: Recorder
) -> None:
    run_id = await run_now(api, await create_job(api))
    named = ref(launcher.plans[run_id])
    await open_attempt(worker, named)
    path = f"/attempts/{run_id + 1}/logs"
    assert (await worker.get(path)).json() == {"size": 0}

    async def put(offset: int, content: bytes) -> int:
        answer = await worker.put(path, params={"offset": offset}, content=content)
        assert answer.status_code == 200, answer.text
        return answer.json()["size"]

    assert await put(0, b"one\n") == 4
    assert await put(0, b"one\n") == 4
    assert await put(9, b"far\n") == 4
    assert await put(4, b"two\n") == 8
    assert (await worker.get(path)).json() == {"size": 8}


async def test_the_internal_api_wants_the_worker_token(
    worker: httpx2.AsyncClient, token: str
) -> None:
    for given in (token, "nonsense"):
        answer = await worker.get("/blobs/x", headers={"Authorization": f"Bearer {given}"})
        assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")
    assert run_of(5) == 0


async def test_later_tasks_may_name_an_earlier_notebook(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    database: Database,
) -> None:
    source = b"# Databricks notebook source\n"
    fields = {"kind": "NOTEBOOK", "language": "PYTHON", "suffix": ".py"}
    await put_file(database, "/jobs/nb", source, **fields)
    second = python_task("b", "a")
    second["spark_python_task"]["parameters"] = ["{{tasks.a.notebook_path}} {{task.notebook_path}}"]
    first = {"task_key": "a", "notebook_task": {"notebook_path": "/jobs/nb"}}
    run_id = await run_now(api, await create_job(api, tasks=[first, second]))
    plan = launcher.plans[run_id]
    play = Play(plan)
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("a", AttemptResult.SUCCESS)
    await Projector(database).project(play.batch())
    work = (await open_attempt(worker, ref(plan, 2, "b"))).json()
    assert work["program"]["parameters"] == ["/jobs/nb {{task.notebook_path}}"]
