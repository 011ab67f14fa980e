"""Jobs at a glance, their matrix, a run's timeline, and what a schedule means."""

import random
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from control.db import Database
from control.deps import Deps
from control.projection import Projector
from control.runs.tables import ForEachRun, TaskRun
from spec.attempts import AttemptResult
from spec.events import RunStarted
from tests.control.acting import give, person
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, python_task, run_now
from tests.control.test_projection import Play, diamond, random_play

OWN = "/api/openlake/1.0"
JOBS = f"{OWN}/jobs"
WEEKDAYS = {"quartz_cron_expression": "0 0 6 ? * MON-FRI", "timezone_id": "Europe/Berlin"}


@pytest.fixture(autouse=True)
async def _files(database: Database, token: str) -> None:
    await put_file(database, "/jobs/main.py")


async def overview(api: httpx2.AsyncClient, job_id: int) -> dict[str, Any]:
    answer = await api.get(f"{JOBS}/{job_id}/overview")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(api: httpx2.AsyncClient, **query: Any) -> list[str]:
    answer = await api.get(JOBS, params=query)
    assert answer.status_code == 200, answer.text
    return [job["name"] for job in answer.json()["jobs"]]


async def test_a_job_at_a_glance(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api, description="d", tags={"team": "air"}, schedule=WEEKDAYS)
    run_id = await run_now(api, job_id)
    found = await overview(api, job_id)
    admin = "admin@openlake.local"
    assert found.pop("created_at") > 0
    (run,) = found.pop("last_runs")
    at = found["trigger"].pop("next_fire_at")
    assert at % 60_000 == 0
    assert run.pop("start_time") > 0
    assert run == {
        "run_id": run_id,
        "state": "PENDING",
        "end_time": None,
        "run_duration": None,
        "trigger": "ONE_TIME",
    }
    assert found == {
        "job_id": job_id,
        "name": "flights",
        "description": "d",
        "tags": {"team": "air"},
        "creator_user_name": admin,
        "owner_user_name": admin,
        "run_as_user_name": admin,
        "edit_mode": None,
        "task_count": 1,
        "task_types": ["spark_python_task"],
        "trigger": {
            "kind": "schedule",
            "words": "every weekday at 06:00 Europe/Berlin",
            "pause_status": "UNPAUSED",
            "timezone_id": "Europe/Berlin",
        },
        "permission_level": "IS_OWNER",
    }
    assert (await api.get(JOBS)).json() == {
        "jobs": [await overview(api, job_id)],
        "next_page_token": None,
    }


async def test_every_kind_of_trigger_is_told_in_words(api: httpx2.AsyncClient) -> None:
    paused = {**WEEKDAYS, "pause_status": "PAUSED"}
    hourly = {"periodic": {"interval": 1, "unit": "HOURS"}}
    tables = {"table_update": {"table_names": ["a.b"]}}
    files = {"file_arrival": {"url": "s3://b/in/"}}
    given: list[tuple[dict[str, Any], str, str, bool]] = [
        ({}, "none", "", False),
        ({"schedule": paused}, "schedule", "every weekday at 06:00 Europe/Berlin", False),
        ({"trigger": hourly}, "periodic", "every hour", True),
        ({"trigger": tables}, "table_update", "when a.b is updated", False),
        ({"trigger": files}, "file_arrival", "when files arrive in s3://b/in/", False),
        ({"continuous": {}}, "continuous", "all the time, one run after the other", False),
    ]
    for settings, kind, words, has_next in given:
        found = (await overview(api, await create_job(api, **settings)))["trigger"]
        assert (found["kind"], found["words"]) == (kind, words)
        assert (found["next_fire_at"] is not None) == has_next


async def test_jobs_are_found_by_what_is_said_of_them(
    api: httpx2.AsyncClient,
) -> None:
    a = await create_job(api, name="Alpha 100%", tags={"team": "air", "x:y": ""})
    b = await create_job(api, name="beta", tags={"team": "sea"}, schedule=WEEKDAYS)
    await create_job(
        api, name="gamma", schedule={**WEEKDAYS, "pause_status": "PAUSED"}, tags={"other": "air"}
    )
    await run_now(api, b)
    await run_now(api, a)
    assert await listed(api) == ["Alpha 100%", "beta", "gamma"]
    assert await listed(api, search="ALPHA") == ["Alpha 100%"]
    assert await listed(api, search="0%") == ["Alpha 100%"]
    assert await listed(api, search="_") == []
    assert await listed(api, tag="team") == ["Alpha 100%", "beta"]
    assert await listed(api, tag="team:air") == ["Alpha 100%"]
    assert await listed(api, tag="x:y") == ["Alpha 100%"]
    assert await listed(api, paused=True) == ["gamma"]
    assert await listed(api, paused=False) == ["beta"]
    assert await listed(api, owner="admin@openlake.local") == ["Alpha 100%", "beta", "gamma"]
    assert await listed(api, owner="nobody") == []
    assert await listed(api, last_state="PENDING") == ["Alpha 100%", "beta"]
    assert await listed(api, last_state="SUCCESS") == []
    assert await listed(api, sort="-last_run_at") == ["Alpha 100%", "beta", "gamma"]
    assert await listed(api, sort="-created_at") == ["gamma", "beta", "Alpha 100%"]


async def test_pages_go_on_where_the_last_one_ended(api: httpx2.AsyncClient) -> None:
    made = [await create_job(api, name=name) for name in ("b", "A", "b", "c", "a")]
    for job_id in made[1:3]:
        await run_now(api, job_id)
    for sort, other in (("name", "-created_at"), ("-created_at", "name"), ("-last_run_at", "name")):
        query: dict[str, Any] = {"sort": sort}
        whole = [job["job_id"] for job in (await api.get(JOBS, params=query)).json()["jobs"]]
        assert sorted(whole) == sorted(made)
        ids: list[int] = []
        query["limit"] = 2
        while True:
            page = (await api.get(JOBS, params=query)).json()
            ids += [job["job_id"] for job in page["jobs"]]
            if page["next_page_token"] is None:
                break
            query["page_token"] = page["next_page_token"]
        assert ids == whole
        wrong = await api.get(JOBS, params={**query, "sort": other})
        assert (wrong.status_code, "page_token" in wrong.text) == (400, True)


async def test_only_what_one_may_see_is_listed(api: httpx2.AsyncClient, deps: Deps) -> None:
    seen, hidden = await create_job(api, name="seen"), await create_job(api, name="hidden")
    user = await person(api, deps, "user@x")
    await give(api, f"jobs/{seen}", "user@x", "CAN_MANAGE_RUN")
    page = (await user("GET", JOBS)).json()["jobs"]
    assert [(job["name"], job["permission_level"]) for job in page] == [("seen", "CAN_MANAGE_RUN")]
    run_id = await run_now(api, hidden)
    for path in (f"{JOBS}/{hidden}/overview", f"{JOBS}/{hidden}/matrix"):
        assert (await user("GET", path)).status_code == 403
    assert (await user("GET", f"{OWN}/runs/{run_id}/timeline")).status_code == 403


async def matrix(api: httpx2.AsyncClient, job_id: int, **query: Any) -> dict[str, Any]:
    answer = await api.get(f"{JOBS}/{job_id}/matrix", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def timeline(api: httpx2.AsyncClient, run_id: int) -> dict[str, Any]:
    answer = await api.get(f"{OWN}/runs/{run_id}/timeline")
    assert answer.status_code == 200, answer.text
    return answer.json()


def word(task: dict[str, Any]) -> str:
    """The one word for what Databricks says with two."""
    state = task["state"]
    return state.get("result_state") or state["life_cycle_state"]


@pytest.mark.parametrize("seed", range(3))
async def test_the_matrix_and_the_timeline_say_what_the_run_says(
    seed: int, api: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    rng = random.Random(seed)
    job_id = await create_job(api, tasks=diamond(max_retries=2, min_retry_interval_millis=5))
    run_id = await run_now(api, job_id)
    play = random_play(launcher.plans[run_id], rng)
    projector = Projector(database)
    cuts = sorted(rng.sample(range(1, len(play.recorded)), 3))
    for start, stop in zip([0, *cuts], [*cuts, None], strict=True):
        await projector.project(play.batch(start, stop))
        said: dict[str, list[dict[str, Any]]] = {}
        run = await get_run(api, run_id)
        for task in run["tasks"]:
            said.setdefault(task["task_key"], []).append(task)
        (column,) = (await matrix(api, job_id))["runs"]
        newest = {key: tasks[-1] for key, tasks in said.items()}
        assert {c["task_key"]: c["state"] for c in column["cells"]} == {
            key: word(task) for key, task in newest.items()
        }
        assert column["state"] == word(run)
        drawn = await timeline(api, run_id)
        for task in drawn["tasks"]:
            attempts = [t for t in said[task["task_key"]] if t.get("start_time")]
            assert [a["task_run_id"] for a in task["attempts"]] == [a["run_id"] for a in attempts]
            assert [a["state"] for a in task["attempts"]] == [word(a) for a in attempts]
            assert [a["queued_at"] for a in task["attempts"]] == [a["start_time"] for a in attempts]
        assert drawn["ended_at"] == (run["end_time"] or None)


async def test_a_task_that_is_gone_stays_in_the_matrix_behind_those_of_now(
    api: httpx2.AsyncClient,
) -> None:
    tasks = [python_task("last", "mid"), python_task("first"), python_task("mid", "first")]
    job_id = await create_job(api, tasks=tasks, max_concurrent_runs=5)
    older = await run_now(api, job_id)
    body = {"job_id": job_id, "new_settings": {"tasks": [python_task("new", "first")]}}
    assert (await api.post("/api/2.2/jobs/update", json=body)).status_code == 200
    body = {"job_id": job_id, "fields_to_remove": ["tasks/last", "tasks/mid"]}
    assert (await api.post("/api/2.2/jobs/update", json=body)).status_code == 200
    newer = await run_now(api, job_id, only=["new"])
    found = await matrix(api, job_id)
    assert [task["task_key"] for task in found["tasks"]] == ["first", "new", "mid", "last"]
    assert {task["task_type"] for task in found["tasks"]} == {"spark_python_task"}
    assert [run["run_id"] for run in found["runs"]] == [newer, older]
    assert [cell["task_key"] for cell in found["runs"][0]["cells"]] == ["new"]
    assert [cell["state"] for cell in found["runs"][1]["cells"]] == ["BLOCKED"] * 3
    first = await matrix(api, job_id, limit=1)
    assert [run["run_id"] for run in first["runs"]] == [newer]
    rest = await matrix(api, job_id, limit=1, page_token=first["next_page_token"])
    assert [run["run_id"] for run in rest["runs"]] == [older]
    assert rest["next_page_token"] is None


async def test_the_timeline_says_when_each_attempt_waited_and_worked(
    api: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    tasks = [python_task("b", "a"), python_task("a", max_retries=1, min_retry_interval_millis=0)]
    job_id = await create_job(api, tasks=tasks)
    run_id = await run_now(api, job_id)
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=play.now))
    play.advance()
    play.end("a", AttemptResult.FAILED)
    await Projector(database).project(play.batch())
    drawn = await timeline(api, run_id)
    assert drawn["run_id"] == run_id and drawn["ended_at"] is None
    a, b = drawn["tasks"]
    assert (a["task_key"], a["depends_on"], b["depends_on"]) == ("a", [], ["a"])
    assert [attempt["state"] for attempt in a["attempts"]] == ["FAILED", "PENDING"]
    failed = a["attempts"][0]
    assert failed["ended_at"] - failed["queued_at"] == 1000
    assert failed["execution_ended_at"] == failed["ended_at"]
    assert (b["attempts"], b["iterations"]) == ([], None)


async def test_the_timeline_counts_iterations(
    api: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    loop = {"inputs": "[1, 2, 3]", "task": python_task("one")}
    job_id = await create_job(api, tasks=[{"task_key": "all", "for_each_task": loop}])
    run_id = await run_now(api, job_id)
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=play.now))
    play.advance()
    await Projector(database).project(play.batch())
    number = play.state.tasks["all"].current
    assert number is not None
    async with database.session() as session:
        session.add(
            ForEachRun(task_run_id=number, run_id=run_id, task_key="all", total=9, todo=[[2, 7]])
        )
        for place, result in enumerate(("SUCCESS", "SUCCESS", "FAILED", None, "TIMEDOUT")):
            session.add(
                TaskRun(
                    task_run_id=number + 1 + place,
                    run_id=run_id,
                    for_each_run_id=number,
                    task_key=f"all[{place + 2}]",
                    result=result,
                    scheduled_at=play.now,
                )
            )
    (task,) = (await timeline(api, run_id))["tasks"]
    assert task["iterations"] == {
        "total": 9,
        "by_state": {"SUCCESS": 4, "FAILED": 1, "RUNNING": 1, "TIMEDOUT": 1, "PENDING": 2},
    }


async def test_a_schedule_is_told_before_it_is_saved(api: httpx2.AsyncClient) -> None:
    async def preview(**fields: Any) -> httpx2.Response:
        return await api.post(f"{OWN}/schedules/preview", json={**WEEKDAYS, **fields})

    found = (await preview(count=7)).json()
    assert found["words"] == "every weekday at 06:00 Europe/Berlin"
    instants = [
        datetime.fromtimestamp(each / 1000, ZoneInfo("Europe/Berlin")) for each in found["instants"]
    ]
    assert len(instants) == 7 and instants == sorted(instants)
    assert all(at.weekday() < 5 and (at.hour, at.minute) == (6, 0) for at in instants)
    over = (await preview(quartz_cron_expression="0 0 0 1 1 ? 2020")).json()
    assert over["instants"] == []
    wrong = await preview(quartz_cron_expression="0 0 26 * * ?")
    assert wrong.status_code == 400
    (place,) = wrong.json()["details"][0]["field_violations"]
    assert place["field"] == "quartz_cron_expression" and "hours" in place["description"]
    assert (await preview(timezone_id="Europe/Berln")).status_code == 400
    assert (await preview(count=1000)).status_code == 400
