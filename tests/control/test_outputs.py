"""What task runs leave, in Databricks' shapes."""

from typing import Any

import httpx2
import pytest

from control.db import Database
from control.projection import Projector
from spec.events import RunStarted
from spec.ids import run_of
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, python_task, run_now
from tests.control.test_internal import open_attempt, ref
from tests.control.test_projection import T0, Play


@pytest.fixture
async def started(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, database: Database, launcher: Recorder
) -> int:
    """A run of three tasks whose attempts are all open."""
    await put_file(database, "/jobs/main.py")
    await put_file(database, "/jobs/nb.ipynb", b"{}")
    await put_file(database, "/jobs/q.sql", b"select 1")
    tasks: list[dict[str, Any]] = [
        python_task("p"),
        {"task_key": "n", "notebook_task": {"notebook_path": "/jobs/nb.ipynb"}},
        {
            "task_key": "s",
            "sql_task": {"warehouse_id": "duckdb", "file": {"path": "/jobs/q.sql"}},
        },
    ]
    run_id = await run_now(api, await create_job(api, tasks=tasks))
    plan = await begin(database, launcher, run_id)
    for ordinal, key in enumerate("pns", start=1):
        assert (await open_attempt(worker, ref(plan, ordinal, key))).status_code == 200
    return run_id


async def begin(database: Database, launcher: Recorder, any_id: int) -> Any:
    """Let a run and all tasks that wait for none begin; return its plan."""
    play = Play(launcher.plans[run_of(any_id)])
    play.record(RunStarted(at=T0))
    play.advance()
    await Projector(database).project(play.batch())
    return play.state.plan


async def output(api: httpx2.AsyncClient, run_id: int) -> dict[str, Any]:
    answer = await api.get("/api/2.2/jobs/runs/get-output", params={"run_id": run_id})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def leave(worker: httpx2.AsyncClient, task_run_id: int, **fields: Any) -> None:
    answer = await worker.put(f"/attempts/{task_run_id}/output", json=fields)
    assert answer.status_code == 200, answer.text


async def test_a_python_task_has_logs_and_its_error(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, started: int
) -> None:
    await worker.put(f"/attempts/{started + 1}/logs", params={"offset": 0}, content=b"hello\n")
    await leave(worker, started + 1, error="ValueError: x", error_trace="Traceback …")
    got = await output(api, started + 1)
    assert (got["logs"], got["logs_truncated"]) == ("hello\n", False)
    assert (got["error"], got["error_trace"]) == ("ValueError: x", "Traceback …")
    assert got["metadata"]["job_run_id"] == started
    assert got["metadata"]["run_id"] == started + 1


async def test_a_notebook_has_its_exit_value(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, started: int
) -> None:
    assert "notebook_output" not in await output(api, started + 2)
    await leave(worker, started + 2, notebook_result="42")
    got = await output(api, started + 2)
    assert got["notebook_output"] == {"result": "42", "truncated": False}
    assert "logs" not in got


async def test_a_sql_task_has_its_first_rows(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, started: int
) -> None:
    await leave(worker, started + 3, sql={"columns": ["a"], "rows": [["1"], [None]]})
    query = (await output(api, started + 3))["sql_output"]["query_output"]
    assert query["warehouse_id"] == "duckdb"
    assert query["rows"] == [["1"], [None]]


async def test_a_run_of_several_tasks_has_no_output_of_its_own(
    api: httpx2.AsyncClient, started: int
) -> None:
    answer = await api.get("/api/2.2/jobs/runs/get-output", params={"run_id": started})
    assert answer.status_code == 400
    assert "runs with multiple tasks is not supported" in answer.json()["message"]


async def test_task_values_are_bounded(worker: httpx2.AsyncClient, started: int) -> None:
    answer = await worker.put(
        f"/attempts/{started + 1}/output", json={"values": {"x": "y" * 50_000}}
    )
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


async def test_older_versions_refuse_more_than_100_tasks(api: httpx2.AsyncClient) -> None:
    tasks = [python_task(f"t{n}") for n in range(101)]
    body = {"name": "wide", "tasks": tasks}
    answer = await api.post("/api/2.1/jobs/create", json=body)
    assert answer.status_code == 400
    assert "can only be handled by API 2.2 and above" in answer.json()["message"]
    assert (await api.post("/api/2.2/jobs/create", json=body)).status_code == 200
