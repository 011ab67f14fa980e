"""The launcher against a real Temporal server: everything may be repeated."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from control.config import Settings
from control.stack.layout import Layout
from control.temporal import SEARCH_ATTRIBUTES, TemporalLauncher, connect
from spec.errors import Unavailable
from spec.ids import backfill_workflow_id, run_id_at, trigger_workflow_id, workflow_id
from spec.plans import RunPlan, TaskPlan
from spec.tasks import Engine
from tests.control.postgres import free_port

pytestmark = pytest.mark.integration


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    arguments = [f"--search-attribute={name}=Keyword" for name in SEARCH_ATTRIBUTES]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(Layout(Settings()).go_tool("temporal")),
        dev_server_extra_args=arguments,
        data_converter=pydantic_data_converter,
    ) as environment:
        yield environment.client


def plan(number: int) -> RunPlan:
    return RunPlan(
        workspace_id=1,
        job_id=3,
        run_id=run_id_at(number),
        settings_hash="0" * 64,
        tasks=(TaskPlan(task_key="a", engine=Engine.PYTHON),),
        creator="me",
    )


async def test_a_run_is_started_once(client: Client) -> None:
    launcher = TemporalLauncher(client)
    await launcher.check()
    assert [await launcher.start(plan(1)) for _ in range(3)] == [True, False, False]
    found = await launcher.describe(run_id_at(1))
    assert found is not None and found.status == "RUNNING"
    handle = client.get_workflow_handle(workflow_id(run_id_at(1), 0))
    described = await handle.describe()
    names = {pair.key.name: pair.value for pair in described.typed_search_attributes}
    assert names["OpenlakeRun"] == str(run_id_at(1))
    assert names["OpenlakeCreator"] == "me"
    await handle.terminate()
    assert not await launcher.start(plan(1))
    await launcher.cancel(plan(1), "me")


async def test_a_cancel_starts_what_never_was(client: Client) -> None:
    launcher = TemporalLauncher(client)
    assert await launcher.describe(run_id_at(2)) is None
    await launcher.cancel(plan(2), "me")
    handle = client.get_workflow_handle(workflow_id(run_id_at(2), 0))
    history = await handle.fetch_history()
    field = "workflow_execution_signaled_event_attributes"
    signals = [event for event in history.events if event.HasField(field)]
    assert len(signals) == 1


async def test_a_server_that_is_away_is_unavailable() -> None:
    launcher = TemporalLauncher(await connect(f"127.0.0.1:{free_port()}", "default"))
    with pytest.raises(Unavailable):
        await launcher.start(plan(3))
    with pytest.raises(Unavailable):
        await launcher.cancel(plan(3), "me")
    with pytest.raises(Unavailable):
        await launcher.check()


async def test_a_trigger_is_started_and_woken_by_the_same_word(client: Client) -> None:
    launcher = TemporalLauncher(client)
    for _ in range(3):
        await launcher.wake_trigger(1, 3)
        await launcher.wake_backfill(1, 5)
    for workflow in (trigger_workflow_id(3), backfill_workflow_id(5)):
        handle = client.get_workflow_handle(workflow)
        described = await handle.describe()
        names = {pair.key.name: pair.value for pair in described.typed_search_attributes}
        assert names["OpenlakeWorkspace"] == "1"
        signals = [
            event
            async for event in handle.fetch_history_events()
            if event.HasField("workflow_execution_signaled_event_attributes")
        ]
        assert len(signals) == 3
        # One that has ended is started anew, unlike a run.
        await handle.terminate()
    await launcher.wake_trigger(1, 3)
    again = await client.get_workflow_handle(trigger_workflow_id(3)).describe()
    assert again.status is not None and again.status.name == "RUNNING"
