"""The activity's edge to Temporal: heartbeats, cancellation, shutdown, the wrong host."""

import asyncio
import dataclasses
from typing import Any, get_type_hints

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.config import WorkerConfig
from activities.engines import registry
from activities.engines.base import Handle
from activities.folder import AttemptFolder, State
from activities.run_attempt import LEFT_RUNNING, AttemptActivities
from spec import ports
from spec.attempts import AttemptOutcome, AttemptRef, AttemptResult
from spec.ports import WRONG_HOST
from spec.tasks import Engine
from tests.activities.fakes import FakeControl, make_ref, make_work

LONG = "import time\nprint('on', flush=True)\ntime.sleep(60)"


class Scene:
    """One activity execution at a time, and what it heartbeats."""

    def __init__(self, config: WorkerConfig, control: FakeControl) -> None:
        self.config = config
        self.control = control
        self.beats: list[Any] = []
        self.env = ActivityEnvironment()

    def start(self, ref: AttemptRef, *details: Any) -> asyncio.Task[AttemptOutcome]:
        self.env = ActivityEnvironment()
        self.env.info = dataclasses.replace(self.env.info, heartbeat_details=details)
        self.env.on_heartbeat = lambda *values: self.beats.extend(values)
        load = registry.load
        held = AttemptActivities(self.config, self.control, lambda e: load(e, self.config))
        running: Any = self.env.run(held.run_attempt, ref)
        return asyncio.ensure_future(running)

    async def submitted(self) -> Handle:
        async with asyncio.timeout(10):
            while not self.beats:
                await asyncio.sleep(0.01)
        return Handle.model_validate_json(self.beats[-1])

    def folder(self, key: str) -> AttemptFolder:
        return AttemptFolder(self.config.folder / key, key)


@pytest.fixture
def scene(config: WorkerConfig, control: FakeControl) -> Scene:
    return Scene(config, control)


async def test_the_handle_is_heartbeat_at_once(scene: Scene, control: FakeControl) -> None:
    work = control.add(make_work(make_ref()), main=LONG)
    running = scene.start(work.ref)
    handle = await scene.submitted()
    assert handle == Handle(key=work.key, host="here")
    scene.env.cancel()
    await running


async def test_cancellation_returns_the_outcome_when_all_is_stopped(
    scene: Scene, control: FakeControl
) -> None:
    work = control.add(make_work(make_ref()), main=LONG)
    running = scene.start(work.ref)
    await scene.submitted()
    scene.env.cancel()
    assert (await running).result is AttemptResult.CANCELED
    assert scene.folder(work.key).state(3) is State.FINISHED


@pytest.mark.parametrize("give_up", ["shutdown", "not_found", "timed_out"])
async def test_what_is_not_a_cancellation_leaves_the_work_running(
    scene: Scene, control: FakeControl, give_up: str
) -> None:
    work = control.add(make_work(make_ref()), main=LONG)
    running = scene.start(work.ref)
    await scene.submitted()
    if give_up == "shutdown":
        scene.env.worker_shutdown()
        with pytest.raises(ApplicationError) as caught:
            await running
        assert caught.value.type == LEFT_RUNNING
        assert not caught.value.non_retryable
    else:
        scene.env.cancel(ActivityCancellationDetails(**{give_up: True}))
        with pytest.raises(asyncio.CancelledError):
            await running
    assert scene.folder(work.key).state(3) is State.RUNNING
    again = scene.start(work.ref, scene.beats[-1])
    await asyncio.sleep(0.3)
    scene.env.cancel()
    assert (await again).result is AttemptResult.CANCELED


async def test_the_wrong_host_is_told_where_to_go(scene: Scene) -> None:
    handle = Handle(key="openlake-1", host="elsewhere").model_dump_json()
    with pytest.raises(ApplicationError) as caught:
        await scene.start(make_ref(), handle)
    assert (caught.value.type, caught.value.non_retryable) == (WRONG_HOST, True)
    assert list(caught.value.details) == ["elsewhere", handle]


def test_the_activity_is_the_one_that_workflows_call(scene: Scene) -> None:
    implemented = AttemptActivities.run_attempt
    wanted, given = get_type_hints(ports.run_attempt), get_type_hints(implemented)
    assert given == wanted
    key = "__temporal_activity_definition"
    assert getattr(implemented, key).name == getattr(ports.run_attempt, key).name


@pytest.mark.parametrize("engine", list(Engine))
def test_every_engine_has_a_line_in_the_registry(engine: Engine, config: WorkerConfig) -> None:
    adapter = registry.load(engine, dataclasses.replace(config, trino_url="http://127.0.0.1:1"))
    assert adapter.is_local is (engine not in (Engine.TRINO, Engine.AIRFLOW))
