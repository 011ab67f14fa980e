"""A run's evidence holds all that the run did, fits together, and can be checked."""

import tracemalloc
from typing import Any

import httpx2
import pytest
from sqlalchemy import BigInteger, BindParameter, bindparam, text

from control.auth import Caller
from control.db import Database
from control.deps import Deps
from control.evidence import document
from control.gateway.tables import AttemptCommitRow, AttemptReadRow
from control.projection import Projector
from spec.api.evidence import Evidence
from spec.attempts import AttemptResult
from spec.events import RunStarted
from spec.evidence import verify
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, python_task, run_now
from tests.control.test_internal import open_attempt, ref
from tests.control.test_projection import T0, Play


@pytest.fixture(autouse=True)
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py")


async def evidence(api: httpx2.AsyncClient, run_id: int) -> dict[str, Any]:
    answer = await api.get(f"/api/openlake/1.0/runs/{run_id}/evidence")
    assert answer.status_code == 200, answer.text
    told = verify(answer.json())
    Evidence.model_validate(told)
    return told


async def started(
    api: httpx2.AsyncClient, launcher: Recorder, database: Database, **fields: Any
) -> Play:
    run_id = await run_now(api, await create_job(api, **fields))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    await Projector(database).project(play.batch())
    return play


async def test_a_run_tells_what_it_was_made_from_and_what_it_did(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    database: Database,
    main_file: str,
) -> None:
    play = await started(
        api,
        launcher,
        database,
        tasks=[python_task("a"), python_task("b", "a")],
        parameters=[{"name": "month", "default": "5"}],
    )
    run_id, seen = play.state.plan.run_id, len(play.recorded)
    assert (await open_attempt(worker, ref(play.state.plan, 1, "a"))).status_code == 200
    await worker.put(f"/attempts/{run_id + 1}/logs", params={"offset": 0}, content=b"hello\n")
    await worker.put(f"/attempts/{run_id + 1}/output", json={"values": {"rows": 3}})
    async with database.session() as session:
        of_attempt = {"task_run_id": run_id + 1, "branch": "main", "at": T0}
        session.add(AttemptReadRow(table_name="s.raw", snapshot_id=2**62, **of_attempt))
        session.add(AttemptReadRow(table_name="s.empty", snapshot_id=-1, **of_attempt))
        commit = {"workspace_id": 1, "job_id": 1, "run_id": run_id, "operation": "append"}
        session.add(
            AttemptCommitRow(
                table_name="s.out",
                snapshot_id=2**61,
                state="committed",
                summary={"added-records": "3"},
                **commit,
                **of_attempt,
            )
        )
        session.add(AttemptReadRow(table_name="s.out", snapshot_id=2**61, **of_attempt))
    early = await evidence(api, run_id)
    assert early["final"] is False and early["run"]["state"]["life_cycle_state"] == "RUNNING"
    play.end("a", AttemptResult.SUCCESS)
    play.end("b", AttemptResult.FAILED)
    await Projector(database).project(play.batch(seen))

    told = await evidence(api, run_id)
    assert told["final"] is True
    assert (told["run"]["result"], told["run"]["trigger"]) == ("FAILED", "ONE_TIME")
    assert told["run"]["creator"] == told["made_by"] == "admin@openlake.local"
    assert [deed["action"] for deed in told["audit"]] == ["run.created"]
    (execution,) = told["executions"]
    assert execution["job_parameters"] == {"month": "5"}
    (settings,) = told["settings"]
    assert settings["hash"] == execution["settings_hash"]
    assert settings["files"] == {"/jobs/main.py": main_file}
    assert [task["task_key"] for task in settings["settings"]["tasks"]] == ["a", "b"]
    first, second = told["task_runs"]
    assert (first["task_key"], first["result"], first["host"]) == ("a", "SUCCESS", "h1")
    assert [(each["table"], each["snapshot_id"]) for each in first["reads"]] == [
        ("s.empty", None),
        ("s.out", str(2**61)),
        ("s.raw", str(2**62)),
    ]
    (made,) = first["commits"]
    assert (made["table"], made["snapshot_id"], made["state"]) == ("s.out", str(2**61), "committed")
    assert first["log"]["size_bytes"] == 6
    assert (await api.get(first["log"]["path"])).text == "hello\n"
    assert first["output"]["sha256"] and (await api.get(first["output"]["path"])).json()["values"]
    assert second["state"]["result_state"] == "FAILED" and second["reads"] == []
    kinds = [event["event"]["type"] for event in told["events"]]
    assert kinds[0] == "run.started" and kinds[-1] == "run.ended"
    assert [event["seq"] for event in told["events"]] == list(range(1, len(kinds) + 1))
    assert f"'{run_id}'" in told["mlflow"]["filter"]


async def test_the_tables_of_a_run_come_in_pages_and_by_attempt(
    api: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    tasks = [python_task("a"), python_task("b"), python_task("c")]
    play = await started(api, launcher, database, tasks=tasks)
    run_id = play.state.plan.run_id
    of_run = {"workspace_id": 1, "job_id": 1, "run_id": run_id, "branch": "main", "at": T0}
    async with database.session() as session:
        for ordinal in (1, 3):
            key = {"task_run_id": run_id + ordinal, "branch": "main", "at": T0}
            session.add(AttemptReadRow(table_name="s.raw", snapshot_id=-1, **key))
        made = {"table_name": "s.out", "snapshot_id": 2**61, "operation": "append"}
        told: dict[str, Any] = {"summary": {"added-records": "3"}, "state": "committed"}
        session.add(AttemptCommitRow(task_run_id=run_id + 1, **made, **told, **of_run))
        own = {"task_run_id": run_id + 1, "branch": "main", "at": T0}
        session.add(AttemptReadRow(table_name="s.out", snapshot_id=2**61, **own))
    path = f"/api/openlake/1.0/runs/{run_id}/tables"
    first = (await api.get(path, params={"limit": 1})).json()
    (attempt,) = first["attempts"]
    # What it wrote itself it did not read.
    assert [each["table"] for each in attempt["reads"]] == ["s.raw"]
    (write,) = attempt["writes"]
    assert (write["snapshot_id"], write["added_rows"]) == (str(2**61), 3)
    page = {"limit": 1, "page_token": first["next_page_token"]}
    second = (await api.get(path, params=page)).json()
    assert [each["task_run_id"] for each in second["attempts"]] == [run_id + 3]
    assert "next_page_token" not in second
    one = (await api.get(path, params={"task_run_id": run_id + 3})).json()
    assert one["attempts"] == second["attempts"]
    assert (await api.get(path, params={"task_run_id": 7})).json()["attempts"] == []


async def test_a_repaired_run_tells_both_executions(
    api: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    play = await started(api, launcher, database)
    run_id, seen = play.state.plan.run_id, len(play.recorded)
    play.end("a", AttemptResult.FAILED)
    await Projector(database).project(play.batch(seen))
    await put_file(database, "/jobs/other.py")
    body = {"run_id": run_id, "rerun_all_failed_tasks": True}
    answer = await api.post("/api/2.2/jobs/runs/repair", json=body)
    assert answer.status_code == 200, answer.text
    told = await evidence(api, run_id)
    original, repair = told["executions"]
    assert (original["execution"], original["repair_id"], original["result"]) == (0, None, "FAILED")
    assert repair["repair_id"] == answer.json()["repair_id"]
    assert (repair["rerun_tasks"], repair["result"]) == (["a"], None)
    # The folder got a file meanwhile: the repair works from other settings than the original.
    assert original["settings_hash"] != repair["settings_hash"]
    assert {each["hash"] for each in told["settings"]} == {
        original["settings_hash"],
        repair["settings_hash"],
    }
    assert [deed["action"] for deed in told["audit"]] == ["run.created", "run.repaired"]


async def test_ten_thousand_iterations_are_one_document_in_little_memory(
    api: httpx2.AsyncClient, launcher: Recorder, database: Database, deps: Deps, caller: Caller
) -> None:
    play = await started(api, launcher, database)
    run_id, count = play.state.plan.run_id, 10_000
    await _add_iterations(database, run_id, count)
    tracemalloc.start()
    (await document.make(deps, caller, run_id)).close()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 16 * 1024 * 1024
    told = await evidence(api, run_id)
    assert len(told["task_runs"]) == count + 1 and len(told["events"]) == 2 * count + 2
    assert told["for_each"][0]["total"] == count
    ids = [each["task_run_id"] for each in told["task_runs"]]
    assert ids == sorted(set(ids))


async def _add_iterations(database: Database, run_id: int, count: int) -> None:
    statements = (
        "INSERT INTO for_each_runs (task_run_id, run_id, task_key, total, todo, last_ordinal)"
        " VALUES (:owner, :run, 'a', :count, '[]', 0)",
        "INSERT INTO for_each_inputs (task_run_id, index, input)"
        " SELECT :owner, n, jsonb_build_object('n', n) FROM generate_series(0, :count - 1) n",
        "INSERT INTO task_runs (task_run_id, run_id, execution, stream, for_each_run_id, task_key,"
        " attempt, result, message, scheduled_at, ended_at)"
        " SELECT :owner + 1 + n, :run, 0, 2, :owner, 'a[' || n || ']', 0, 'SUCCESS', '', now(),"
        " now() FROM generate_series(0, :count - 1) n",
        "INSERT INTO run_events (run_id, execution, stream, seq, event)"
        " SELECT :run, 0, 2, n, jsonb_build_object('type', 'x', 'n', n)"
        " FROM generate_series(1, 2 * :count) n",
    )
    given = {"owner": run_id + 1, "run": run_id, "count": count}
    async with database.session() as session:
        connection = await session.connection()
        for statement in statements:
            await connection.execute(text(statement).bindparams(*_used(statement, given)))


def _used(statement: str, given: dict[str, int]) -> list[BindParameter[int]]:
    return [
        bindparam(name, value, BigInteger)
        for name, value in given.items()
        if f":{name}" in statement
    ]


async def test_nobody_elses_run_is_told(api: httpx2.AsyncClient) -> None:
    answer = await api.get(f"/api/openlake/1.0/runs/{7 << 20}/evidence")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
