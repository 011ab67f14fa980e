"""What the state machine costs: accesses are counted, so that a busy machine changes nothing."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from spec.events import RunResult, RunStarted
from spec.plans import RunPlan
from spec.run_state import RunState, new_state
from spec.runs import apply, decide
from tests.spec.run_plans import START, Driver, plan, task


class Counting(dict[str, Any]):
    """A dict that counts how many entries are looked at."""

    looks = 0

    def __getitem__(self, key: str) -> Any:
        Counting.looks += 1
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        Counting.looks += len(self)
        return super().__iter__()

    def items(self) -> Any:
        Counting.looks += len(self)
        return super().items()

    def values(self) -> Any:
        Counting.looks += len(self)
        return super().values()


def chain(n: int) -> RunPlan:
    """One task after another."""
    return plan(task("t0"), *(task(f"t{i}", f"t{i - 1}") for i in range(1, n)))


def fan(n: int) -> RunPlan:
    """One task, then all the others at once, then one that waits for all."""
    middle = [f"t{i}" for i in range(n)]
    return plan(task("first"), *(task(key, "first") for key in middle), task("last", *middle))


def counted(state: RunState) -> RunState:
    """Make the state count."""
    state.tasks = Counting(state.tasks)
    state.dependents = Counting(state.dependents)
    state.open_dependencies = Counting(state.open_dependencies)
    return state


def looks_for(run_plan: RunPlan) -> int:
    """Run a plan to its end, every task succeeding, and return how many entries were looked at."""
    run = Driver.__new__(Driver)
    run.state, run.events, run.now = counted(new_state(run_plan)), [], START
    run.watch = lambda event: None
    Counting.looks = 0
    run.record(RunStarted(at=START))
    run.settle()
    while run.state.result is None:
        run.end(next(iter(run.state.running)))
    assert run.state.result is RunResult.SUCCESS
    return Counting.looks


@pytest.mark.parametrize("shape", [chain, fan])
def test_cost_grows_as_the_number_of_edges(shape: Callable[[int], RunPlan]):
    small, large = looks_for(shape(100)), looks_for(shape(1000))
    assert large <= small * 11, "ten times the tasks must cost about ten times as much"
    assert large <= 1000 * 40


def test_idle_question_costs_nothing():
    state = counted(new_state(fan(1000)))
    apply(state, RunStarted(at=START))
    for event in decide(state, START):
        apply(state, event)
    Counting.looks = 0
    assert decide(state, START) == []
    assert Counting.looks == 0


def test_the_plan_of_a_thousand_tasks_is_small():
    run_plan = chain(1000)
    written = run_plan.model_dump_json()
    assert len(written) < 100_000, "what has its default is left out"
    assert RunPlan.model_validate_json(written) == run_plan
