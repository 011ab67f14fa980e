"""Tasks that have not begun: they have ids already, by which they can be read and cancelled."""

from typing import Any

import httpx2
import pytest

from control.db import Database
from control.projection import Projector
from control.runs.tables import Run
from spec.attempts import AttemptResult
from spec.events import RunStarted, TaskStopRequested
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, make_token, make_user, put_file, run_now
from tests.control.make import python_task as python
from tests.control.test_projection import T0, Play
from tests.control.test_repair import REPAIR, live


@pytest.fixture(autouse=True)
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py")


def ids(run: dict[str, Any]) -> dict[str, list[int]]:
    """Return the numbers, within the run, of the task runs of each task."""
    found: dict[str, list[int]] = {}
    for task in run["tasks"]:
        origin = run.get("job_run_id", run["run_id"])
        found.setdefault(task["task_key"], []).append(task["run_id"] - origin)
    return found


def life(run: dict[str, Any]) -> str:
    return run["state"]["life_cycle_state"]


async def test_a_task_keeps_the_id_that_it_had_while_it_waited(
    api: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    tasks = [python("late", "early"), python("early", max_retries=1), python("after", "late")]
    run_id = await run_now(api, await create_job(api, tasks=tasks))
    waiting = ids(await get_run(api, run_id))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("early", AttemptResult.FAILED)
    await Projector(database).project(play.batch())
    # The retry has an id behind all that were reserved.
    assert ids(await get_run(api, run_id))["early"][1:] == [4]
    for key in ("early", "late", "after"):
        play.end(key, AttemptResult.SUCCESS)
    await Projector(database).project(play.batch())
    ended = ids(await get_run(api, run_id))
    assert ended == {"late": [1], "early": [2, 4], "after": [3]}
    assert waiting == {key: made[:1] for key, made in ended.items()}


async def test_a_task_that_waits_can_be_read(api: httpx2.AsyncClient) -> None:
    run_id = await run_now(api, await create_job(api, tasks=[python("a"), python("b", "a")]))
    whole = await get_run(api, run_id)
    for entry in whole["tasks"]:
        run = await get_run(api, entry["run_id"])
        assert (life(run), run["job_run_id"]) == ("BLOCKED", run_id)
        assert run["tasks"] == [entry] and run["run_page_url"] == entry["run_page_url"]
        query = {"run_id": entry["run_id"]}
        output = await api.get("/api/2.2/jobs/runs/get-output", params=query)
        assert output.status_code == 200 and output.json()["logs"] == ""
        own = f"/api/openlake/1.0/task-runs/{entry['run_id']}"
        assert (await api.get(f"{own}/logs")).text == ""
        assert (await api.get(f"{own}/output")).status_code == 200
    for nobody in (run_id + 3, run_id + 1_000_000):
        answer = await api.get("/api/2.2/jobs/runs/get", params={"run_id": nobody})
        assert answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


async def test_the_output_of_a_run_whose_only_task_waits(api: httpx2.AsyncClient) -> None:
    run_id = await run_now(api, await create_job(api))
    answer = await api.get("/api/2.2/jobs/runs/get-output", params={"run_id": run_id})
    assert answer.json()["metadata"]["run_id"] == run_id + 1


async def test_a_task_that_waits_is_hidden_from_who_may_not_see_its_job(
    api: httpx2.AsyncClient, database: Database
) -> None:
    run_id = await run_now(api, await create_job(api))
    user = await make_user(database, "ann@openlake")
    api.headers["Authorization"] = f"Bearer {await make_token(database, user)}"
    answer = await api.get("/api/2.2/jobs/runs/get", params={"run_id": run_id + 1})
    assert answer.status_code == 403


async def test_a_task_that_waits_is_cancelled(
    api: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    run_id = await run_now(api, await create_job(api, tasks=[python("a"), python("b", "a")]))
    launcher.starts.clear()
    answer = await api.post("/api/2.2/jobs/runs/cancel", json={"run_id": run_id + 2})
    assert answer.status_code == 200
    assert launcher.task_cancels == [(f"run/{run_id}", run_id + 2)]
    assert launcher.starts == [run_id], "a workflow that waits too gets the signal"
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.record(TaskStopRequested(at=T0, task_key="b", task_run_id=run_id + 2))
    play.advance()
    play.end("a", AttemptResult.SUCCESS)
    await Projector(database).project(play.batch())
    run = await get_run(api, run_id + 2)
    assert run["state"]["result_state"] == "CANCELED"


async def test_a_task_of_a_queued_run_is_not_cancelled_alone(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api, queue={"enabled": True})
    await run_now(api, job_id)
    run_id = await run_now(api, job_id)
    answer = await api.post("/api/2.2/jobs/runs/cancel", json={"run_id": run_id + 1})
    assert answer.status_code == 400 and f"run {run_id}" in answer.json()["message"]
    await api.post("/api/2.2/jobs/runs/cancel", json={"run_id": run_id})
    for each in (await get_run(api, run_id + 1), (await get_run(api, run_id))["tasks"][0]):
        assert (each["run_id"], each["state"]["result_state"]) == (run_id + 1, "CANCELED")


async def test_a_repaired_task_gets_a_new_id_at_once(
    api: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    tasks = [python("a"), python("b", "a"), python("c", "b")]
    run_id = await run_now(api, await create_job(api, tasks=tasks))
    await live(launcher, database, run_id, {"b": AttemptResult.FAILED})
    await api.post(REPAIR, json={"run_id": run_id, "rerun_all_failed_tasks": True})
    waiting = ids(await get_run(api, run_id))
    assert waiting == {"a": [1], "b": [2, 5], "c": [3, 6]}
    assert life(await get_run(api, run_id + 5)) == "BLOCKED"
    assert (await get_run(api, run_id + 5))["attempt_number"] == 1
    await live(launcher, database, run_id, {})
    assert ids(await get_run(api, run_id)) == waiting


async def test_a_run_of_an_older_version_shows_no_ids_that_it_will_not_use(
    api: httpx2.AsyncClient, database: Database
) -> None:
    run_id = await run_now(api, await create_job(api))
    async with database.session() as session:
        run = await session.get_one(Run, run_id)
        run.reserved_from = None
    assert "run_id" not in (await get_run(api, run_id))["tasks"][0]
    answer = await api.get("/api/2.2/jobs/runs/get", params={"run_id": run_id + 1})
    assert answer.status_code == 404
