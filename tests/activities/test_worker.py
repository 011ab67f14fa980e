"""The worker on a real Temporal server: outcomes, cancellation, restarts, the shared limit."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.workflow import ActivityCancellationType

from activities.config import WorkerConfig
from activities.folder import AttemptFolder
from activities.worker import build_workers
from control.config import Settings
from control.stack.install import install
from control.stack.layout import Layout
from control.stack.progress import Silent
from spec import ports
from spec.attempts import AttemptOutcome, AttemptRef, AttemptResult
from spec.tasks import Engine
from tests.activities.fakes import FakeControl, make_ref, make_work

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

QUEUE = "test-workflows"


@workflow.defn
class OneAttempt:
    """Calls the activity as a run's workflow does."""

    @workflow.run
    async def run(self, ref: AttemptRef) -> AttemptOutcome:
        return await workflow.execute_activity(
            ports.run_attempt,
            ref,
            task_queue=ports.engine_queue(ref.engine),
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=15),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100)),
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )


class Stage:
    """A Temporal server, and engine workers that come and go."""

    def __init__(self, env: WorkflowEnvironment, config: WorkerConfig) -> None:
        self.env = env
        self.config = config
        self.control = FakeControl()

    def worker(self, **changes: Any) -> AsyncExitStack:
        """Start a worker process's workers; leave the block to shut them down."""
        config = dataclasses.replace(self.config, **changes)
        stack = AsyncExitStack()
        control: Any = self.control
        for worker in build_workers(self.env.client, config, [Engine.PYTHON], control):
            stack.push_async_exit(_running(worker))
        return stack

    async def start(self, ref: AttemptRef) -> WorkflowHandle[Any, AttemptOutcome]:
        return await self.env.client.start_workflow(
            OneAttempt.run, ref, id=f"test-{uuid4()}", task_queue=QUEUE
        )

    async def wait_for_log(self, ref: AttemptRef, text: str) -> None:
        async with asyncio.timeout(20):
            while text not in self.control.log(ref):
                await asyncio.sleep(0.05)


def _running(worker: Worker) -> Any:
    running = asyncio.ensure_future(worker.run())

    async def leave(*_: object) -> None:
        await worker.shutdown()
        await running

    return leave


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    layout = Layout(Settings())
    install(layout, ["temporal"], Silent())
    env = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(layout.go_tool("temporal")),
        data_converter=pydantic_data_converter,
    )
    async with Worker(
        env.client,
        task_queue=QUEUE,
        workflows=[OneAttempt],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield env
    await env.shutdown()


@pytest.fixture
def stage(temporal: WorkflowEnvironment, config: WorkerConfig) -> Stage:
    return Stage(temporal, config)


def folder(stage: Stage, key: str) -> AttemptFolder:
    return AttemptFolder(stage.config.folder / key, key)


async def test_an_attempt_comes_back_with_its_outcome(stage: Stage) -> None:
    work = stage.control.add(make_work(make_ref()), main="print('ran')")
    async with stage.worker():
        handle = await stage.start(work.ref)
        assert (await handle.result()).result is AttemptResult.SUCCESS
    assert stage.control.log(work.ref) == "ran\n"


async def test_cancelling_returns_canceled(stage: Stage) -> None:
    work = stage.control.add(make_work(make_ref()), main="import time\nprint(1)\ntime.sleep(60)")
    async with stage.worker():
        handle = await stage.start(work.ref)
        await stage.wait_for_log(work.ref, "1")
        await handle.cancel()
        assert (await handle.result()).result is AttemptResult.CANCELED


async def test_a_worker_that_leaves_hands_its_work_on(stage: Stage) -> None:
    source = "import time\nprint('begin')\ntime.sleep(4)\nprint('end')"
    work = stage.control.add(make_work(make_ref()), main=source)
    async with stage.worker():
        handle = await stage.start(work.ref)
        await stage.wait_for_log(work.ref, "begin")
    async with stage.worker():
        assert (await handle.result()).result is AttemptResult.SUCCESS
    assert stage.control.log(work.ref) == "begin\nend\n"


async def test_work_of_another_host_is_refused_with_its_name(stage: Stage) -> None:
    work = stage.control.add(make_work(make_ref(), host="elsewhere"), main="print(1)")
    async with stage.worker():
        handle = await stage.start(work.ref)
        with pytest.raises(Exception) as caught:
            await handle.result()
    cause: Any = caught.value.__cause__
    error = cause.cause
    assert isinstance(error, ApplicationError)
    assert (error.type, list(error.details)) == (ports.WRONG_HOST, ["elsewhere", None])


async def test_engines_share_one_limit(stage: Stage) -> None:
    source = "import time\nprint('on')\ntime.sleep(1.5)"
    works = [
        stage.control.add(make_work(make_ref(ordinal)), main=source) for ordinal in range(1, 13)
    ]
    folders = [folder(stage, work.key) for work in works]
    most = 0
    async with stage.worker(slots=2):
        handles = [await stage.start(work.ref) for work in works]
        waiting = asyncio.gather(*(handle.result() for handle in handles))
        while not waiting.done():
            begun = [each for each in folders if each.runner is not None]
            # Whoever still runs after all were looked at ran together with the others.
            most = max(most, sum(each.exit is None for each in begun))
            await asyncio.sleep(0.1)
        outcomes = await waiting
    assert all(outcome.result is AttemptResult.SUCCESS for outcome in outcomes)
    # Polls that were open when the limit was reached may each bring one more.
    assert 2 <= most <= 2 + 5
