"""Events of Spark and SQL, and the gateway's index, become one graph."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from control.db import Database
from control.gateway.tables import AttemptCommitRow, AttemptReadRow, CommitState
from control.projection import Projector
from control.transactions.tables import AttemptBranch
from spec.attempts import AttemptResult
from spec.events import RunStarted
from spec.ids import lineage_run_id
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, python_task, run_now
from tests.control.test_internal import open_attempt, ref
from tests.control.test_projection import T0, Play
from tests.spec.test_datasets import recorded

SILVER = "lakehouse.silver.flights"
GOLD = "lakehouse.gold.daily"


@pytest.fixture
async def play(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, database: Database, launcher: Recorder
) -> Play:
    """A run whose first task, `clean`, is open; `daily` follows."""
    await put_file(database, "/jobs/main.py")
    tasks = [python_task("clean"), python_task("daily", "clean")]
    run_id = await run_now(api, await create_job(api, tasks=tasks))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    assert (await open_attempt(worker, ref(play.state.plan, 1, "clean"))).status_code == 200
    return play


def sql_event(task_run_id: int) -> dict[str, Any]:
    """What our SQL engines say of one statement."""
    source = {"namespace": "openlake-1", "name": SILVER}
    link = {"inputFields": [{**source, "field": "delay"}]}
    output = {
        "namespace": "openlake-1",
        "name": GOLD,
        "facets": {"columnLineage": {"fields": {"delay": link}}},
    }
    return {
        "eventType": "RUNNING",
        "eventTime": "2026-01-01T00:00:00+00:00",
        "job": {"namespace": "openlake-1", "name": "flights.daily"},
        "run": {"runId": str(lineage_run_id(task_run_id))},
        "inputs": [source],
        "outputs": [output],
    }


async def ship(worker: httpx2.AsyncClient, attempt: int, events: list[dict[str, Any]]) -> None:
    answer = await worker.post(f"/attempts/{attempt}/lineage", json=events)
    assert answer.status_code == 200, answer.text


async def test_a_runs_lineage_joins_spark_sql_and_snapshots(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, database: Database, play: Play
) -> None:
    run_id = play.state.plan.run_id
    for _ in range(2):
        await ship(worker, run_id + 1, recorded())
    async with database.session() as session:
        session.add(
            AttemptCommitRow(
                task_run_id=run_id + 1,
                workspace_id=1,
                job_id=1,
                run_id=run_id,
                table_name="silver.flights",
                branch="main",
                snapshot_id=7_000_000_000_000_000_001,
                operation="append",
                state=CommitState.COMMITTED,
                at=datetime.now(UTC),
            )
        )
        session.add(
            AttemptReadRow(
                task_run_id=run_id + 1,
                table_name="ref.codes",
                snapshot_id=5,
                branch="main",
                at=datetime.now(UTC),
            )
        )
    play.end("clean", AttemptResult.SUCCESS)
    await Projector(database).project(play.batch())
    await open_attempt(worker, ref(play.state.plan, 2, "daily"))
    await ship(worker, run_id + 2, [sql_event(run_id + 2)])

    graph = (await api.get(f"/api/openlake/1.0/lineage/runs/{run_id}")).json()
    names = {node["name"] for node in graph["nodes"]}
    assert {"flights.clean", "flights.daily", SILVER, GOLD, "lakehouse.ref.codes"} <= names
    edges = {(edge["source"], edge["target"]): edge for edge in graph["edges"]}
    wrote = edges["job:flights.clean", f"dataset:{SILVER}"]
    assert wrote["snapshot_ids"] == ["7000000000000000001"]
    assert wrote["task_run_id"] == run_id + 1
    assert edges["dataset:lakehouse.ref.codes", "job:flights.clean"]["snapshot_ids"] == ["5"]
    daily = edges["job:flights.daily", f"dataset:{GOLD}"]
    assert daily["column_lineage"] == [
        {"output_column": "delay", "input": SILVER, "input_column": "delay"}
    ]
    silver = next(node for node in graph["nodes"] if node["name"] == SILVER)
    assert [column["name"] for column in silver["columns"]] == ["flight", "delay", "model"]


@pytest.mark.parametrize(("state", "counts"), [("LANDED", True), ("OPEN", False)])
async def test_what_an_attempt_did_that_was_given_up_is_taken_back(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    database: Database,
    play: Play,
    state: str,
    counts: bool,
) -> None:
    run_id = play.state.plan.run_id
    async with database.session() as session:
        facts = {"run_id": run_id, "number": 0, "task_key": "clean", "base_hash": "00"}
        session.add(AttemptBranch(task_run_id=run_id + 1, branch="b", state=state, **facts))
    await ship(worker, run_id + 1, [sql_event(run_id + 1)])
    play.end("clean", AttemptResult.FAILED)
    await Projector(database).project(play.batch())
    late = sql_event(run_id + 1) | {"eventTime": "2026-01-01T00:00:01+00:00"}
    await ship(worker, run_id + 1, [late])
    graph = (await api.get(f"/api/openlake/1.0/lineage/runs/{run_id}")).json()
    assert bool(graph["edges"]) is counts


async def test_a_tables_lineage_has_a_depth(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, database: Database, play: Play
) -> None:
    run_id = play.state.plan.run_id
    await ship(worker, run_id + 1, recorded())
    play.end("clean", AttemptResult.SUCCESS)
    await Projector(database).project(play.batch())
    await open_attempt(worker, ref(play.state.plan, 2, "daily"))
    await ship(worker, run_id + 2, [sql_event(run_id + 2)])
    path = f"/api/openlake/1.0/lineage/tables/{GOLD}"
    near = {node["name"] for node in (await api.get(path)).json()["nodes"]}
    assert near == {GOLD, "flights.daily", SILVER}
    whole = {
        node["name"] for node in (await api.get(path, params={"depth": "all"})).json()["nodes"]
    }
    assert {"flights.clean", "lakehouse.bronze.planes", "file:/data/f.csv"} <= whole
    unknown = await api.get("/api/openlake/1.0/lineage/tables/a.b.c")
    assert unknown.status_code == 404
    assert (await api.get(path, params={"depth": "0"})).status_code == 400


async def test_the_collector_keeps_an_event_once(
    api: httpx2.AsyncClient, anonymous: httpx2.AsyncClient
) -> None:
    event = recorded()[5]
    for _ in range(2):
        assert (await api.post("/api/v1/lineage", json=event)).status_code == 201
    audit = (await api.get("/api/openlake/1.0/audit")).json()["entries"]
    assert [entry["action"] for entry in audit].count("lineage.collected") == 1
    graph = (await api.get(f"/api/openlake/1.0/lineage/tables/{SILVER}")).json()
    assert json.dumps(graph).count("flights_clean.overwrite_by_expression") > 0
    refused = await api.post("/api/v1/lineage", json={"eventTime": "yesterday"})
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    del api.headers["Authorization"]
    assert (await anonymous.post("/api/v1/lineage", json=event)).status_code == 401
