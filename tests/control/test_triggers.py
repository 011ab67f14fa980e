"""Triggers over PostgreSQL: armed with the job, fired once, whatever is repeated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlmodel import col, select
from temporalio.activity import _Definition  # pyright: ignore[reportPrivateUsage]

from control.deps import Deps
from control.metrics import Metrics
from control.runs import outbox
from control.runs.tables import OutboxRow, Run
from control.triggers.activities import Triggers
from control.triggers.backfills import Backfills
from control.triggers.service import tell_all
from control.triggers.tables import TriggerState
from spec import ports
from spec.errors import Invalid
from spec.ids import trigger_workflow_id
from spec.triggers import Mark, TriggerStep, TriggerTick
from tests.control.acting import give, person
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, python_task, run_now

HOUR = timedelta(hours=1)
EVERY_HOUR = {"quartz_cron_expression": "0 0 * * * ?", "timezone_id": "UTC"}


@dataclass
class Lake:
    """A watcher of what the test says there is."""

    marks: dict[str, Mark] = field(default_factory=dict)
    error: str = ""

    async def files(self, url: str) -> Mapping[str, Mark]:
        if self.error:
            raise Invalid(self.error)
        return dict(self.marks)

    async def tables(self, names: Sequence[str]) -> Mapping[str, Mark]:
        return {name: mark for name, mark in self.marks.items() if name in names}


@pytest.fixture
def lake() -> Lake:
    return Lake()


@pytest.fixture
async def triggers(deps: Deps, lake: Lake) -> Triggers:
    await put_file(deps.database, "/jobs/main.py")
    return Triggers(deps, lake)  # pyright: ignore[reportArgumentType]


async def state(deps: Deps, job_id: int) -> TriggerState | None:
    async with deps.database.read_session() as session:
        return await session.get(TriggerState, job_id)


async def armed(deps: Deps, job_id: int) -> datetime:
    row = await state(deps, job_id)
    assert row is not None
    return row.armed_at


async def runs(deps: Deps, job_id: int) -> list[Run]:
    async with deps.database.read_session() as session:
        query = select(Run).where(Run.job_id == job_id).order_by(col(Run.run_id))
        return list((await session.exec(query)).all())


async def woken(deps: Deps, launcher: Recorder) -> list[str]:
    """Deliver the outbox and return whose workflows were woken by it."""
    launcher.woken.clear()
    await outbox.relay_once(deps.database, launcher, Metrics())
    return launcher.woken


async def end(deps: Deps, run: Run, result: str, at: datetime | None = None) -> None:
    async with deps.database.session() as session:
        row = await session.get_one(Run, run.run_id)
        row.life, row.result, row.ended_at = "ENDED", result, at or datetime.now(UTC)
        session.add(row)


async def change(api: httpx2.AsyncClient, job_id: int, **settings: Any) -> None:
    body = {"job_id": job_id, "new_settings": settings}
    answer = await api.post("/api/2.2/jobs/update", json=body)
    assert answer.status_code == 200, answer.text


def tick(job_id: int, now: datetime | None) -> TriggerTick:
    assert now is not None
    return TriggerTick(job_id=job_id, now=now)


def test_the_activities_are_those_that_workflows_call() -> None:
    for stub, real in (
        (ports.advance_trigger, Triggers.advance_trigger),
        (ports.advance_backfill, Backfills.advance_backfill),
    ):
        wanted, given = _Definition.must_from_callable(stub), _Definition.must_from_callable(real)
        assert (given.name, given.arg_types) == (wanted.name, wanted.arg_types)
        assert given.ret_type is wanted.ret_type


async def test_a_schedule_fires_at_its_instants(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers, launcher: Recorder
) -> None:
    job_id = await create_job(api, schedule=EVERY_HOUR, max_concurrent_runs=5)
    assert await woken(deps, launcher) == [trigger_workflow_id(job_id)]
    set_at = await armed(deps, job_id)
    first = await triggers.advance_trigger(tick(job_id, set_at))
    assert first.fired_for is None and first.wake_at is not None
    assert set_at < first.wake_at <= set_at + HOUR
    second = await triggers.advance_trigger(tick(job_id, first.wake_at))
    assert second == TriggerStep(
        wake_at=first.wake_at + HOUR, fired_for=first.wake_at, run_id=second.run_id
    )
    (run,) = await runs(deps, job_id)
    assert run.run_id == second.run_id
    assert run.triggered_at == first.wake_at
    assert (await get_run(api, run.run_id))["trigger"] == "PERIODIC"
    assert run.run_id in launcher.plans


async def test_a_firing_that_is_repeated_makes_one_run(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers
) -> None:
    """The process died between the run and the note that the instant was dealt with."""
    job_id = await create_job(api, schedule=EVERY_HOUR, max_concurrent_runs=5)
    due = (await armed(deps, job_id)).replace(minute=0, second=0, microsecond=0) + HOUR
    before = await state(deps, job_id)
    assert before is not None
    first = await triggers.advance_trigger(tick(job_id, due))
    async with deps.database.session() as session:
        row = await session.get_one(TriggerState, job_id)
        row.handled_at = before.handled_at
        session.add(row)
    assert await triggers.advance_trigger(tick(job_id, due)) == first
    assert len(await runs(deps, job_id)) == 1


async def test_missed_instants_fire_once_for_the_latest(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers
) -> None:
    schedule = {"quartz_cron_expression": "0 0/10 * * * ?", "timezone_id": "UTC"}
    job_id = await create_job(api, schedule=schedule, max_concurrent_runs=5)
    back = (await armed(deps, job_id)).replace(minute=5, second=0) + 9 * HOUR
    step = await triggers.advance_trigger(tick(job_id, back))
    (run,) = await runs(deps, job_id)
    assert run.triggered_at == step.fired_for == back.replace(minute=0, microsecond=0)


async def test_pausing_and_deleting_end_the_trigger(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers, launcher: Recorder
) -> None:
    job_id = await create_job(api, schedule=EVERY_HOUR)
    await woken(deps, launcher)
    await change(api, job_id, schedule={**EVERY_HOUR, "pause_status": "PAUSED"})
    assert await woken(deps, launcher) == [trigger_workflow_id(job_id)]
    later = datetime.now(UTC) + 3 * HOUR
    assert await triggers.advance_trigger(tick(job_id, later)) == TriggerStep()
    await change(api, job_id, schedule=EVERY_HOUR)
    assert await woken(deps, launcher) == [trigger_workflow_id(job_id)]
    assert await armed(deps, job_id) <= datetime.now(UTC)
    await api.post("/api/2.2/jobs/delete", json={"job_id": job_id})
    assert await woken(deps, launcher) == [trigger_workflow_id(job_id)]
    assert await triggers.advance_trigger(tick(job_id, later)) == TriggerStep()
    assert await runs(deps, job_id) == []


async def test_only_a_changed_trigger_begins_anew(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers, launcher: Recorder
) -> None:
    job_id = await create_job(api, schedule=EVERY_HOUR)
    first = await armed(deps, job_id)
    await woken(deps, launcher)
    await change(api, job_id, name="another")
    assert await armed(deps, job_id) == first
    assert await woken(deps, launcher) == []
    await change(api, job_id, schedule={**EVERY_HOUR, "timezone_id": "Europe/Berlin"})
    assert await armed(deps, job_id) > first
    assert await woken(deps, launcher) == [trigger_workflow_id(job_id)]


async def test_the_change_and_the_word_of_it_are_one_transaction(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    """Temporal is away while the job is made: the outbox keeps the word."""
    launcher.away = True
    job_id = await create_job(api, schedule=EVERY_HOUR)
    assert await woken(deps, launcher) == []
    async with deps.database.read_session() as session:
        (row,) = (await session.exec(select(OutboxRow))).all()
    assert (row.kind, row.job_id, row.run_id) == ("TRIGGER", job_id, None)


async def test_after_a_start_every_trigger_looks_again(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    job_id = await create_job(api, schedule=EVERY_HOUR)
    await woken(deps, launcher)
    async with deps.database.session() as session:
        await tell_all(session)
    assert await woken(deps, launcher) == [trigger_workflow_id(job_id)]


async def test_a_run_that_cannot_be_made_is_told_and_the_schedule_goes_on(
    api: httpx2.AsyncClient, deps: Deps, lake: Lake
) -> None:
    triggers = Triggers(deps, lake)  # pyright: ignore[reportArgumentType]
    job_id = await create_job(api, schedule=EVERY_HOUR)  # its file does not exist
    due = (await armed(deps, job_id)).replace(minute=0, second=0, microsecond=0) + HOUR
    step = await triggers.advance_trigger(tick(job_id, due))
    assert step == TriggerStep(wake_at=due + HOUR, fired_for=due)
    row = await state(deps, job_id)
    assert row is not None and "/jobs/main.py" in row.last_error
    shown = await api.get(
        "/api/2.2/jobs/get", params={"job_id": job_id, "include_trigger_state": "true"}
    )
    assert "/jobs/main.py" in shown.json()["trigger_state"]["last_error"]


async def fired(triggers: Triggers, deps: Deps, job_id: int, hours: int) -> tuple[int | None, str]:
    """Let a schedule fire so many hours after it was set; return the run, or why there is none."""
    due = (await armed(deps, job_id)).replace(minute=0, second=0, microsecond=0) + hours * HOUR
    step = await triggers.advance_trigger(tick(job_id, due))
    assert step.wake_at == due + HOUR, "whatever comes of it, the schedule goes on"
    row = await state(deps, job_id)
    assert row is not None
    return step.run_id, row.last_error


async def scheduled(api: httpx2.AsyncClient, deps: Deps, **fields: Any) -> int:
    await put_file(deps.database, "/Shared/main.py")
    task = {"task_key": "a", "spark_python_task": {"python_file": "/Shared/main.py"}}
    return await create_job(api, tasks=[task], schedule=EVERY_HOUR, max_concurrent_runs=9, **fields)


async def test_a_schedule_asks_at_each_instant_whether_its_user_may_still_run_the_job(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers
) -> None:
    ann = await person(api, deps, "ann@openlake")
    job_id = await scheduled(api, deps, run_as={"user_name": ann.name})
    run_id, error = await fired(triggers, deps, job_id, 1)
    assert run_id is None and "ann@openlake has no permission on job" in error
    await give(api, f"jobs/{job_id}", ann.name, "CAN_MANAGE_RUN")
    run_id, error = await fired(triggers, deps, job_id, 2)
    assert run_id is not None and error == ""
    gone = {"schemas": [], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    path = f"/api/2.0/preview/scim/v2/Users/{ann.caller.principal_id}"
    assert (await api.patch(path, json=gone)).status_code == 200
    run_id, error = await fired(triggers, deps, job_id, 3)
    assert run_id is None and "is no active user" in error
    assert len(await runs(deps, job_id)) == 1


async def test_a_firing_that_is_repeated_finds_its_run_though_its_user_is_gone(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers
) -> None:
    ann = await person(api, deps, "ann@openlake")
    job_id = await scheduled(api, deps, run_as={"user_name": ann.name})
    await give(api, f"jobs/{job_id}", ann.name, "CAN_MANAGE_RUN")
    before = await state(deps, job_id)
    first, _ = await fired(triggers, deps, job_id, 1)
    assert before is not None
    async with deps.database.session() as session:
        row = await session.get_one(TriggerState, job_id)
        row.handled_at, row.last_run_id = before.handled_at, None
    await give(api, f"jobs/{job_id}", ann.name, "CAN_VIEW")
    assert await fired(triggers, deps, job_id, 1) == (first, "")


async def test_a_service_principal_runs_a_scheduled_job_without_a_permission_on_it(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers
) -> None:
    body = {"displayName": "robot"}
    made = await api.post("/api/2.0/preview/scim/v2/ServicePrincipals", json=body)
    name = made.json()["applicationId"]
    job_id = await scheduled(api, deps, run_as={"service_principal_name": name})
    run_id, error = await fired(triggers, deps, job_id, 1)
    assert run_id is not None and error == ""


async def test_a_periodic_trigger_counts_from_when_it_was_set(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers
) -> None:
    periodic = {"periodic": {"interval": 2, "unit": "HOURS"}}
    job_id = await create_job(api, trigger=periodic, max_concurrent_runs=5)
    set_at = await armed(deps, job_id)
    step = await triggers.advance_trigger(tick(job_id, set_at))
    assert step.wake_at == set_at + 2 * HOUR
    step = await triggers.advance_trigger(tick(job_id, step.wake_at))
    assert (step.fired_for, step.wake_at) == (set_at + 2 * HOUR, set_at + 4 * HOUR)


async def test_lists_say_when_a_job_fires_next(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers
) -> None:
    job_id = await create_job(api, schedule=EVERY_HOUR)
    other = await create_job(api)
    step = await triggers.advance_trigger(tick(job_id, await armed(deps, job_id)))
    assert step.wake_at is not None
    jobs = (await api.get("/api/2.2/jobs/list")).json()["jobs"]
    shown = {job["job_id"]: job.get("trigger_state") for job in jobs}
    assert shown[other] is None
    assert shown[job_id]["next_fire_time"] == int(step.wake_at.timestamp() * 1000)
    assert shown[job_id]["pause_status"] == "UNPAUSED"
    assert shown[job_id]["description"] == "every hour"


CONTINUOUS: dict[str, Any] = {"continuous": {"pause_status": "UNPAUSED"}}


async def test_a_continuous_job_always_has_one_run(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers
) -> None:
    job_id = await create_job(api, **CONTINUOUS)
    now = await armed(deps, job_id)
    first = await triggers.advance_trigger(tick(job_id, now))
    assert first.run_id is not None
    for _ in range(3):
        await triggers.advance_trigger(tick(job_id, now))
    (run,) = await runs(deps, job_id)
    assert run.trigger == "CONTINUOUS"
    later = datetime.now(UTC)
    await end(deps, run, "SUCCESS", later)
    step = await triggers.advance_trigger(tick(job_id, later))
    assert (step.run_id, step.wake_at) == (None, later + timedelta(seconds=1))
    later += timedelta(seconds=1)
    second = await triggers.advance_trigger(tick(job_id, later))
    assert second.run_id not in (None, run.run_id)
    assert len(await runs(deps, job_id)) == 2


async def test_a_failing_continuous_job_backs_off(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers
) -> None:
    job_id = await create_job(api, **CONTINUOUS)
    now = await armed(deps, job_id)
    for pause_s in (10, 20, 40):
        await triggers.advance_trigger(tick(job_id, now))
        newest = (await runs(deps, job_id))[-1]
        await end(deps, newest, "FAILED", now)
        step = await triggers.advance_trigger(tick(job_id, now))
        now += timedelta(seconds=pause_s)
        assert step.wake_at == now
    row = await state(deps, job_id)
    assert row is not None and row.failures == 3
    shown = await api.get(
        "/api/2.2/jobs/get", params={"job_id": job_id, "include_trigger_state": "true"}
    )
    assert shown.json()["trigger_state"]["continuous"]["consecutive_failures"] == 3
    await triggers.advance_trigger(tick(job_id, now))
    await end(deps, (await runs(deps, job_id))[-1], "SUCCESS", now)
    step = await triggers.advance_trigger(tick(job_id, now + timedelta(seconds=1)))
    assert step.run_id is not None


async def test_run_now_restarts_a_continuous_job(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers, launcher: Recorder
) -> None:
    job_id = await create_job(api, **CONTINUOUS)
    first = await triggers.advance_trigger(tick(job_id, await armed(deps, job_id)))
    run_id = await run_now(api, job_id)
    assert [cancelled for cancelled, _ in launcher.cancels] == [first.run_id]
    run = await get_run(api, run_id)
    assert (run["trigger"], run["state"]["life_cycle_state"]) == ("CONTINUOUS_RESTART", "QUEUED")
    await triggers.advance_trigger(tick(job_id, datetime.now(UTC)))
    assert len(await runs(deps, job_id)) == 2


async def test_failed_tasks_of_a_continuous_job_may_be_retried(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers, launcher: Recorder
) -> None:
    retried = {"pause_status": "UNPAUSED", "task_retry_mode": "ON_FAILURE"}
    tasks = [python_task("a"), python_task("b", max_retries=1)]
    job_id = await create_job(api, continuous=retried, tasks=tasks)
    step = await triggers.advance_trigger(tick(job_id, await armed(deps, job_id)))
    assert step.run_id is not None
    plan = {task.task_key: task.max_retries for task in launcher.plans[step.run_id].tasks}
    assert plan == {"a": 3, "b": 1}
    once = await create_job(api, **CONTINUOUS)
    step = await triggers.advance_trigger(tick(once, await armed(deps, once)))
    assert step.run_id is not None
    assert launcher.plans[step.run_id].tasks[0].max_retries == 0


async def test_run_now_of_a_paused_continuous_job_is_an_ordinary_run(
    api: httpx2.AsyncClient, launcher: Recorder, triggers: Triggers
) -> None:
    job_id = await create_job(api, continuous={"pause_status": "PAUSED"})
    run = await get_run(api, await run_now(api, job_id))
    assert (run["trigger"], launcher.cancels) == ("ONE_TIME", [])


async def test_the_end_of_a_run_wakes_a_continuous_trigger(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers, launcher: Recorder
) -> None:
    job_id = await create_job(api, **CONTINUOUS)
    await triggers.advance_trigger(tick(job_id, await armed(deps, job_id)))
    run_id = await run_now(api, job_id)
    await woken(deps, launcher)
    await api.post("/api/2.2/jobs/runs/cancel", json={"run_id": run_id})  # it is queued
    assert await woken(deps, launcher) == [trigger_workflow_id(job_id)]


async def test_new_files_make_a_run(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers, lake: Lake
) -> None:
    url = "s3://lakehouse/in/"
    job_id = await create_job(api, trigger={"file_arrival": {"url": url}}, max_concurrent_runs=5)
    now = await armed(deps, job_id)
    lake.marks["in/old"] = Mark("1", now - HOUR)
    step = await triggers.advance_trigger(tick(job_id, now))
    assert (step.run_id, step.wake_at) == (None, now + timedelta(seconds=10))
    lake.marks["in/new"] = Mark("1", now)
    step = await triggers.advance_trigger(tick(job_id, now + timedelta(seconds=10)))
    (run,) = await runs(deps, job_id)
    assert (run.run_id, run.trigger) == (step.run_id, "FILE_ARRIVAL")
    assert run.trigger_info == {"location": url, "files": 1}
    step = await triggers.advance_trigger(tick(job_id, now + timedelta(seconds=20)))
    assert step.run_id is None
    assert len(await runs(deps, job_id)) == 1


async def test_a_decided_firing_is_carried_out_after_a_crash(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers, lake: Lake
) -> None:
    trigger = {"file_arrival": {"url": "s3://lakehouse/in/"}}
    job_id = await create_job(api, trigger=trigger, max_concurrent_runs=5)
    now = await armed(deps, job_id)
    await triggers.advance_trigger(tick(job_id, now))
    lake.marks["in/a"] = Mark("1", now)
    step = await triggers.advance_trigger(tick(job_id, now + timedelta(seconds=10)))
    async with deps.database.session() as session:  # as if the last note had not been written
        row = await session.get_one(TriggerState, job_id)
        row.handled, row.firing_at, row.fired_at = {}, now + timedelta(seconds=10), None
        session.add(row)
    lake.marks["in/b"] = Mark("1", now)
    again = await triggers.advance_trigger(tick(job_id, now + timedelta(seconds=40)))
    assert again.run_id == step.run_id
    third = await triggers.advance_trigger(tick(job_id, now + timedelta(seconds=50)))
    assert third.run_id not in (None, step.run_id)
    assert len(await runs(deps, job_id)) == 2


async def test_a_location_that_cannot_be_read_is_told(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers, lake: Lake
) -> None:
    trigger = {"file_arrival": {"url": "s3://nowhere/"}}
    job_id = await create_job(api, trigger=trigger)
    lake.error = "s3://nowhere/ cannot be listed: no such bucket"
    now = await armed(deps, job_id)
    step = await triggers.advance_trigger(tick(job_id, now))
    assert step.wake_at == now + timedelta(minutes=1)
    row = await state(deps, job_id)
    assert row is not None and row.last_error == lake.error


async def test_table_updates_make_a_run(
    api: httpx2.AsyncClient, deps: Deps, triggers: Triggers, lake: Lake
) -> None:
    update = {"table_names": ["demo.a", "demo.b"], "condition": "ALL_UPDATED"}
    job_id = await create_job(api, trigger={"table_update": update}, max_concurrent_runs=5)
    now = await armed(deps, job_id)
    lake.marks = {"demo.a": Mark("1", now - HOUR), "demo.b": Mark("1", now - HOUR)}
    await triggers.advance_trigger(tick(job_id, now))
    lake.marks["demo.a"] = Mark("2", now)
    step = await triggers.advance_trigger(tick(job_id, now + timedelta(seconds=10)))
    assert step.run_id is None
    shown = await api.get(
        "/api/2.2/jobs/get", params={"job_id": job_id, "include_trigger_state": "true"}
    )
    assert shown.json()["trigger_state"]["table"]["last_seen_table_states"] == [
        {"table_name": "demo.a", "has_seen_updates": True},
        {"table_name": "demo.b", "has_seen_updates": False},
    ]
    lake.marks["demo.b"] = Mark("2", now)
    step = await triggers.advance_trigger(tick(job_id, now + timedelta(seconds=20)))
    (run,) = await runs(deps, job_id)
    assert (run.run_id, run.trigger) == (step.run_id, "TABLE")
    assert run.trigger_info == {"tables": {"demo.a": "2", "demo.b": "2"}}
