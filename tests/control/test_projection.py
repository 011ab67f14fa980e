"""What workflows decide ends in the rows, once, however often and in whatever batches it comes."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from control.db import Database
from control.gateway.tables import AttemptRow
from control.metrics import Metrics
from control.projection import ProjectionConflict, Projector
from control.runs.tables import RunEvent, TaskRun
from spec.attempts import AttemptOutcome, AttemptRef, AttemptResult
from spec.events import (
    AttemptScheduled,
    Event,
    Projection,
    Recorded,
    RunEnded,
    RunStarted,
    StopCause,
    StopRequested,
)
from spec.plans import RunPlan
from spec.publish import PublishOutcome
from spec.run_ends import end_publish
from spec.run_state import RunState, new_state
from spec.runs import apply, decide, end_attempt, next_wake
from spec.tasks import Engine
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, python_task, run_now

T0 = datetime(2026, 1, 1, tzinfo=UTC)


class Play:
    """Lives a run through the pure state machine and remembers its events."""

    def __init__(self, plan: RunPlan) -> None:
        self.state: RunState = new_state(plan)
        self.now = T0
        self.recorded: list[Recorded] = []

    def record(self, event: Event) -> None:
        apply(self.state, event)
        self.recorded.append(Recorded(seq=self.state.seq, event=event))

    def advance(self) -> None:
        while events := decide(self.state, self.now):
            for event in events:
                self.record(event)

    def end(self, task_key: str, result: AttemptResult) -> None:
        self.now += timedelta(seconds=1)
        identity = self.state.tasks[task_key].current
        assert identity is not None
        outcome = AttemptOutcome(result=result, code="SUCCESS", ended_at=self.now)
        self.record(end_attempt(self.state, task_key, identity, outcome, self.now))
        self.advance()

    def publish(self, outcome: PublishOutcome) -> None:
        self.record(end_publish(self.state, outcome, self.now))
        self.advance()

    def batch(self, start: int = 0, stop: int | None = None) -> Projection:
        events = tuple(self.recorded[start:stop])
        plan = self.state.plan
        return Projection(run_id=plan.run_id, execution=plan.execution, events=events)


def random_play(plan: RunPlan, rng: random.Random) -> Play:
    """End every attempt at random until the run is over."""
    play = Play(plan)
    play.record(RunStarted(at=play.now))
    play.advance()
    while play.state.result is None:
        if rng.random() < 0.05:
            play.record(StopRequested(at=play.now, cause=StopCause.USER, by="me"))
        if play.state.running:
            results = list(AttemptResult)
            play.end(rng.choice(sorted(play.state.running)), rng.choice(results))
        else:
            play.now = max(play.now, next_wake(play.state) or play.now)
            play.advance()
    return play


@pytest.fixture
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py")


@pytest.fixture
def projector(database: Database) -> Projector:
    return Projector(database, Metrics())


def diamond(**fields: Any) -> list[dict[str, Any]]:
    return [
        python_task("a", **fields),
        python_task("b", "a", **fields),
        python_task("c", "a", run_if="ALL_DONE", **fields),
        python_task("d", "b", "c", run_if="NONE_FAILED", **fields),
    ]


@pytest.mark.parametrize("seed", range(12))
async def test_rows_equal_the_folded_events(
    seed: int,
    api: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    projector: Projector,
    database: Database,
) -> None:
    rng = random.Random(seed)
    job_id = await create_job(api, tasks=diamond(max_retries=2, retry_on_timeout=True))
    run_id = await run_now(api, job_id)
    play = random_play(launcher.plans[run_id], rng)
    at = 0
    while at < len(play.recorded):
        stop = min(len(play.recorded), at + rng.randint(1, 4))
        # A batch may come again, also together with what was written before.
        start = rng.randint(0, at)
        await projector.project(play.batch(start, stop))
        if rng.random() < 0.3:
            await projector.project(play.batch(start, stop))
        at = stop

    async with database.read_session() as session:
        rows = (await session.exec(select(TaskRun).where(TaskRun.run_id == run_id))).all()
        stored = (await session.exec(select(RunEvent).order_by(RunEvent.seq))).all()  # pyright: ignore[reportArgumentType]
    folded = new_state(launcher.plans[run_id])
    for row in stored:
        apply(folded, Recorded.model_validate({"seq": row.seq, "event": row.event}).event)
    assert folded == play.state
    run = await get_run(api, run_id)
    assert play.state.result is not None
    assert run["state"]["result_state"] == play.state.result.value
    for key, task in play.state.tasks.items():
        mine = [row for row in rows if row.task_key == key]
        assert [row.attempt for row in mine][: task.attempts] == list(range(task.attempts))
        last = max(mine, key=lambda row: row.task_run_id)
        assert last.ended_at is not None
        assert last.result in (task.phase.value, "LOST")


async def test_other_content_under_a_known_number_is_refused_and_counted(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, database: Database
) -> None:
    metrics = Metrics()
    projector = Projector(database, metrics)
    run_id = await run_now(api, await create_job(api))
    plan = launcher.plans[run_id]
    play = random_play(plan, random.Random(1))
    await projector.project(play.batch())
    other = Recorded(seq=1, event=RunStarted(at=T0 + timedelta(seconds=9)))
    with pytest.raises(ProjectionConflict, match="other content"):
        await projector.project(Projection(run_id=run_id, execution=0, events=(other,)))
    late = Recorded(seq=99, event=RunStarted(at=T0))
    with pytest.raises(ProjectionConflict, match="came after"):
        await projector.project(Projection(run_id=run_id, execution=0, events=(late,)))
    sample = metrics.registry.get_sample_value("openlake_projection_conflicts_total")
    assert sample == 2


async def test_the_end_of_a_run_lets_the_oldest_waiting_one_start(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, projector: Projector, deps: Any
) -> None:
    from control.runs import outbox

    job_id = await create_job(api)
    first, second, third = [await run_now(api, job_id) for _ in range(3)]
    play = random_play(launcher.plans[first], random.Random(2))
    await projector.project(play.batch())
    await projector.project(play.batch())
    lives = [(await get_run(api, run))["state"]["life_cycle_state"] for run in (second, third)]
    assert lives == ["PENDING", "QUEUED"]
    await outbox.relay_once(deps.database, launcher, deps.metrics)
    assert launcher.starts == [first, second]


async def test_a_failed_run_reads_as_on_databricks(
    api: httpx2.AsyncClient, main_file: str, launcher: Recorder, projector: Projector
) -> None:
    run_id = await run_now(api, await create_job(api))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("a", AttemptResult.FAILED)
    assert isinstance(play.recorded[-1].event, RunEnded)
    await projector.project(play.batch())
    run = await get_run(api, run_id)
    message = "Task a failed with message: Workload failed, see run output for details."
    assert run["state"] == {
        "life_cycle_state": "INTERNAL_ERROR",
        "result_state": "FAILED",
        "state_message": message,
        "user_cancelled_or_timedout": False,
    }
    assert run["tasks"][0]["state"]["life_cycle_state"] == "TERMINATED"
    assert run["tasks"][0]["state"]["result_state"] == "FAILED"


async def test_an_ended_attempt_is_fenced(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    projector: Projector,
    database: Database,
) -> None:
    run_id = await run_now(api, await create_job(api))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    scheduled = play.recorded[-1].event
    assert isinstance(scheduled, AttemptScheduled)
    body = {"host": "h", "ref": ref_of(play, scheduled).model_dump(mode="json")}
    path = f"/attempts/{scheduled.task_run_id}/open"
    assert (await worker.post(path, json=body)).status_code == 200
    play.end("a", AttemptResult.LOST)
    await projector.project(play.batch())
    async with database.read_session() as session:
        attempt = await session.get_one(AttemptRow, scheduled.task_run_id)
    assert attempt.state == "over"
    answer = await worker.post(path, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (409, "ATTEMPT_OVER")


async def test_an_attempt_that_ended_before_it_was_opened_stays_shut(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    main_file: str,
    launcher: Recorder,
    projector: Projector,
) -> None:
    run_id = await run_now(api, await create_job(api))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    scheduled = play.recorded[-1].event
    assert isinstance(scheduled, AttemptScheduled)
    play.end("a", AttemptResult.LOST)
    await projector.project(play.batch())
    body = {"host": "h", "ref": ref_of(play, scheduled).model_dump(mode="json")}
    answer = await worker.post(f"/attempts/{scheduled.task_run_id}/open", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (409, "ATTEMPT_OVER")


def ref_of(play: Play, event: AttemptScheduled) -> AttemptRef:
    plan = play.state.plan
    return AttemptRef(
        workspace_id=plan.workspace_id,
        job_id=plan.job_id,
        run_id=plan.run_id,
        task_key=event.task_key,
        attempt=event.attempt,
        task_run_id=event.task_run_id,
        engine=Engine.PYTHON,
    )
