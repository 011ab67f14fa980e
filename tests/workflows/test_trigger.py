"""The trigger's workflow, months in seconds; the control plane scripted by the real rules."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from spec.ids import backfill_workflow_id, trigger_workflow_id
from spec.ports import WORKFLOW_QUEUE
from spec.schedules import CronSchedule
from spec.triggers import (
    BackfillRef,
    BackfillStep,
    TriggerRef,
    TriggerStep,
    TriggerTick,
    cron_due,
)
from tests.workflows.server import time_skipping_server
from workflows import worker

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def temporal() -> AsyncGenerator[WorkflowEnvironment]:
    """A server of these tests' own: what others skip would bring its clock beyond all schedules."""
    async with time_skipping_server() as env:
        yield env


@dataclass
class Plane:
    """Plays the control plane: keeps a schedule, remembers what fired."""

    schedule: CronSchedule | None = None
    most: int = 0
    """After so many firings the trigger is removed."""
    handled: datetime | None = None
    fired: list[datetime] = field(default_factory=list)
    looks: int = 0
    failures: int = 0
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    backfill: list[BackfillStep] = field(default_factory=list)

    @activity.defn(name="advance_trigger")
    async def advance_trigger(self, tick: TriggerTick) -> TriggerStep:
        self.looks += 1
        self.looked.set()
        if self.failures > 0:
            self.failures -= 1
            raise ApplicationError("the database is away")
        if self.schedule is None:
            return TriggerStep()
        due = cron_due(self.schedule, self.handled or tick.now, tick.now)
        if due.fire is not None:
            self.fired.append(due.fire)
        self.handled = due.fire or self.handled or tick.now
        if self.most and len(self.fired) >= self.most:
            return TriggerStep(fired_for=due.fire)
        return TriggerStep(wake_at=due.following, fired_for=due.fire)

    @activity.defn(name="advance_backfill")
    async def advance_backfill(self, ref: BackfillRef) -> BackfillStep:
        self.looks += 1
        return self.backfill.pop(0)


@asynccontextmanager
async def running(client: Client, plane: Plane) -> AsyncIterator[None]:
    activities = [plane.advance_trigger, plane.advance_backfill]
    async with worker.build(client, activities):
        yield


def cron(expression: str) -> CronSchedule:
    return CronSchedule(quartz_cron_expression=expression, timezone_id="Europe/Berlin")


async def test_months_of_a_schedule(temporal: WorkflowEnvironment) -> None:
    plane = Plane(cron("0 0 6 L * ?"), most=6)
    async with running(temporal.client, plane):
        ref = TriggerRef(workspace_id=1, job_id=1)
        await temporal.client.execute_workflow(
            "Trigger", ref, id=trigger_workflow_id(1), task_queue=WORKFLOW_QUEUE
        )
    assert len(plane.fired) == 6
    for before, after in zip(plane.fired, plane.fired[1:], strict=False):
        assert timedelta(days=27) < after - before < timedelta(days=32)
    assert all((at + timedelta(days=1)).day == 1 for at in plane.fired)
    # One look at the start and one for each firing: nothing polls.
    assert plane.looks == 7


async def test_a_changed_schedule_takes_the_place_of_the_old_one(
    temporal: WorkflowEnvironment,
) -> None:
    """A trigger that would sleep for decades is woken by the signal."""
    plane = Plane(cron("0 0 6 1 1 ? 2099"), most=3)
    async with running(temporal.client, plane):
        with temporal.auto_time_skipping_disabled():
            handle = await temporal.client.start_workflow(
                "Trigger",
                TriggerRef(workspace_id=1, job_id=2),
                id=trigger_workflow_id(2),
                task_queue=WORKFLOW_QUEUE,
            )
            await plane.looked.wait()
            plane.schedule = cron("0 0/10 * * * ?")
            await handle.signal("changed")
        await handle.result()
    assert len(plane.fired) == 3
    assert plane.fired[0].year < 2090
    assert plane.fired[2] - plane.fired[1] == timedelta(minutes=10)


async def test_a_removed_trigger_ends_its_workflow(temporal: WorkflowEnvironment) -> None:
    plane = Plane(cron("0 0 6 1 1 ? 2099"))
    async with running(temporal.client, plane):
        with temporal.auto_time_skipping_disabled():
            handle = await temporal.client.start_workflow(
                "Trigger",
                TriggerRef(workspace_id=1, job_id=3),
                id=trigger_workflow_id(3),
                task_queue=WORKFLOW_QUEUE,
            )
            await plane.looked.wait()
            plane.schedule = None
            await handle.signal("changed")
            await asyncio.wait_for(handle.result(), 20)
    assert plane.fired == []


async def test_an_outage_of_the_database_is_waited_out(temporal: WorkflowEnvironment) -> None:
    plane = Plane(cron("0 0 6 * * ?"), most=2, failures=5)
    async with running(temporal.client, plane):
        await temporal.client.execute_workflow(
            "Trigger",
            TriggerRef(workspace_id=1, job_id=4),
            id=trigger_workflow_id(4),
            task_queue=WORKFLOW_QUEUE,
        )
    assert len(plane.fired) == 2


async def test_a_backfill_looks_until_it_is_over(temporal: WorkflowEnvironment) -> None:
    steps = [BackfillStep(done=n, total=3, is_over=n == 3) for n in range(4)]
    plane = Plane(backfill=list(steps))
    async with running(temporal.client, plane):
        ended = await temporal.client.execute_workflow(
            "Backfill",
            BackfillRef(workspace_id=1, backfill_id=1),
            id=backfill_workflow_id(1),
            task_queue=WORKFLOW_QUEUE,
            result_type=BackfillStep,
        )
    assert ended == steps[-1]
    assert plane.looks == 4
