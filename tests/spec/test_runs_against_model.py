"""Random task graphs, and repairs of them: the state machine against a plain second telling."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from spec.attempts import AttemptOutcome, AttemptResult
from spec.events import AttemptScheduled, RunStarted
from spec.plans import Prior, RunPlan, TaskPhase, TaskPlan
from spec.run_state import RunState, new_state
from spec.runs import apply, decide, end_attempt, next_wake
from spec.tasks import Engine, RunIf
from tests.spec.plain_model import PlainTask, ends_of, result_of
from tests.spec.run_plans import START, plan

ENDS = ("SUCCESS", "SUCCESS", "FAILED", "TIMEDOUT", "LOST")


@st.composite
def graphs(draw: st.DrawFn) -> list[PlainTask]:
    """Draw tasks, each after what it needs."""
    tasks: list[PlainTask] = []
    for i in range(draw(st.integers(1, 9))):
        needs: dict[str, str | None] = {}
        for other in tasks:
            if draw(st.integers(0, 2)) == 0:
                follows = other.condition is not None and draw(st.booleans())
                needs[other.key] = draw(st.sampled_from(["true", "false"])) if follows else None
        tasks.append(
            PlainTask(
                key=f"t{i}",
                needs=needs,
                run_if=draw(st.sampled_from([rule.value for rule in RunIf])),
                disabled=draw(st.integers(0, 9)) == 0,
                retries=draw(st.integers(0, 2)),
                retry_on_timeout=draw(st.booleans()),
                condition=draw(st.sampled_from([None, None, "true", "false"])),
            )
        )
    return tasks


def scripts(tasks: list[PlainTask], random: Random) -> dict[str, list[str]]:
    """Say how the attempts of each task would end; the last one always well."""
    return {
        task.key: [random.choice(ENDS) for _ in range(random.randrange(4))] + ["SUCCESS"] * 9
        for task in tasks
    }


def planned(tasks: list[PlainTask], random: Random, **fields: object) -> RunPlan:
    """Return the plan of the same tasks, in any order."""
    shuffled = random.sample(tasks, len(tasks))
    made = plan(
        *(
            TaskPlan(
                task_key=task.key,
                engine=Engine.PYTHON,
                depends_on=tuple(task.needs),
                outcomes={key: word for key, word in task.needs.items() if word is not None},
                run_if=RunIf(task.run_if),
                disabled=task.disabled,
                max_retries=task.retries,
                min_retry_interval_ms=random.choice([0, 5_000]),
                retry_on_timeout=task.retry_on_timeout,
            )
            for task in shuffled
        )
    )
    return made.model_copy(update=fields)


def play(
    run_plan: RunPlan, tasks: list[PlainTask], script: dict[str, list[str]], random: Random
) -> tuple[RunState, dict[str, int], list[int]]:
    """Live the run through; attempts end in any order. Returns the end, attempts made, and ids."""
    state, now = new_state(run_plan), START
    conditions = {task.key: task.condition for task in tasks}
    made = dict.fromkeys(conditions, 0)
    ids: list[int] = []
    apply(state, RunStarted(at=now))
    while state.result is None:
        for event in decide(state, now):
            if isinstance(event, AttemptScheduled):
                before = run_plan.prior.get(event.task_key, Prior()).attempts
                assert event.attempt == before + made[event.task_key], "numbers go on"
                ids.append(event.task_run_id)
            apply(state, event)
        if state.running:
            key = random.choice(sorted(state.running))
            result = AttemptResult(script[key][made[key]])
            condition = conditions[key] if result is AttemptResult.SUCCESS else None
            outcome = AttemptOutcome.model_validate({"result": result, "condition": condition})
            made[key] += 1
            now += timedelta(seconds=1)
            apply(state, end_attempt(state, key, state.tasks[key].current or 0, outcome, now))
        elif state.result is None and (wake := next_wake(state)) is not None:
            now = max(now, wake)
    return state, made, ids


@settings(max_examples=300, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_a_run_ends_as_the_plain_model_says(tasks: list[PlainTask], random: Random):
    script = scripts(tasks, random)
    ends, attempts = ends_of(tasks, script)
    state, made, ids = play(planned(tasks, random), tasks, script, random)
    assert {key: task.phase.value for key, task in state.tasks.items()} == ends
    assert made == attempts
    assert state.result is not None and state.result.value == result_of(tasks, ends)
    assert len(set(ids)) == len(ids)


@settings(max_examples=300, deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_a_repair_ends_as_the_plain_model_says(tasks: list[PlainTask], random: Random):
    script = scripts(tasks, random)
    first, _, _ = play(planned(tasks, random), tasks, script, random)
    again = {key for key in first.tasks if random.random() < 0.5}
    mended = [replace(task, disabled=False) if task.key in again else task for task in tasks]
    kept = {
        key: (task.phase.value, task.condition)
        for key, task in first.tasks.items()
        if key not in again
    }
    priors = {
        key: Prior(attempts=task.attempts)
        if key in again
        else Prior(phase=TaskPhase(task.phase), attempts=task.attempts, condition=task.condition)
        for key, task in first.tasks.items()
    }
    script = scripts(tasks, random)
    ends, attempts = ends_of(mended, script, kept)
    used = first.ordinal
    fields = {"execution": 1, "first_ordinal": used, "reserved_from": used, "prior": priors}
    run_plan = planned(mended, random, **fields)
    state, made, ids = play(run_plan, mended, script, random)
    assert {key: task.phase.value for key, task in state.tasks.items()} == ends
    assert made == attempts
    assert state.result is not None and state.result.value == result_of(mended, ends)
    assert all(identity - run_plan.run_id > first.ordinal for identity in ids)
    assert len(set(ids)) == len(ids)
