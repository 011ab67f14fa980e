"""Repairs, parts of a for-each and what references came to: from API to rows, without servers."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from sqlmodel import col, select

from control.db import Database
from control.metrics import Metrics
from control.projection import Projector
from control.runs.for_each import done_before, keep_inputs, read_inputs, spans
from control.runs.tables import RunEvent, TaskRun
from spec.attempts import AttemptResult, TaskRef
from spec.events import RunStarted
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, python_task, run_now
from tests.control.test_projection import Play

REPAIR = "/api/2.2/jobs/runs/repair"


@pytest.fixture
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py")


async def live(
    launcher: Recorder, database: Database, run_id: int, ends: dict[str, AttemptResult]
) -> Play:
    """Live the newest execution of a run through, and project it."""
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=play.now))
    play.advance()
    while play.state.result is None:
        key = sorted(play.state.running)[0]
        play.end(key, ends.get(key, AttemptResult.SUCCESS))
    await Projector(database, Metrics()).project(play.batch())
    return play


async def failed_run(api: httpx2.AsyncClient, launcher: Recorder, database: Database) -> int:
    tasks = [python_task("a"), python_task("b", "a"), python_task("c", "b")]
    run_id = await run_now(api, await create_job(api, tasks=tasks))
    await live(launcher, database, run_id, {"b": AttemptResult.FAILED})
    return run_id


async def tasks_of(api: httpx2.AsyncClient, run_id: int) -> list[dict[str, Any]]:
    return (await get_run(api, run_id))["tasks"]


async def test_a_repair_keeps_what_succeeded(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, database: Database
) -> None:
    run_id = await failed_run(api, launcher, database)
    body = {"run_id": run_id, "rerun_all_failed_tasks": True}
    answer = await api.post(REPAIR, json=body)
    assert answer.status_code == 200
    plan = launcher.plans[run_id]
    assert (plan.execution, plan.first_ordinal, plan.reserved_from) == (1, 3, 3)
    assert {key: prior.phase for key, prior in plan.prior.items()} == {
        "a": "SUCCESS",
        "b": None,
        "c": None,
    }
    shown = [(t["task_key"], t["state"]["life_cycle_state"]) for t in await tasks_of(api, run_id)]
    assert ("b", "BLOCKED") in shown and ("c", "BLOCKED") in shown, "what is to come is shown"
    await live(launcher, database, run_id, {})
    run = await get_run(api, run_id)
    assert run["state"]["result_state"] == "SUCCESS"
    made = [(task["task_key"], task["attempt_number"]) for task in run["tasks"]]
    assert sorted(made) == [("a", 0), ("b", 0), ("b", 1), ("c", 0), ("c", 1)]


async def test_the_history_tells_each_execution(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, database: Database
) -> None:
    run_id = await failed_run(api, launcher, database)
    repair_id = (await api.post(REPAIR, json={"run_id": run_id, "rerun_tasks": ["b"]})).json()[
        "repair_id"
    ]
    await live(launcher, database, run_id, {})
    query = {"run_id": run_id, "include_history": "true"}
    history = (await api.get("/api/2.2/jobs/runs/get", params=query)).json()["repair_history"]
    assert [(item["type"], item.get("id")) for item in history] == [
        ("ORIGINAL", None),
        ("REPAIR", repair_id),
    ]
    assert history[0]["state"]["result_state"] == "FAILED"
    assert len(history[0]["task_run_ids"]) == 3 and len(history[1]["task_run_ids"]) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "exactly one of 'rerun_tasks' and 'rerun_all_failed_tasks'"),
        ({"rerun_tasks": ["b", "b"]}, "cannot contain duplicate task keys."),
        ({"rerun_tasks": ["z"]}, "names z"),
        ({"rerun_tasks": ["b"], "latest_repair_id": 5}, "is not the latest repair"),
    ],
)
async def test_what_cannot_be_repaired_is_said(
    body: dict[str, object],
    said: str,
    api: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    database: Database,
) -> None:
    run_id = await failed_run(api, launcher, database)
    answer = await api.post(REPAIR, json={"run_id": run_id, **body})
    assert answer.status_code == 400 and said in answer.json()["message"]


async def test_an_active_run_is_not_repaired_and_the_latest_repair_must_be_named(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, database: Database
) -> None:
    run_id = await failed_run(api, launcher, database)
    await api.post(REPAIR, json={"run_id": run_id, "rerun_tasks": ["a"]})
    again = await api.post(REPAIR, json={"run_id": run_id, "rerun_tasks": ["a"]})
    assert "still active" in again.json()["message"]
    await live(launcher, database, run_id, {})
    again = await api.post(REPAIR, json={"run_id": run_id, "rerun_tasks": ["a"]})
    assert "The latest repair ID needs to be provided" in again.json()["message"]


async def test_a_repair_waits_in_the_queue_at_the_jobs_limit(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, database: Database
) -> None:
    run_id = await failed_run(api, launcher, database)
    job_id = (await get_run(api, run_id))["job_id"]
    other = await run_now(api, job_id)
    await api.post(REPAIR, json={"run_id": run_id, "rerun_all_failed_tasks": True})
    assert (await get_run(api, run_id))["state"]["life_cycle_state"] == "QUEUED"
    await live(launcher, database, other, {})
    assert (await get_run(api, run_id))["state"]["life_cycle_state"] == "PENDING"


async def test_events_of_both_executions_are_kept(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, database: Database
) -> None:
    run_id = await failed_run(api, launcher, database)
    await api.post(REPAIR, json={"run_id": run_id, "rerun_tasks": ["b"]})
    await live(launcher, database, run_id, {})
    async with database.read_session() as session:
        query = select(RunEvent.execution).where(RunEvent.run_id == run_id)
        rows = (await session.exec(query.order_by(col(RunEvent.execution)))).all()
    assert set(rows) == {0, 1}


async def test_resolved_values_are_what_the_attempt_got(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, database: Database
) -> None:
    condition = {
        "task_key": "is",
        "condition_task": {"op": "EQUAL_TO", "left": "{{job.parameters.day}}", "right": "x"},
    }
    tasks = [condition, python_task("a", "is")]
    tasks[1]["spark_python_task"]["parameters"] = ["{{tasks.is.result_state}}", "{{job.run_id}}"]
    parameters = [{"name": "day", "default": "mon"}]
    run_id = await run_now(api, await create_job(api, tasks=tasks, parameters=parameters))
    await live(launcher, database, run_id, {})
    query = {"run_id": run_id, "include_resolved_values": "true"}
    run = (await api.get("/api/2.2/jobs/runs/get", params=query)).json()
    values = {task["task_key"]: task["resolved_values"] for task in run["tasks"]}
    assert values["is"] == {"condition_task": {"left": "mon", "right": "x"}}
    assert values["a"] == {"spark_python_task": {"parameters": ["success", str(run_id)]}}
    for entry in run["tasks"]:
        alone = {**query, "run_id": entry["run_id"]}
        task_run = (await api.get("/api/2.2/jobs/runs/get", params=alone)).json()
        assert task_run["tasks"][0]["resolved_values"] == entry["resolved_values"]


async def test_only_iterations_without_a_success_for_the_same_input_are_to_do(
    api: httpx2.AsyncClient, main_file: str, database: Database
) -> None:
    run_id = await run_now(api, await create_job(api))
    ref = TaskRef(
        workspace_id=1, job_id=1, run_id=run_id, task_key="each", attempt=0, task_run_id=run_id + 1
    )
    ends = ["SUCCESS", "FAILED", "SUCCESS", "SUCCESS"]
    now = datetime.now(UTC)
    async with database.session() as session:
        assert await done_before(session, ref, [1, 2, 3, 4]) == set()
        await keep_inputs(session, ref, [1, 2, 3, 4], ((0, 4),))
        await keep_inputs(session, ref, [1, 2, 3, 4], ((0, 4),))
        for index, result in enumerate(ends):
            session.add(
                TaskRun(
                    task_run_id=run_id + 10 + index,
                    run_id=run_id,
                    for_each_run_id=ref.task_run_id,
                    task_key=f"each[{index}]",
                    result=result,
                    scheduled_at=now,
                )
            )
    again = ref.model_copy(update={"task_run_id": run_id + 50})
    async with database.read_session() as session:
        assert await done_before(session, again, [1, 2, 30, 4, 5]) == {0, 3}


def test_inputs_that_are_no_list_are_refused_by_name() -> None:
    with pytest.raises(Exception, match=r"must be a JSON array.*they are: \{\{tasks"):
        read_inputs("{{tasks.a.values.missing}}", "each")
    assert read_inputs(json.dumps([1, {"a": 2}, None]), "each") == [1, {"a": 2}, None]


def test_spans_are_the_shortest_way_to_write_numbers() -> None:
    assert spans([0, 1, 2, 5, 7, 8]) == ((0, 3), (5, 1), (7, 2))
    assert spans([]) == ()
