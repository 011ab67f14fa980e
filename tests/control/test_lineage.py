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
from tests.control.make import (
    create_job,
    make_token,
    make_user,
    put_file,
    python_task,
    run_now,
)
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


MAP = "/api/openlake/1.0/lineage/graph"


@pytest.fixture
async def told(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, database: Database, play: Play
) -> Play:
    """A run that made silver from bronze (Spark, seen by the gateway) and gold from silver."""
    run_id = play.state.plan.run_id
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
                snapshot_id=7,
                operation="append",
                state=CommitState.COMMITTED,
                at=datetime.now(UTC),
            )
        )
    play.end("clean", AttemptResult.SUCCESS)
    await Projector(database).project(play.batch())
    await open_attempt(worker, ref(play.state.plan, 2, "daily"))
    await ship(worker, run_id + 2, [sql_event(run_id + 2)])
    return play


def by_id(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["id"]: node for node in found["nodes"]}


async def test_the_map_has_tables_tasks_and_what_the_catalog_saw(
    api: httpx2.AsyncClient, told: Play
) -> None:
    plan = told.state.plan
    whole = (await api.get(MAP)).json()
    nodes = by_id(whole)
    clean, daily = f"job:{plan.job_id}/clean", f"job:{plan.job_id}/daily"
    assert nodes[clean] | {"last_at": 0} == {
        "id": clean,
        "kind": "job",
        "name": "clean",
        "full_name": "flights.clean",
        "job_id": plan.job_id,
        "last_run_id": plan.run_id,
        "last_state": "SUCCESS",
        "last_at": 0,
        "hidden": False,
    }
    assert nodes[f"table:{GOLD}"]["last_written_at"] > 0
    assert nodes["path:file:/data/f.csv"]["name"] == "f.csv"
    edges = {(edge["from"], edge["to"]): edge for edge in whole["edges"]}
    assert edges[clean, f"table:{SILVER}"]["proven"] is True
    assert edges[daily, f"table:{GOLD}"]["proven"] is False
    assert edges[f"table:{SILVER}", daily]["runs"] == 1
    assert whole["truncated"] is False
    assert {end for edge in edges for end in edge} <= nodes.keys()
    cut = (await api.get(MAP, params={"limit": 2})).json()
    assert (len(cut["nodes"]), cut["truncated"]) == (2, True)


@pytest.mark.parametrize(
    ("root", "direction", "depth", "there", "missing"),
    [
        (GOLD, "up", 1, {f"table:{SILVER}"}, {"path:file:/data/f.csv"}),
        (f"table:{GOLD}", "up", 2, {"path:file:/data/f.csv"}, set[str]()),
        (GOLD, "down", 5, {f"table:{GOLD}"}, {f"table:{SILVER}"}),
        (SILVER, "down", 1, {f"table:{GOLD}"}, {"path:file:/data/f.csv"}),
        ("job:{job}", "both", 1, {f"table:{SILVER}", f"table:{GOLD}"}, set[str]()),
        ("job:{job}/daily", "down", 1, {f"table:{GOLD}"}, {f"table:{SILVER}"}),
        ("job:{job}/daily", "both", 2, {"path:file:/data/f.csv"}, set[str]()),
    ],
)
async def test_the_map_around_a_node(
    api: httpx2.AsyncClient,
    told: Play,
    root: str,
    direction: str,
    depth: int,
    there: set[str],
    missing: set[str],
) -> None:
    wanted = root.replace("{job}", str(told.state.plan.job_id))
    found = by_id(
        (await api.get(MAP, params={"root": wanted, "direction": direction, "depth": depth})).json()
    )
    assert there <= found.keys()
    assert not missing & found.keys()


@pytest.mark.parametrize("root", ["a.b.c", "job:123456", "job:nobody", "job:1/none"])
async def test_nothing_is_around_what_is_not_known(
    api: httpx2.AsyncClient, told: Play, root: str
) -> None:
    assert (await api.get(MAP, params={"root": root})).status_code == 404


async def test_jobs_that_one_may_not_see_have_no_names(
    api: httpx2.AsyncClient, database: Database, told: Play
) -> None:
    plan = told.state.plan
    token = await make_token(database, await make_user(database, "eve@x"))
    eve = {"Authorization": f"Bearer {token}"}
    seen = (await api.get(MAP, headers=eve)).json()
    jobs = [node for node in seen["nodes"] if node["kind"] == "job"]
    assert f"table:{GOLD}" in by_id(seen)
    assert [(job["name"], job["full_name"], job["hidden"]) for job in jobs[:2]] == [
        ("", "", True),
        ("", "", True),
    ]
    assert "flights.clean" not in json.dumps(seen)
    assert f'"job_id":{plan.job_id}' not in json.dumps(seen).replace(" ", "")
    root = {"root": f"job:{plan.job_id}"}
    assert (await api.get(MAP, params=root, headers=eve)).status_code == 404
    path = "/api/openlake/1.0/lineage/impact"
    items = (await api.get(path, params={"table": SILVER}, headers=eve)).json()["items"]
    assert {("job", "", True), ("table", GOLD, False)} <= {
        (item["kind"], item["name"], item["hidden"]) for item in items
    }
    assert not any(item["name"] for item in items if item["kind"] == "job")
    path = f"/api/openlake/1.0/lineage/tables/{SILVER}"
    mine, hers = [(await api.get(path, headers=who)).json() for who in ({}, eve)]
    assert "flights.clean" in json.dumps(mine)
    assert len(hers["nodes"]) == len(mine["nodes"])
    assert "flights" not in json.dumps([node for node in hers["nodes"] if node["type"] == "JOB"])
    assert f"{plan.run_id}" not in json.dumps(hers)


async def test_the_impact_of_a_table_names_jobs_and_owners(
    api: httpx2.AsyncClient, told: Play
) -> None:
    plan = told.state.plan
    path = "/api/openlake/1.0/lineage/impact"
    found = (await api.get(path, params={"table": SILVER})).json()
    items = {item["id"]: item for item in found["items"]}
    job, gold = items[f"job:{plan.job_id}"], items[f"table:{GOLD}"]
    assert (job["kind"], job["name"], job["distance"]) == ("job", "flights", 1)
    assert (job["last_run_id"], "daily" in job["task_keys"]) == (plan.run_id, True)
    assert job["owner"]
    assert (gold["kind"], gold["name"], gold["distance"]) == ("table", GOLD, 1)
    assert f"table:{SILVER}" not in items
    assert (await api.get(path, params={"table": "a.b.c"})).status_code == 404


async def test_columns_are_those_of_the_newest_run(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, told: Play
) -> None:
    path = "/api/openlake/1.0/lineage/columns"
    made = {
        "from_table": SILVER,
        "from_column": "delay",
        "to_table": GOLD,
        "to_column": "delay",
    }
    for table in (GOLD, SILVER):
        found = (await api.get(path, params={"table": table})).json()
        assert made in found["edges"]
    columns = {each["table"]: each["columns"] for each in found["tables"]}
    assert [each["name"] for each in columns[SILVER]] == ["flight", "delay", "model"]
    both = (await api.get(path, params={"table": [GOLD, SILVER]})).json()
    assert {edge["to_table"] for edge in both["edges"]} == {GOLD, SILVER}
    assert (await api.get(path)).status_code == 400
