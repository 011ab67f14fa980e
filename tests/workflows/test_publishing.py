"""Runs that are transactions, on a time-skipping Temporal server; catalog and engines scripted."""

import asyncio

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from spec.attempts import AttemptResult
from spec.events import (
    AttemptEnded,
    CancelRequest,
    Published,
    PublishStarted,
    Result,
    RunResult,
    StopRequested,
)
from spec.plans import TaskKind, TaskPhase
from spec.publish import ConflictPolicy, PublishOutcome
from tests.workflows.script import Script, fold, for_each, plan, running, start, task

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

CONFLICT, FAILED = AttemptResult.CONFLICT, AttemptResult.FAILED


def cut_anew(*writers: str) -> PublishOutcome:
    return PublishOutcome(
        published=False, tables=("s.t",), message="s.t was changed.", writers=writers, cut_anew=True
    )


async def cancelled_at_the_gate(
    client: Client, script: Script, run: WorkflowHandle[object, Result]
) -> Result:
    """Cancel the run while it lands or publishes, and let it go on only after that."""
    await script.at_gate.wait()
    await run.signal("cancel", CancelRequest(by="ann"))
    # A query is answered only after the signal has been taken in.
    await run.query("tasks")
    assert script.gate is not None
    script.gate.set()
    return await run.result()


async def test_a_run_lands_each_attempt_and_publishes_once(temporal: WorkflowEnvironment) -> None:
    script = Script(steps={"a": [FAILED]})
    run_plan = plan(task("a", max_retries=1), task("b", "a"), publish=True)
    script.publishing = [PublishOutcome(published=True, tables=("s.t",))]
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert result.message == "Published s.t."
    assert [(r.ref.task_key, r.ref.attempt) for r in script.landed] == [("a", 1), ("b", 0)]
    assert [request.round for request in script.published] == [1]
    kinds = [type(event) for _, event in sorted(script.events.items())]
    assert kinds[-3:-1] == [PublishStarted, Published]
    assert fold(run_plan, script).published == ("s.t",)


async def test_a_plain_run_neither_lands_nor_publishes(temporal: WorkflowEnvironment) -> None:
    script = Script()
    async with running(temporal.client, script):
        await (await start(temporal.client, plan(task("a")))).result()
    assert script.landed == [] and script.published == []


async def test_a_failed_run_publishes_nothing(temporal: WorkflowEnvironment) -> None:
    script = Script(steps={"b": [FAILED]})
    run_plan = plan(task("a"), task("b", "a"), publish=True)
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.FAILED
    assert script.published == []


async def test_a_conflict_between_tasks_runs_again_and_costs_no_retry(
    temporal: WorkflowEnvironment,
) -> None:
    script = Script(landings={"a": [CONFLICT] * 7})
    run_plan = plan(task("a", min_retry_interval_ms=3_600_000), publish=True)
    async with running(temporal.client, script):
        began = await temporal.get_current_time()
        result = await (await start(temporal.client, run_plan)).result()
        took = await temporal.get_current_time() - began
    assert result.result is RunResult.SUCCESS
    assert script.attempts("a") == 8
    assert took.total_seconds() < 3_600


async def test_iterations_land_and_run_again_after_a_conflict(
    temporal: WorkflowEnvironment,
) -> None:
    script = Script(inputs={"each": (3, ((0, 3),))}, landings={"each[1]": [CONFLICT] * 9})
    run_plan = plan(for_each("each", concurrency=3), publish=True)
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert script.attempts("each[1]") == 10
    assert len(script.landed) == 12
    assert len(script.published) == 1


async def test_after_a_refusal_the_writers_and_what_follows_run_again(
    temporal: WorkflowEnvironment,
) -> None:
    script = Script(publishing=[cut_anew("b")])
    run_plan = plan(
        *(task("a"), task("b", "a"), task("c", "b"), task("d", "a")),
        publish=True,
        conflict=ConflictPolicy.RETRY_PUBLISH,
    )
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert {key: script.attempts(key) for key in "abcd"} == {"a": 1, "b": 2, "c": 2, "d": 1}
    assert [request.round for request in script.published] == [1, 2]
    assert fold(run_plan, script).result is RunResult.SUCCESS


async def test_the_catalog_is_asked_until_it_answers(temporal: WorkflowEnvironment) -> None:
    script = Script(publishing=[ApplicationError("the catalog is away")] * 5)
    run_plan = plan(task("a"), publish=True)
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert {request.round for request in script.published} == {1}


async def test_what_cannot_be_published_ends_the_run_with_the_reason(
    temporal: WorkflowEnvironment,
) -> None:
    gone = ApplicationError("its branch is gone", non_retryable=True)
    script = Script(publishing=[gone])
    async with running(temporal.client, script):
        result = await (await start(temporal.client, plan(task("a"), publish=True))).result()
    assert result.result is RunResult.FAILED
    assert "its branch is gone" in result.message


async def test_a_cancel_comes_too_late_while_publishing(temporal: WorkflowEnvironment) -> None:
    script = Script(gate=asyncio.Event())
    condition = task("a", engine=None, kind=TaskKind.CONDITION)
    script.conditions = {"a": "true"}
    run_plan = plan(condition, publish=True)
    async with running(temporal.client, script):
        run = await start(temporal.client, run_plan)
        result = await cancelled_at_the_gate(temporal.client, script, run)
    assert result.result is RunResult.SUCCESS
    assert not any(isinstance(event, StopRequested) for event in script.events.values())


async def test_a_late_cancel_counts_when_tasks_would_run_again(
    temporal: WorkflowEnvironment,
) -> None:
    script = Script(gate=asyncio.Event(), publishing=[cut_anew("a")])
    condition = task("a", engine=None, kind=TaskKind.CONDITION)
    script.conditions = {"a": "true"}
    run_plan = plan(condition, publish=True, conflict=ConflictPolicy.RETRY_PUBLISH)
    async with running(temporal.client, script):
        run = await start(temporal.client, run_plan)
        result = await cancelled_at_the_gate(temporal.client, script, run)
    assert result.result is RunResult.CANCELED
    assert len(script.published) == 1
    assert fold(run_plan, script).result is RunResult.CANCELED


async def test_a_timeout_does_not_end_what_is_being_published(
    temporal: WorkflowEnvironment,
) -> None:
    away = ApplicationError("the catalog is away")
    script = Script(publishing=[away] * 8)
    run_plan = plan(task("a"), publish=True, timeout_s=5)
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS


async def test_a_cancel_waits_for_a_landing(temporal: WorkflowEnvironment) -> None:
    script = Script(gate=asyncio.Event())
    run_plan = plan(task("a"), task("b", "a"), publish=True)
    async with running(temporal.client, script):
        run = await start(temporal.client, run_plan)
        result = await cancelled_at_the_gate(temporal.client, script, run)
    assert result.result is RunResult.CANCELED
    state = fold(run_plan, script)
    assert state.tasks["a"].phase is TaskPhase.SUCCESS
    [ended] = [event for event in script.events.values() if isinstance(event, AttemptEnded)]
    assert ended.outcome.result is AttemptResult.SUCCESS
    assert script.published == []


async def test_an_execution_that_goes_on_in_a_fresh_history_counts_its_rounds_on(
    temporal: WorkflowEnvironment,
) -> None:
    script = Script()
    async with running(temporal.client, script):
        run_plan = plan(task("a"), publish=True, publishes=3)
        await (await start(temporal.client, run_plan)).result()
    assert [request.round for request in script.published] == [4]
