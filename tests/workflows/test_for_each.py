"""For-each, conditions, repairs and long runs on a real (time-skipping) Temporal server."""

from collections import Counter

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from spec.attempts import AttemptResult
from spec.events import AttemptEnded, CancelRequest, Result, RunResult
from spec.ids import iteration_key
from spec.plans import Prior, TaskKind, TaskPhase
from tests.workflows.script import Script, Step, fold, for_each, plan, running, start, task

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

FAILED = AttemptResult.FAILED


async def events_of(run: WorkflowHandle[object, Result]) -> int:
    return len((await run.fetch_history()).events)


async def test_each_input_is_run_once_under_ids_of_its_own(temporal: WorkflowEnvironment) -> None:
    script = Script(inputs={"each": (7, ((0, 7),))})
    run_plan = plan(task("a"), for_each("each", "a", concurrency=3), task("b", "each"))
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    keys = Counter(ref.task_key for ref in script.refs)
    assert keys == Counter(["a", "b", *(iteration_key("each", i) for i in range(7))])
    assert len({ref.task_run_id for ref in script.refs}) == 9
    assert script.most_at_once <= 3
    assert fold(run_plan, script).result is RunResult.SUCCESS


async def test_failed_iterations_are_retried_and_counted(temporal: WorkflowEnvironment) -> None:
    steps: dict[str, list[Step]] = {"each[1]": [FAILED], "each[2]": [FAILED, FAILED]}
    script = Script(steps=steps, inputs={"each": (4, ((0, 4),))})
    run_plan = plan(for_each("each", concurrency=4, max_retries=1))
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.FAILED
    assert script.attempts("each[1]") == script.attempts("each[2]") == 2
    ended = [event for event in script.events.values() if isinstance(event, AttemptEnded)]
    assert ended[-1].outcome.message == "1 of 4 iterations failed."


async def test_only_what_is_to_do_is_run(temporal: WorkflowEnvironment) -> None:
    script = Script(inputs={"each": (10, ((2, 1), (5, 2)))})
    async with running(temporal.client, script):
        run = await start(temporal.client, plan(for_each("each", concurrency=2)))
        assert (await run.result()).result is RunResult.SUCCESS
    assert sorted(ref.task_key for ref in script.refs) == ["each[2]", "each[5]", "each[6]"]


async def test_many_iterations_stay_in_short_histories_at_full_concurrency(
    temporal: WorkflowEnvironment,
) -> None:
    steps: dict[str, list[Step]] = {iteration_key("each", i): ["wait"] for i in range(450)}
    script = Script(steps=steps, inputs={"each": (450, ((0, 450),))}, release_at=8)
    async with running(temporal.client, script):
        run = await start(temporal.client, plan(for_each("each", concurrency=8)))
        assert (await run.result()).result is RunResult.SUCCESS
    assert len({ref.task_key for ref in script.refs}) == 450 == len(script.refs)
    assert script.most_at_once == 8
    assert await events_of(run) < 40, "the run's own history does not grow with the inputs"


async def test_cancel_reaches_the_iterations_and_starts_no_more(
    temporal: WorkflowEnvironment,
) -> None:
    script = Script(
        steps={"each[0]": ["hang"], "each[1]": ["hang"]}, inputs={"each": (9, ((0, 9),))}
    )
    async with running(temporal.client, script):
        run = await start(temporal.client, plan(for_each("each", concurrency=2)))
        await script.started["each[1]"].wait()
        await run.signal("cancel", CancelRequest(by="ann"))
        result = await run.result()
    assert result.result is RunResult.CANCELED
    assert {ref.task_key for ref in script.refs} == {"each[0]", "each[1]"}


async def test_a_for_each_times_out_as_a_whole(temporal: WorkflowEnvironment) -> None:
    script = Script(steps={"each[0]": ["hang"]}, inputs={"each": (2, ((0, 2),))})
    run_plan = plan(for_each("each").model_copy(update={"timeout_s": 2}))
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.FAILED
    assert fold(run_plan, script).tasks["each"].phase is TaskPhase.TIMEDOUT


async def test_one_task_run_is_cancelled_alone(temporal: WorkflowEnvironment) -> None:
    script = Script(steps={"slow": ["hang"]})
    run_plan = plan(task("slow", max_retries=3), task("other"), task("after", "slow"))
    async with running(temporal.client, script):
        run = await start(temporal.client, run_plan)
        await script.started["slow"].wait()
        [identity] = [ref.task_run_id for ref in script.refs if ref.task_key == "slow"]
        await run.signal("cancel", CancelRequest(by="ann", task_run_id=identity))
        await run.result()
    state = fold(run_plan, script)
    phases = {key: each.phase.value for key, each in state.tasks.items()}
    assert phases == {"slow": "CANCELED", "other": "SUCCESS", "after": "UPSTREAM_CANCELED"}


async def test_a_condition_excludes_the_other_branch(temporal: WorkflowEnvironment) -> None:
    script = Script(conditions={"is": "false"})
    run_plan = plan(
        task("is", engine=None, kind=TaskKind.CONDITION),
        task("yes", "is", outcomes={"is": "true"}),
        task("no", "is", outcomes={"is": "false"}),
    )
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert [ref.task_key for ref in script.refs] == ["no"]


async def test_a_for_each_runs_what_the_control_plane_does_too(
    temporal: WorkflowEnvironment,
) -> None:
    inputs = {"judge": (2, ((0, 2),)), "call": (2, ((0, 2),))}
    script = Script(inputs=inputs, conditions={"judge[0]": "true", "judge[1]": "false"})
    run_plan = plan(
        for_each("judge", engine=None, kind=TaskKind.CONDITION),
        for_each("call", engine=None, kind=TaskKind.RUN_JOB, concurrency=2),
    )
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert script.refs == [], "no engine was asked"


async def test_a_repair_begins_with_what_it_keeps(temporal: WorkflowEnvironment) -> None:
    script = Script()
    run_plan = plan(task("a"), task("b", "a"), task("c", "b")).model_copy(
        update={
            "execution": 1,
            "first_ordinal": 5,
            "prior": {
                "a": Prior(phase=TaskPhase.SUCCESS, attempts=1),
                "b": Prior(attempts=2),
                "c": Prior(),
            },
        }
    )
    async with running(temporal.client, script):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    made = [(ref.task_key, ref.attempt, ref.task_run_id - ref.run_id) for ref in script.refs]
    assert made == [("b", 2, 6), ("c", 0, 7)]


async def test_a_long_chain_goes_on_in_fresh_histories(temporal: WorkflowEnvironment) -> None:
    chain = [task("t0"), *(task(f"t{i}", f"t{i - 1}") for i in range(1, 400))]
    script = Script()
    run_plan = plan(*chain)
    async with running(temporal.client, script):
        run = await start(temporal.client, run_plan)
        result = await run.result()
    assert result.result is RunResult.SUCCESS
    assert [ref.task_key for ref in script.refs] == [each.task_key for each in chain]
    assert len({ref.task_run_id for ref in script.refs}) == 400
    assert await events_of(run) < 4_000, "the last part is short"
    assert fold(run_plan, script).result is RunResult.SUCCESS
