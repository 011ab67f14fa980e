"""Workspaces: who makes them, who is in them, what they default to, how many runs they may have."""

import asyncio
from typing import Any

import httpx2
import pytest

from control.db import Database
from control.projection import Projector
from spec.attempts import AttemptResult
from spec.events import RunStarted
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, run_now, settings
from tests.control.test_identity import SCIM
from tests.control.test_identity_tokens import bearer, works
from tests.control.test_projection import T0, Play

HERE = "/api/openlake/1.0/workspaces"


async def create(api: httpx2.AsyncClient, name: str = "two", **fields: Any) -> dict[str, Any]:
    """Make a workspace."""
    answer = await api.post(HERE, json={"name": name, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def end(database: Database, launcher: Recorder, run_id: int) -> None:
    """Bring a run of one task to its end."""
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("a", AttemptResult.SUCCESS)
    await Projector(database).project(play.batch())


async def life(api: httpx2.AsyncClient, *run_ids: int) -> list[str]:
    """Return how runs stand."""
    return [(await get_run(api, each))["status"]["state"] for each in run_ids]


async def test_a_new_workspace_has_an_admin_and_what_every_workspace_has(
    api: httpx2.AsyncClient,
) -> None:
    made = await create(api, admin="bea@two", max_concurrent_runs=5)
    mine = bearer(made["token_value"])
    me = (await api.get(f"{SCIM}/Me", headers=mine)).json()
    assert (me["userName"], {each["display"] for each in me["groups"]}) == (
        "bea@two",
        {"admins", "users"},
    )
    listed = (await api.get("/api/2.0/sql/warehouses", headers=mine)).json()["warehouses"]
    assert {each["id"] for each in listed} == {"duckdb", "trino"}
    folders = await api.get("/api/2.0/workspace/list", params={"path": "/"}, headers=mine)
    assert {each["path"] for each in folders.json()["objects"]} == {"/Shared", "/Users"}
    # The own one is all that she sees.
    seen = (await api.get(HERE, headers=mine)).json()["workspaces"]
    assert [each["name"] for each in seen] == ["two"]
    assert (await api.get(f"{HERE}/1", headers=mine)).status_code == 404
    both = (await api.get(HERE, params={"limit": 1})).json()
    rest = (await api.get(HERE, params={"page_token": both["next_page_token"]})).json()
    assert [w["name"] for w in (*both["workspaces"], *rest["workspaces"])] == ["main", "two"]


async def test_only_the_operator_makes_and_bounds_workspaces(api: httpx2.AsyncClient) -> None:
    made = await create(api)
    where, mine = f"{HERE}/{made['workspace_id']}", bearer(made["token_value"])
    quota = {"max_concurrent_runs": 9}
    assert (await api.post(HERE, json={"name": "x"}, headers=mine)).status_code == 403
    assert (await api.patch(where, json=quota, headers=mine)).status_code == 403
    assert (await api.delete(where, headers=mine)).status_code == 403
    assert (await api.patch(where, json={"name": "zwei"}, headers=mine)).json()["name"] == "zwei"
    assert (await api.patch(where, json=quota)).json()["max_concurrent_runs"] == 9
    taken = await api.post(HERE, json={"name": "ZWEI"})
    assert (taken.status_code, taken.json()["error_code"]) == (409, "RESOURCE_ALREADY_EXISTS")
    assert (await api.delete(f"{HERE}/1")).status_code == 400
    assert (await api.patch(where, json={"default_warehouse_id": "0" * 16})).status_code == 404
    assert (await api.patch(where, json={"default_catalog": "nowhere"})).status_code == 404


async def test_members_come_with_a_token_and_go_with_it(api: httpx2.AsyncClient) -> None:
    made = await create(api)
    where = f"{HERE}/{made['workspace_id']}/members"
    mine = bearer(made["token_value"])
    ana = (await api.post(where, json={"user_name": "ana"}, headers=mine)).json()
    assert await works(api, ana["token_value"])
    assert not ana["admin"]
    listed = (await api.get(where, headers=bearer(ana["token_value"]))).json()["members"]
    assert [(each["user_name"], each["admin"]) for each in listed] == [
        ("admin@openlake.local", True),
        ("ana", False),
    ]
    refused = await api.post(where, json={"user_name": "x"}, headers=bearer(ana["token_value"]))
    assert refused.status_code == 403
    life = {"lifetime_seconds": 9}
    more = (await api.post(f"{where}/ana/tokens", json=life, headers=mine)).json()
    assert await works(api, more["token_value"])
    assert (await api.post(where, json={"user_name": "ana"}, headers=mine)).status_code == 409
    assert (await api.delete(f"{where}/ana", headers=mine)).status_code == 200
    assert not await works(api, ana["token_value"])
    assert (await api.delete(f"{where}/ana", headers=mine)).status_code == 404
    last = await api.delete(f"{where}/admin@openlake.local", headers=mine)
    assert last.status_code == 400


async def test_a_workspace_in_which_something_runs_is_not_deleted(
    api: httpx2.AsyncClient, database: Database, launcher: Recorder
) -> None:
    made = await create(api)
    where, mine = f"{HERE}/{made['workspace_id']}", bearer(made["token_value"])
    task = {"task_key": "a", "condition_task": {"op": "EQUAL_TO", "left": "1", "right": "1"}}
    schedule = {"quartz_cron_expression": "0 0 0 * * ?", "timezone_id": "UTC"}
    body = {"name": "j", "tasks": [task], "schedule": schedule}
    job = (await api.post("/api/2.2/jobs/create", json=body, headers=mine)).json()
    run = (await api.post("/api/2.2/jobs/run-now", json=job, headers=mine)).json()["run_id"]
    refused = await api.delete(where)
    assert (refused.status_code, "1 runs" in refused.json()["message"]) == (409, True)
    await end(database, launcher, run)
    woken = len(launcher.woken)
    assert (await api.delete(where)).status_code == 200
    assert not await works(api, made["token_value"])
    assert (await api.get(where)).status_code == 404
    # Its name is free again.
    await create(api)
    assert len(launcher.woken) >= woken


async def test_runs_over_the_quota_wait_and_the_end_of_one_lets_the_next_go(
    api: httpx2.AsyncClient, database: Database, launcher: Recorder
) -> None:
    await put_file(database, "/jobs/main.py")
    await api.patch(f"{HERE}/1", json={"max_concurrent_runs": 2})
    one, two = await create_job(api, max_concurrent_runs=9), await create_job(api, name="b")
    first, second = await run_now(api, one), await run_now(api, one)
    # Neither a job without a queue nor a run without a job is an exception.
    third = await run_now(api, two, queue={"enabled": False})
    submitted = await api.post("/api/2.2/jobs/runs/submit", json=_tasks())
    fourth, fifth = submitted.json()["run_id"], await run_now(api, one)
    waiting = (third, fourth, fifth)
    assert await life(api, first, second, *waiting) == ["PENDING"] * 2 + ["QUEUED"] * 3
    await end(database, launcher, first)
    assert await life(api, *waiting) == ["PENDING", "QUEUED", "QUEUED"]
    await api.patch(f"{HERE}/1", json={"max_concurrent_runs": 3})
    assert await life(api, *waiting) == ["PENDING", "PENDING", "QUEUED"]
    await api.patch(f"{HERE}/1", json={"max_concurrent_runs": None})
    assert await life(api, *waiting) == ["PENDING"] * 3


def _tasks() -> dict[str, Any]:
    found = settings()
    return {"run_name": found["name"], "tasks": found["tasks"]}


async def test_the_quota_holds_when_many_ask_at_once(
    api: httpx2.AsyncClient, database: Database
) -> None:
    await put_file(database, "/jobs/main.py")
    await api.patch(f"{HERE}/1", json={"max_concurrent_runs": 3})
    jobs = [await create_job(api, name=f"j{n}") for n in range(4)]
    runs = await asyncio.gather(*(run_now(api, job) for job in jobs for _ in range(3)))
    lives = await life(api, *runs)
    assert sorted(lives) == ["PENDING"] * 3 + ["QUEUED"] * 9


@pytest.mark.parametrize("named", [True, False])
async def test_a_statement_takes_the_workspaces_defaults(
    api: httpx2.AsyncClient, named: bool
) -> None:
    bare = await api.post("/api/2.0/sql/statements", json={"statement": "select 1"})
    assert bare.status_code == 400 and "warehouse_id" in bare.json()["message"]
    await api.patch(f"{HERE}/1", json={"default_warehouse_id": "trino"})
    body = {"statement": "select 1", "wait_timeout": "0s"}
    given = {**body, **({"warehouse_id": "duckdb"} if named else {})}
    made = await api.post("/api/2.0/sql/statements", json=given)
    assert made.status_code == 200, made.text
    listed = (await api.get("/api/2.0/sql/history/queries")).json()["res"]
    assert listed[0]["warehouse_id"] == ("duckdb" if named else "trino")
