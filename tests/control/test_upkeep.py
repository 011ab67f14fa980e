"""Runs that wait for ever in a queue, and runs whose workflow somebody ended."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from control.db import Database
from control.metrics import Metrics
from control.projection import Projector
from control.runs.ending import expire_queued
from control.runs.upkeep import reconcile
from spec.events import RunStarted
from spec.ids import execution_of, for_each_workflow_id, workflow_id
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, run_now
from tests.control.test_projection import Play


@pytest.fixture
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py")


async def test_a_queued_run_is_skipped_after_48_hours(
    api: httpx2.AsyncClient, main_file: str, database: Database
) -> None:
    job_id = await create_job(api)
    await run_now(api, job_id)
    waiting = await run_now(api, job_id)
    now = datetime.now(UTC)
    async with database.session() as session:
        assert await expire_queued(session, now + timedelta(hours=47)) == 0
        assert await expire_queued(session, now + timedelta(hours=49)) == 1
    state = (await get_run(api, waiting))["state"]
    assert (state["life_cycle_state"], "48 hours" in state["state_message"]) == ("SKIPPED", True)


async def test_a_run_whose_workflow_was_terminated_ends_and_lets_the_next_one_start(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, database: Database
) -> None:
    job_id = await create_job(api)
    run_id, waiting = await run_now(api, job_id), await run_now(api, job_id)
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=play.now))
    play.advance()
    await Projector(database, Metrics()).project(play.batch())
    launcher.ended = [(workflow_id(run_id, 0), "TERMINATED")]
    assert await reconcile(database, launcher) == [run_id]
    assert await reconcile(database, launcher) == [], "once is enough"
    run = await get_run(api, run_id)
    assert run["state"]["result_state"] == "CANCELED"
    assert "from outside" in run["state"]["state_message"]
    assert run["tasks"][0]["state"]["result_state"] == "CANCELED"
    assert (await get_run(api, waiting))["state"]["life_cycle_state"] == "PENDING"


async def test_an_execution_that_was_repaired_since_is_left_alone(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, database: Database
) -> None:
    run_id = await run_now(api, await create_job(api))
    launcher.ended = [(workflow_id(run_id, 1), "TERMINATED")]
    assert await reconcile(database, launcher) == []


def test_workflow_ids_are_read_back() -> None:
    assert execution_of(workflow_id(7, 0)) == (7, 0)
    assert execution_of(workflow_id(7, 2)) == (7, 2)
    assert execution_of(for_each_workflow_id(7, 0, 9)) is None
