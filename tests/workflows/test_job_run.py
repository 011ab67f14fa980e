"""The run's workflow on a real (time-skipping) Temporal server, engines and database scripted."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from spec.attempts import AttemptResult
from spec.events import AttemptEnded, CancelRequest, Projection, RunResult
from spec.ids import reserved_ids, workflow_id
from spec.plans import TaskPhase, TaskPlan
from spec.ports import WRONG_HOST, engine_queue, host_queue
from spec.tasks import Engine
from tests.workflows.script import Script, fold, plan, running, start, task
from workflows import options

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

FAILED, SUCCESS, LOST = AttemptResult.FAILED, AttemptResult.SUCCESS, AttemptResult.LOST


async def test_a_graph_runs_in_order_and_its_events_fold_to_the_same_end(
    temporal: WorkflowEnvironment,
) -> None:
    script = Script()
    run_plan = plan(task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c"))
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    order = [ref.task_key for ref in script.refs]
    assert order[0] == "a" and order[-1] == "d" and sorted(order) == ["a", "b", "c", "d"]
    assert fold(run_plan, script).result is RunResult.SUCCESS
    assert sorted(script.events) == list(range(1, len(script.events) + 1))


async def test_events_that_nobody_waits_for_are_projected_together(
    temporal: WorkflowEnvironment,
) -> None:
    script, keys = Script(), [f"t{i}" for i in range(12)]
    run_plan = plan(*_chain(keys), paced=True)
    async with running(temporal.client, script):
        await (await start(temporal.client, run_plan)).result()
    assert script.batches < len(keys)
    assert sorted(script.events) == list(range(1, len(script.events) + 1))


async def test_a_task_that_refers_to_others_finds_them_projected_at_once(
    temporal: WorkflowEnvironment,
) -> None:
    script, keys = Script(), [f"t{i}" for i in range(6)]
    run_plan = plan(*_chain(keys, reads_upstream=True), paced=True)
    async with running(temporal.client, script):
        run = await start(temporal.client, run_plan)
        await run.result()
    assert script.batches >= len(keys)
    history = await run.fetch_history()
    assert not any(event.HasField("timer_fired_event_attributes") for event in history.events)


def _chain(keys: list[str], **limits: bool) -> list[TaskPlan]:
    edges = [(), *((before,) for before in keys)]
    return [task(key, *above, **limits) for key, above in zip(keys, edges, strict=False)]


async def test_a_failed_task_is_retried_after_its_interval(temporal: WorkflowEnvironment) -> None:
    script = Script(steps={"a": [FAILED, FAILED]})
    run_plan = plan(task("a", max_retries=2, min_retry_interval_ms=3_600_000))
    async with running(temporal.client, script):
        began = await temporal.get_current_time()
        result = await (await start(temporal.client, run_plan)).result()
        took = await temporal.get_current_time() - began
    assert result.result is RunResult.SUCCESS
    assert [ref.attempt for ref in script.refs] == [0, 1, 2]
    assert took >= timedelta(hours=2)


async def test_a_failure_stops_what_depends_on_it(temporal: WorkflowEnvironment) -> None:
    script = Script(steps={"a": [FAILED]})
    run_plan = plan(task("a"), task("b", "a"), task("c"))
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.FAILED
    assert "Task a failed" in result.message
    assert fold(run_plan, script).tasks["b"].phase is TaskPhase.UPSTREAM_FAILED
    assert script.attempts("b") == 0


async def test_cancel_stops_the_outside_work(temporal: WorkflowEnvironment) -> None:
    script = Script(steps={"a": ["hang"]})
    run_plan = plan(task("a"), task("b", "a"))
    async with running(temporal.client, script):
        run = await start(temporal.client, run_plan)
        await script.started["a"].wait()
        await run.signal("cancel", CancelRequest(by="ann"))
        result = await run.result()
    assert result.result is RunResult.CANCELED
    assert "ann" in result.message
    state = fold(run_plan, script)
    assert {task.phase for task in state.tasks.values()} == {TaskPhase.CANCELED}


async def test_a_task_that_waits_is_cancelled_by_its_reserved_id(
    temporal: WorkflowEnvironment,
) -> None:
    script = Script(steps={"a": ["wait"]})
    run_plan = plan(task("b", "a"), task("a"), task("c", "b", run_if="ALL_DONE"), reserved_from=0)
    async with running(temporal.client, script):
        run = await start(temporal.client, run_plan)
        await script.started["a"].wait()
        identity = reserved_ids(run_plan.run_id, 0, ["b"])["b"]
        await run.signal("cancel", CancelRequest(by="ann", task_run_id=identity))
        await script.started["c"].wait()
        script.release.set()
        result = await run.result()
    assert result.result is RunResult.SUCCESS_WITH_FAILURES
    assert script.attempts("b") == 0
    state = fold(run_plan, script)
    assert {key: each.phase for key, each in state.tasks.items()} == {
        "a": TaskPhase.SUCCESS,
        "b": TaskPhase.CANCELED,
        "c": TaskPhase.SUCCESS,
    }


async def test_a_run_times_out(temporal: WorkflowEnvironment) -> None:
    script = Script(steps={"a": ["hang"]})
    run_plan = plan(task("a"), timeout_s=1)
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.TIMEDOUT


async def test_a_lost_attempt_is_made_again_without_costing_a_retry(
    temporal: WorkflowEnvironment,
) -> None:
    script = Script(steps={"a": [LOST, FAILED]})
    run_plan = plan(task("a", max_retries=1))
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert script.attempts("a") == 3


async def test_work_on_another_host_is_followed_on_that_hosts_queue(
    temporal: WorkflowEnvironment,
) -> None:
    away = ApplicationError("not here", "here", "handle-1", type=WRONG_HOST, non_retryable=True)
    script = Script(steps={"a": [away]})
    run_plan = plan(task("a"))
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert script.attempts("a") == 1
    assert [ref.handle for ref in script.refs] == [None, "handle-1"]


async def test_a_host_that_stays_silent_loses_the_attempt(temporal: WorkflowEnvironment) -> None:
    gone = ApplicationError("not here", "gone", "handle-1", type=WRONG_HOST, non_retryable=True)
    script = Script(steps={"a": [gone]})
    run_plan = plan(task("a"))
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert script.attempts("a") == 2


async def test_a_stop_finds_the_host_that_has_the_work(temporal: WorkflowEnvironment) -> None:
    """The worker that followed it fails while cancelled; any other one says where the work is."""
    here = ApplicationError("not here", "here", "handle-1", type=WRONG_HOST, non_retryable=True)
    script = Script(steps={"a": ["break"]}, stops=[here])
    async with running(temporal.client, script):
        run = await start(temporal.client, plan(task("a")))
        await script.started["a"].wait()
        await run.signal("cancel", CancelRequest(by="ann"))
        result = await run.result()
    assert result.result is RunResult.CANCELED
    assert [*zip(script.queues, [ref.stop for ref in script.refs], strict=True)] == [
        (engine_queue(Engine.PYTHON), False),
        (engine_queue(Engine.PYTHON), True),
        (host_queue("here"), True),
    ]
    assert len({ref.task_run_id for ref in script.refs}) == 1


async def test_a_stop_that_finds_nobody_still_ends_the_attempt(
    temporal: WorkflowEnvironment,
) -> None:
    gone = ApplicationError("not here", "gone", "handle-1", type=WRONG_HOST, non_retryable=True)
    script = Script(steps={"a": ["break"]}, stops=[gone])
    run_plan = plan(task("a"))
    async with running(temporal.client, script):
        run = await start(temporal.client, run_plan)
        await script.started["a"].wait()
        await run.signal("cancel", CancelRequest(by="ann"))
        result = await run.result()
    assert result.result is RunResult.CANCELED
    assert fold(run_plan, script).tasks["a"].phase is TaskPhase.CANCELED


async def test_events_wait_for_the_database_and_none_is_lost(
    temporal: WorkflowEnvironment,
) -> None:
    script = Script(projection_failures=7)
    run_plan = plan(task("a"), task("b", "a"))
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert fold(run_plan, script).result is RunResult.SUCCESS


async def test_history_stays_within_twelve_events_a_task(temporal: WorkflowEnvironment) -> None:
    keys = [f"t{number}" for number in range(30)]
    chain = [task(key, *keys[max(0, at - 1) : at]) for at, key in enumerate(keys)]
    script = Script()
    async with running(temporal.client, script):
        run = await start(temporal.client, plan(*chain))
        await run.result()
        history = await run.fetch_history()
    assert len(history.events) <= 12 * len(keys) + 30


@pytest.mark.parametrize("by", ["signal", "temporal"])
async def test_a_cancel_during_the_last_projection_of_a_history_is_not_lost(
    temporal: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """The run was about to go on in a fresh one."""
    monkeypatch.setattr(options, "LONG_HISTORY", 10)
    script, asked = Script(steps={"b": ["hang"]}), list[bool]()
    run_plan = plan(task("a"), task("b", "a"), task("c", "b"))

    async def cancel(projection: Projection) -> None:
        ended = any(isinstance(each.event, AttemptEnded) for each in projection.events)
        if not asked and ended:
            asked.append(True)
            handle = temporal.client.get_workflow_handle(workflow_id(run_plan.run_id, 0))
            if by == "signal":
                await handle.signal("cancel", CancelRequest(by="ada"))
            else:
                await handle.cancel()
            # The workflow hears of it while this still goes on.
            await asyncio.sleep(0.5)

    script.before_projection = cancel
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    state = fold(run_plan, script)
    assert asked and result.result is state.result is RunResult.CANCELED
    assert script.attempts("c") == 0
    assert sorted(script.events) == list(range(1, state.seq + 1))
