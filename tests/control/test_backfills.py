"""Backfills over PostgreSQL: each date once, never more at a time than was asked."""

import asyncio
from typing import Any

import httpx2
import pytest
from sqlmodel import col, select

from control.deps import Deps
from control.metrics import Metrics
from control.runs import outbox
from control.runs.tables import Run
from control.triggers.backfills import Backfills
from control.triggers.tables import BackfillDate
from spec.ids import backfill_workflow_id
from spec.triggers import BackfillRef, BackfillStep
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file
from tests.control.test_triggers import end

DAYS = {"from": "2026-01-01", "to": "2026-01-05"}
PARAMETERS = [{"name": "day", "default": "today"}]


@pytest.fixture
async def job_id(api: httpx2.AsyncClient, deps: Deps) -> int:
    await put_file(deps.database, "/jobs/main.py")
    return await create_job(api, max_concurrent_runs=10, parameters=PARAMETERS)


async def post(api: httpx2.AsyncClient, job_id: int, tail: str = "", **body: Any) -> dict[str, Any]:
    answer = await api.post(f"/api/openlake/1.0/jobs/{job_id}/backfills{tail}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def get(api: httpx2.AsyncClient, job_id: int, backfill_id: int) -> dict[str, Any]:
    answer = await api.get(f"/api/openlake/1.0/jobs/{job_id}/backfills/{backfill_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def runs(deps: Deps, job_id: int) -> list[Run]:
    async with deps.database.read_session() as session:
        query = select(Run).where(Run.job_id == job_id).order_by(col(Run.run_id))
        return list((await session.exec(query)).all())


async def advance(deps: Deps, backfill_id: int) -> BackfillStep:
    ref = BackfillRef(workspace_id=1, backfill_id=backfill_id)
    return await Backfills(deps).advance_backfill(ref)


async def test_a_dry_run_lists_what_would_run(
    api: httpx2.AsyncClient, deps: Deps, job_id: int
) -> None:
    parameters = {"day": "{{backfill.iso_date}}"}
    shown = await post(api, job_id, **DAYS, parameters=parameters, dry_run=True, reverse=True)
    assert shown["total"] == 5
    assert shown["dates"][0]["parameters"] == {"day": "2026-01-05"}
    assert shown["dates"][0]["at"] == "2026-01-05T00:00:00Z"
    assert (await api.get(f"/api/openlake/1.0/jobs/{job_id}/backfills")).json() == {"backfills": []}
    assert await runs(deps, job_id) == []


async def test_the_same_order_sent_again_is_one_backfill(
    api: httpx2.AsyncClient, job_id: int
) -> None:
    orders = [post(api, job_id, **DAYS, idempotency_token="once") for _ in range(5)]
    made = {each["backfill_id"] for each in await asyncio.gather(*orders)}
    other = await post(api, job_id, **DAYS)
    assert len(made) == 1 and other["backfill_id"] not in made


async def test_each_date_has_its_run_and_never_more_at_once_than_asked(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder, job_id: int
) -> None:
    parameters = {"day": "{{backfill.iso_date}}"}
    made = await post(api, job_id, **DAYS, parameters=parameters, max_concurrent_runs=2)
    backfill_id = made["backfill_id"]
    await outbox.relay_once(deps.database, launcher, Metrics())
    assert launcher.woken == [backfill_workflow_id(backfill_id)]
    step, ended = await advance(deps, backfill_id), 0
    while not step.is_over:
        active = [run for run in await runs(deps, job_id) if run.result is None]
        assert len(active) == min(2, 5 - ended)
        await end(deps, active[0], "SUCCESS")
        ended += 1
        view = await get(api, job_id, backfill_id)
        assert (view["done"], view["active"], view["total"]) == (ended, len(active) - 1, 5)
        step = await advance(deps, backfill_id)
    assert [run.job_parameters["day"] for run in await runs(deps, job_id)] == [
        f"2026-01-0{day}" for day in (1, 2, 3, 4, 5)
    ]
    view = await get(api, job_id, backfill_id)
    assert (view["state"], view["succeeded"], view["failed"]) == ("SUCCEEDED", 5, 0)


async def test_a_date_that_is_asked_for_twice_has_one_run(
    api: httpx2.AsyncClient, deps: Deps, job_id: int
) -> None:
    """The process died between the run and the note of it."""
    made = await post(api, job_id, **DAYS, max_concurrent_runs=2)
    await advance(deps, made["backfill_id"])
    before = await runs(deps, job_id)
    async with deps.database.session() as session:
        for number in (0, 1):
            date = await session.get_one(BackfillDate, (made["backfill_id"], number))
            date.run_id = None
            session.add(date)
    await advance(deps, made["backfill_id"])
    assert [run.run_id for run in await runs(deps, job_id)] == [run.run_id for run in before]


async def test_a_cancelled_backfill_stops_its_runs_and_starts_no_more(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder, job_id: int
) -> None:
    made = await post(api, job_id, **DAYS, max_concurrent_runs=2)
    await advance(deps, made["backfill_id"])
    active = await runs(deps, job_id)
    await post(api, job_id, f"/{made['backfill_id']}/cancel")
    assert sorted(run_id for run_id, _ in launcher.cancels) == [run.run_id for run in active]
    assert not (await advance(deps, made["backfill_id"])).is_over
    for run in active:
        await end(deps, run, "CANCELED")
    assert (await advance(deps, made["backfill_id"])).is_over
    assert len(await runs(deps, job_id)) == 2
    assert (await get(api, job_id, made["backfill_id"]))["state"] == "CANCELED"


async def test_what_did_not_succeed_is_run_again(
    api: httpx2.AsyncClient, deps: Deps, job_id: int
) -> None:
    made = await post(api, job_id, **DAYS, max_concurrent_runs=10)
    await advance(deps, made["backfill_id"])
    early = await api.post(f"/api/openlake/1.0/jobs/{job_id}/backfills/{made['backfill_id']}/rerun")
    assert early.status_code == 400
    for number, run in enumerate(await runs(deps, job_id)):
        await end(deps, run, "FAILED" if number in (1, 3) else "SUCCESS")
    assert (await advance(deps, made["backfill_id"])).is_over
    assert (await get(api, job_id, made["backfill_id"]))["state"] == "FAILED"
    again = await post(api, job_id, f"/{made['backfill_id']}/rerun")
    assert again["total"] == 2
    await advance(deps, again["backfill_id"])
    assert [run.triggered_at.day for run in (await runs(deps, job_id))[5:] if run.triggered_at] == [
        2,
        4,
    ]


async def test_dates_whose_run_cannot_be_made_fail_alone(
    api: httpx2.AsyncClient, deps: Deps
) -> None:
    job_id = await create_job(api)  # its file does not exist
    made = await post(api, job_id, **DAYS)
    assert (await advance(deps, made["backfill_id"])).is_over
    view = await get(api, job_id, made["backfill_id"])
    assert (view["state"], view["failed"]) == ("FAILED", 5)
    assert "/jobs/main.py" in view["dates"][0]["error"]


async def test_a_backfill_waits_in_the_jobs_queue(api: httpx2.AsyncClient, deps: Deps) -> None:
    """A job that skips runs at its limit loses no date."""
    await put_file(deps.database, "/jobs/main.py")
    job_id = await create_job(api, max_concurrent_runs=1, queue={"enabled": False})
    made = await post(api, job_id, **DAYS, max_concurrent_runs=3)
    await advance(deps, made["backfill_id"])
    assert [run.life for run in await runs(deps, job_id)] == ["PENDING", "QUEUED", "QUEUED"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"from": "x", "to": "2026-01-01"}, "'x' is no date"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "ends before it begins"),
        ({**DAYS, "every": "schedule"}, "no Quartz schedule"),
        ({**DAYS, "every": "often"}, "'often' is no interval"),
        ({**DAYS, "timezone_id": "Berlin"}, "did you mean 'Europe/Berlin'"),
        ({**DAYS, "parameters": {"day": "{{backfill.date}}"}}, "is no reference"),
        ({**DAYS, "parameters": {"other": "1"}}, "has no parameter 'other'"),
    ],
)
async def test_mistakes_are_told_before_anything_runs(
    api: httpx2.AsyncClient, deps: Deps, job_id: int, body: dict[str, Any], message: str
) -> None:
    answer = await api.post(f"/api/openlake/1.0/jobs/{job_id}/backfills", json=body)
    assert answer.status_code == 400
    assert message in answer.json()["message"]
