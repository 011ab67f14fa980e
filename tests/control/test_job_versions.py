"""Each change of a job is a version: read, compared, restored, and named by the runs made of it."""

import asyncio
from typing import Any

import httpx2
import pytest

from control.db import Database
from control.projection import Projector
from spec.attempts import AttemptResult
from spec.events import RunStarted
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, python_task, run_now, settings
from tests.control.test_projection import T0, Play


@pytest.fixture(autouse=True)
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py")


def path(job_id: int, rest: str = "") -> str:
    return f"/api/openlake/1.0/jobs/{job_id}/versions{rest}"


async def read(api: httpx2.AsyncClient, job_id: int, rest: str = "", **query: Any) -> Any:
    answer = await api.get(path(job_id, rest), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def reset(api: httpx2.AsyncClient, job_id: int, **fields: Any) -> None:
    body = {"job_id": job_id, "new_settings": settings(**fields)}
    answer = await api.post("/api/2.2/jobs/reset", json=body)
    assert answer.status_code == 200, answer.text


async def update(api: httpx2.AsyncClient, job_id: int, **fields: Any) -> None:
    body = {"job_id": job_id, "new_settings": fields}
    answer = await api.post("/api/2.2/jobs/update", json=body)
    assert answer.status_code == 200, answer.text


async def restore(api: httpx2.AsyncClient, job_id: int, version: int) -> Any:
    answer = await api.post(path(job_id, f"/{version}/restore"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_create_reset_update_and_restore_each_leave_a_version(
    api: httpx2.AsyncClient,
) -> None:
    job_id = await create_job(api)
    await reset(api, job_id, timeout_seconds=60)
    await update(api, job_id, name="renamed")
    assert await restore(api, job_id, 1) == {"job_id": job_id, "version": 4}
    listed = await read(api, job_id)
    assert [(each["version"], each["cause"]) for each in listed["versions"]] == [
        (4, "restored from version 1"),
        (3, "updated"),
        (2, "reset"),
        (1, "created"),
    ]
    assert {each["editor"] for each in listed["versions"]} == {"admin@openlake.local"}
    instants = [each["created_at"] for each in listed["versions"]]
    assert instants == sorted(instants, reverse=True) and instants[-1] > 1_600_000_000_000
    assert (await read(api, job_id, "/1"))["settings"] == (await read(api, job_id, "/4"))[
        "settings"
    ]
    job = (await api.get("/api/2.2/jobs/get", params={"job_id": job_id})).json()
    assert (job["settings"]["name"], job["settings"]["timeout_seconds"]) == ("flights", 0)


async def test_what_changes_nothing_is_no_version(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api)
    await reset(api, job_id)
    await update(api, job_id, name="flights")
    assert await restore(api, job_id, 1) == {"job_id": job_id, "version": 1}
    assert len((await read(api, job_id))["versions"]) == 1


async def test_versions_are_listed_by_pages(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api)
    for seconds in range(1, 7):
        await update(api, job_id, timeout_seconds=seconds)
    seen: list[int] = []
    token: str | None = ""
    while token is not None:
        page = await read(api, job_id, limit=3, page_token=token)
        seen += [each["version"] for each in page["versions"]]
        token = page.get("next_page_token")
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_a_diff_names_tasks_by_key(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api, tasks=[python_task("a"), python_task("b")])
    await reset(api, job_id, tasks=[python_task("new"), python_task("a"), python_task("b", "a")])
    diff = await read(api, job_id, "/2/diff")
    assert (diff["before"], diff["after"]) == (1, 2)
    assert [each["path"] for each in diff["changes"]] == ["tasks[b].depends_on", "tasks[new]"]
    assert diff["changes"][0]["before"] == []
    assert diff["changes"][0]["after"][0]["task_key"] == "a"
    assert diff["changes"][1].get("before") is None
    back = await read(api, job_id, "/1/diff", against=2)
    assert [each["path"] for each in back["changes"]] == ["tasks[new]", "tasks[b].depends_on"]
    assert back["changes"][0].get("after") is None
    first = await read(api, job_id, "/1/diff")
    assert first["before"] == 0
    assert "name" in [each["path"] for each in first["changes"]]


async def test_a_run_keeps_the_version_it_was_made_from(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api, max_concurrent_runs=2)
    old = await run_now(api, job_id)
    await reset(api, job_id, max_concurrent_runs=2, tasks=[python_task("b")])
    new = await run_now(api, job_id)
    for run_id, version, key in ((old, 1, "a"), (new, 2, "b")):
        answer = await api.get(f"/api/openlake/1.0/runs/{run_id}/settings")
        assert answer.status_code == 200, answer.text
        used = answer.json()
        assert (used["job_version"], used["settings"]["tasks"][0]["task_key"]) == (version, key)
        assert used["settings_hash"] and used["files"]["/jobs/main.py"]
        run = await get_run(api, run_id)
        assert run["job_version"] == version
        assert [each["task_key"] for each in run["tasks"]] == [key]


async def test_a_repair_names_the_version_that_it_took(
    api: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    job_id = await create_job(api)
    run_id = await run_now(api, job_id)
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("a", AttemptResult.FAILED)
    await Projector(database).project(play.batch())
    await reset(api, job_id, timeout_seconds=60)
    body = {"run_id": run_id, "rerun_all_failed_tasks": True}
    answer = await api.post("/api/2.2/jobs/runs/repair", json=body)
    assert answer.status_code == 200, answer.text
    used: list[tuple[int, int, int]] = []
    for execution in (0, 1, None):
        query = {} if execution is None else {"execution": execution}
        answer = await api.get(f"/api/openlake/1.0/runs/{run_id}/settings", params=query)
        got = answer.json()
        used.append((got["execution"], got["job_version"], got["settings"]["timeout_seconds"]))
    assert used == [(0, 1, 0), (1, 2, 60), (1, 2, 60)]
    answer = await api.get(f"/api/openlake/1.0/runs/{run_id}/settings", params={"execution": 2})
    assert answer.status_code == 404


async def test_edits_at_once_are_versions_in_a_row(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api)
    await asyncio.gather(*(update(api, job_id, timeout_seconds=n) for n in range(1, 9)))
    listed = (await read(api, job_id, limit=100))["versions"]
    assert [each["version"] for each in listed] == list(range(9, 0, -1))
    job = (await api.get("/api/2.2/jobs/get", params={"job_id": job_id})).json()
    assert (await read(api, job_id, "/9"))["settings"] == job["settings"]


async def test_who_asks_for_what_is_not_there_is_told_what_is(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api)
    for rest in ("/2", "/0", "/2/diff", "/2/restore"):
        call = api.post if rest.endswith("restore") else api.get
        answer = await call(path(job_id, rest))
        assert answer.status_code == 404, rest
        assert "versions 1 to 1" in answer.json()["message"]
    assert (await api.get(path(job_id + 1))).status_code == 404


async def test_a_restored_limit_lets_waiting_runs_start(
    api: httpx2.AsyncClient,
) -> None:
    job_id = await create_job(api, max_concurrent_runs=2)
    await update(api, job_id, max_concurrent_runs=1)
    first, second = [await run_now(api, job_id) for _ in range(2)]
    assert (await get_run(api, second))["state"]["life_cycle_state"] == "QUEUED"
    await restore(api, job_id, 1)
    assert (await get_run(api, second))["state"]["life_cycle_state"] == "PENDING"
    assert (await get_run(api, first))["state"]["life_cycle_state"] == "PENDING"
