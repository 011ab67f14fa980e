"""The workflow of a statement: whatever happens on its warehouse, the statement is closed."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from spec.ids import statement_workflow_id
from spec.ports import WORKFLOW_QUEUE
from spec.statements import StatementClosing, StatementRef
from spec.warehouses import warehouse_queue
from workflows import worker

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@dataclass
class Plane:
    """Plays warehouse and control plane."""

    work: Callable[[], Awaitable[None]]
    may_run: bool = False
    """Something of it may still run at the engine when nobody has stopped it."""
    stops: int = 0
    tries: int = 0
    closed: list[StatementClosing] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    @activity.defn(name="run_statement")
    async def run_statement(self, ref: StatementRef) -> None:
        if ref.stop:
            self.stops += 1
            return
        self.tries += 1
        self.begun.set()
        await self.work()

    @activity.defn(name="close_statement")
    async def close_statement(self, closing: StatementClosing) -> bool:
        if self.may_run and not closing.stopped:
            return False
        self.closed.append(closing)
        return True


@asynccontextmanager
async def workers(temporal: WorkflowEnvironment, plane: Plane) -> AsyncIterator[None]:
    client = temporal.client
    async with (
        worker.build(client, [plane.close_statement]),
        Worker(
            client,
            task_queue=warehouse_queue(1, "duckdb"),
            activities=[plane.run_statement],
            max_heartbeat_throttle_interval=timedelta(milliseconds=100),
        ),
    ):
        yield


async def start(temporal: WorkflowEnvironment) -> WorkflowHandle:
    ref = StatementRef(workspace_id=1, warehouse_id="duckdb", statement_id=uuid.uuid4().hex)
    return await temporal.client.start_workflow(
        "Statement",
        ref,
        id=statement_workflow_id(ref.statement_id),
        task_queue=WORKFLOW_QUEUE,
    )


@asynccontextmanager
async def started(temporal: WorkflowEnvironment, plane: Plane) -> AsyncIterator[WorkflowHandle]:
    async with workers(temporal, plane):
        yield await start(temporal)


async def test_a_statement_that_its_worker_has_ended_needs_nothing_more(
    temporal: WorkflowEnvironment,
) -> None:
    async def work() -> None: ...

    plane = Plane(work)
    async with started(temporal, plane) as workflow:
        await workflow.result()
    assert (plane.tries, plane.closed) == (1, [])


async def test_a_statement_that_kills_every_worker_comes_to_an_end(
    temporal: WorkflowEnvironment,
) -> None:
    async def work() -> None:
        raise ApplicationError("killed")

    plane = Plane(work)
    async with started(temporal, plane) as workflow:
        await workflow.result()
    assert plane.tries == 5
    assert [(each.canceled, each.reason) for each in plane.closed] == [(False, "killed")]


async def test_a_statement_that_is_cancelled_before_anything_is_closed(
    temporal: WorkflowEnvironment,
) -> None:
    async def work() -> None: ...

    plane = Plane(work)
    workflow = await start(temporal)
    await workflow.cancel()
    async with workers(temporal, plane):
        await workflow.result()
    assert plane.tries == 0
    assert [each.canceled for each in plane.closed] == [True]


async def test_a_cancelled_statement_is_stopped_before_it_is_closed(
    temporal: WorkflowEnvironment,
) -> None:
    async def work() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.05)

    plane = Plane(work, may_run=True)
    async with started(temporal, plane) as workflow:
        await plane.begun.wait()
        await workflow.cancel()
        await workflow.result()
    assert plane.stops == 1
    assert [(each.canceled, each.stopped) for each in plane.closed] == [(True, True)]
