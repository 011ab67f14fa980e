"""One place makes runs, and it makes each of them once."""

import asyncio

import httpx2
import pytest

from control.auth import Caller
from control.db import Database
from control.deps import Deps
from control.files.tables import FileKind
from control.metrics import Metrics
from control.runs import outbox
from control.runs.admission import Ask, admit
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, python_task, run_now

pytestmark = pytest.mark.usefixtures("main_file")


@pytest.fixture
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py")


async def test_run_now_starts_one_workflow(api: httpx2.AsyncClient, launcher: Recorder) -> None:
    job_id = await create_job(api, tasks=[python_task("a"), python_task("b", "a", max_retries=2)])
    run_id = await run_now(api, job_id)
    plan = launcher.plans[run_id]
    assert [task.task_key for task in plan.tasks] == ["a", "b"]
    assert plan.tasks[1].depends_on == ("a",)
    assert plan.tasks[1].max_retries == 2
    run = await get_run(api, run_id)
    assert run["state"]["life_cycle_state"] == "PENDING"
    assert [task["state"]["life_cycle_state"] for task in run["tasks"]] == ["BLOCKED", "BLOCKED"]
    assert [task["run_id"] for task in run["tasks"]] == [run_id + 1, run_id + 2]


async def test_fifty_asks_with_one_token_are_one_run(
    api: httpx2.AsyncClient, launcher: Recorder
) -> None:
    job_id = await create_job(api, max_concurrent_runs=100)
    ids = await asyncio.gather(*(run_now(api, job_id, idempotency_token="once") for _ in range(50)))
    assert len(set(ids)) == 1
    assert set(launcher.plans) == set(ids)


async def test_a_token_is_shared_by_the_jobs_of_a_workspace(api: httpx2.AsyncClient) -> None:
    jobs = [await create_job(api, max_concurrent_runs=10) for _ in range(5)]
    ids = await asyncio.gather(
        *(run_now(api, job, idempotency_token="once") for job in jobs for _ in range(4))
    )
    assert len(set(ids)) == 1


async def test_the_limit_holds_under_concurrency(
    api: httpx2.AsyncClient, launcher: Recorder
) -> None:
    job_id = await create_job(api, max_concurrent_runs=3)
    ids = await asyncio.gather(*(run_now(api, job_id) for _ in range(20)))
    runs = [await get_run(api, run_id) for run_id in ids]
    lives = [run["state"]["life_cycle_state"] for run in runs]
    assert sorted(lives) == ["PENDING"] * 3 + ["QUEUED"] * 17
    assert len(launcher.plans) == 3
    queued = next(run for run in runs if run["state"]["life_cycle_state"] == "QUEUED")
    assert queued["status"]["queue_details"]["code"] == "MAX_CONCURRENT_RUNS_REACHED"


async def test_jobs_of_older_api_versions_skip_at_the_limit(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api, version="2.1")
    await run_now(api, job_id)
    run = await get_run(api, await run_now(api, job_id))
    assert run["state"]["life_cycle_state"] == "SKIPPED"
    assert run["state"]["result_state"] == "MAXIMUM_CONCURRENT_RUNS_REACHED"
    waiting = await get_run(api, await run_now(api, job_id, queue={"enabled": True}))
    assert waiting["state"]["life_cycle_state"] == "QUEUED"


async def test_unknown_parameters_are_refused(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api, parameters=[{"name": "month", "default": "1"}])
    body = {"job_id": job_id, "job_parameters": {"mnth": "2"}}
    answer = await api.post("/api/2.2/jobs/run-now", json=body)
    assert answer.status_code == 400
    assert "'mnth'" in answer.json()["message"]
    run = await get_run(api, await run_now(api, job_id, job_parameters={"month": 2}))
    assert run["job_parameters"] == [{"name": "month", "default": "1", "value": "2"}]


async def test_a_missing_file_is_refused(api: httpx2.AsyncClient) -> None:
    task = python_task("x", spark_python_task={"python_file": "/Workspace/jobs/none.py"})
    job_id = await create_job(api, tasks=[task])
    answer = await api.post("/api/2.2/jobs/run-now", json={"job_id": job_id})
    assert answer.status_code == 400
    assert "'/jobs/none.py' is not in the workspace" in answer.json()["message"]


async def test_long_tokens_are_refused(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api)
    body = {"job_id": job_id, "idempotency_token": "x" * 65}
    answer = await api.post("/api/2.2/jobs/run-now", json=body)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert answer.json()["message"].startswith("idempotency_token:")


async def test_the_relay_starts_what_the_request_could_not(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.runs.admission.FAST_PATH", outbox.LEASE * 0)
    launcher.away = True
    run_id = await run_now(api, await create_job(api))
    await outbox.relay_once(deps.database, launcher, Metrics())
    assert launcher.plans == {}
    launcher.away = False
    relay = asyncio.create_task(
        outbox.relay(deps.database, launcher, deps.hub, Metrics(), interval_s=0.05)
    )
    async with asyncio.timeout(10):
        while run_id not in launcher.plans:
            await asyncio.sleep(0.05)
    relay.cancel()
    assert not await outbox.relay_once(deps.database, launcher, Metrics())
    assert launcher.starts == [run_id]


async def test_a_crash_between_commit_and_start_loses_nothing(
    api: httpx2.AsyncClient,
    deps: Deps,
    caller: Caller,
    launcher: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("control.runs.admission.FAST_PATH", outbox.LEASE * 0)
    job_id = await create_job(api)
    async with deps.database.session() as session:
        admitted = await admit(session, caller, Ask(job_id=job_id))
    assert launcher.plans == {}
    await outbox.relay_once(deps.database, launcher, Metrics())
    assert list(launcher.plans) == [admitted.run.run_id]


async def test_queued_and_started_runs_can_be_cancelled(
    api: httpx2.AsyncClient, launcher: Recorder
) -> None:
    job_id = await create_job(api)
    first, second = await run_now(api, job_id), await run_now(api, job_id)
    for run_id in (first, second):
        answer = await api.post("/api/2.2/jobs/runs/cancel", json={"run_id": run_id})
        assert answer.json() == {}
    assert launcher.cancels == [(first, "admin@openlake.local")]
    state = (await get_run(api, second))["state"]
    assert (state["life_cycle_state"], state["result_state"]) == ("TERMINATED", "CANCELED")


async def test_submitted_runs_have_no_job(api: httpx2.AsyncClient, launcher: Recorder) -> None:
    body = {"run_name": "once", "tasks": [python_task()], "idempotency_token": "t"}
    ids = {
        (await api.post("/api/2.2/jobs/runs/submit", json=body)).json()["run_id"] for _ in range(3)
    }
    run = await get_run(api, ids.pop())
    assert (run["run_type"], run["run_name"]) == ("SUBMIT_RUN", "once")
    assert (await api.get("/api/2.2/jobs/list")).json() == {"jobs": [], "has_more": False}


async def test_a_notebook_and_a_file_that_would_be_one_where_tasks_run_are_refused(
    api: httpx2.AsyncClient, database: Database
) -> None:
    notebook = {"kind": FileKind.NOTEBOOK.value, "suffix": ".py"}
    await put_file(database, "/jobs/told", b"# Databricks notebook source\n1", **notebook)
    await put_file(database, "/jobs/told.py")
    tasks = (
        {"task_key": "a", "notebook_task": {"notebook_path": "/jobs/told"}},
        {"task_key": "a", "spark_python_task": {"python_file": "/jobs/told.py"}},
    )
    for task in tasks:
        job_id = await create_job(api, tasks=[task])
        answer = await api.post("/api/2.2/jobs/run-now", json={"job_id": job_id})
        assert answer.status_code == 400
        assert "'/jobs/told' and '/jobs/told.py' are one name" in answer.json()["message"]
