"""The run's state machine, by generated graphs with generated outcomes."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from spec.attempts import AttemptResult
from spec.events import AttemptScheduled, Event, RunResult, StopCause, StopRequested, TaskSkipped
from spec.ids import is_task_run, run_of, task_run_id
from spec.plans import RunPlan, TaskPhase, TaskPlan
from spec.run_state import RunState, new_state
from spec.runs import MAX_LOST, apply
from spec.tasks import RunIf
from tests.spec.run_plans import RUN, Driver, plan, task

EVENT: TypeAdapter[Event] = TypeAdapter(Event)


@st.composite
def plans(draw: st.DrawFn) -> RunPlan:
    """Graphs of up to 12 tasks; a task may depend on any task before it."""
    tasks: list[TaskPlan] = []
    for i in range(draw(st.integers(0, 12))):
        earlier = [each.task_key for each in tasks]
        depends_on = draw(st.sets(st.sampled_from(earlier), max_size=4)) if earlier else set[str]()
        tasks.append(
            task(
                f"t{i}",
                *sorted(depends_on),
                run_if=draw(st.sampled_from(RunIf)),
                max_retries=draw(st.integers(0, 3)),
                min_retry_interval_ms=draw(st.sampled_from([0, 5_000])),
                retry_on_timeout=draw(st.booleans()),
            )
        )
    order = draw(st.permutations(tasks))
    used = draw(st.sampled_from([0, 40]))
    return plan(*order, first_ordinal=used, reserved_from=draw(st.sampled_from([None, used])))


# Conflicts, which are tried again without limit, are in `test_publishing`.
_ENDS = [each for each in AttemptResult if each is not AttemptResult.CONFLICT]
RESULTS = [*[AttemptResult.SUCCESS] * 3, *_ENDS, AttemptResult.FAILED]


class Watcher:
    """Asserts before each event that it may come now."""

    def __init__(self, run: Driver) -> None:
        self.run = run
        self.ended: dict[str, TaskPhase] = {}
        self.seq = run.state.seq
        run.watch = self.before

    def before(self, event: Event) -> None:
        """Look at the state that the event will be applied to."""
        state = self.run.state
        assert state.seq >= self.seq, "seq never falls"
        self.seq = state.seq
        for key, each in state.tasks.items():
            if key in self.ended:
                assert each.phase is self.ended[key], f"{key} had ended"
            elif each.phase.is_final:
                self.ended[key] = each.phase
        if isinstance(event, AttemptScheduled | TaskSkipped):
            assert event.task_key not in self.ended, "what has ended is never taken up again"
        if isinstance(event, AttemptScheduled):
            assert state.stop is None, "nothing starts after a stop"
            needs = state.tasks[event.task_key].plan.depends_on
            assert all(state.tasks[key].phase.is_final for key in needs)


def play(run_plan: RunPlan, random: Random, stop_chance: float) -> Driver:
    """Run a plan to its end with random outcomes; fails when it does not end."""
    run = Driver(run_plan)
    Watcher(run)
    budget = sum(each.max_retries + 1 + MAX_LOST for each in run_plan.tasks) * 2 + 10
    while run.state.result is None:
        budget -= 1
        assert budget > 0, "the run must end"
        if run.state.stop is None and random.random() < stop_chance:
            run.stop(random.choice(list(StopCause)), by="somebody")
        elif run.state.running:
            run.pass_time(random.choice([0, 1, 7]))
            run.end(random.choice(sorted(run.state.running)), random.choice(RESULTS))
        else:
            run.wait_for_retry()
    return run


def fold(run_plan: RunPlan, events: list[Event]) -> RunState:
    """Return the state that these events lead to."""
    state = new_state(run_plan)
    for event in events:
        apply(state, event)
    return state


@settings(max_examples=300)
@given(plans(), st.randoms(use_true_random=False), st.sampled_from([0.0, 0.1]))
def test_every_run_ends_and_keeps_the_rules(run_plan: RunPlan, random: Random, chance: float):
    run = play(run_plan, random, chance)
    state = run.state
    assert state.seq == len(run.events), "every event has its own number"
    assert all(each.phase.is_final for each in state.tasks.values())
    assert not state.running and not state.retrying and not state.unblocked
    assert state.unfinished == 0

    identities = [
        e.task_run_id for e in run.events if isinstance(e, AttemptScheduled | TaskSkipped)
    ]
    first = run_plan.first_ordinal
    wanted = [task_run_id(RUN, first + 1 + i) for i in range(len(identities))]
    if run_plan.reserved_from is None:
        assert identities == wanted
    else:
        assert sorted(identities) == wanted, "every id is used, and once"
        places = {each.task_key: wanted[i] for i, each in enumerate(run_plan.tasks)}
        assert places == {
            e.task_key: e.task_run_id
            for e in reversed(run.events)
            if isinstance(e, AttemptScheduled | TaskSkipped)
        }, "the first attempt has the id of the task's place"
    assert all(is_task_run(each) and run_of(each) == RUN for each in identities)

    attempts = Counter(e.task_key for e in run.events if isinstance(e, AttemptScheduled))
    for key, each in state.tasks.items():
        assert attempts[key] == each.attempts
        assert each.attempts - each.lost <= each.plan.max_retries + 1
        assert each.lost <= MAX_LOST + 1
        assert each.attempts <= each.plan.max_retries + 1 + MAX_LOST


@settings(max_examples=150)
@given(plans(), st.randoms(use_true_random=False), st.sampled_from([0.0, 0.1]))
def test_folding_the_recorded_events_gives_the_same_state(
    run_plan: RunPlan, random: Random, chance: float
):
    run = play(run_plan, random, chance)
    stored = [EVENT.dump_json(event) for event in run.events]
    assert fold(run_plan, [EVENT.validate_json(each) for each in stored]) == run.state


@settings(max_examples=150)
@given(plans(), st.randoms(use_true_random=False))
def test_result_follows_from_the_leaves(run_plan: RunPlan, random: Random):
    state = play(run_plan, random, 0.0).state
    used = {key for each in run_plan.tasks for key in each.depends_on}
    leaves = {state.tasks[e.task_key].phase for e in run_plan.tasks if e.task_key not in used}
    everything = {each.phase for each in state.tasks.values()}
    bad = {TaskPhase.FAILED, TaskPhase.TIMEDOUT, TaskPhase.UPSTREAM_FAILED}
    canceled = {TaskPhase.CANCELED, TaskPhase.UPSTREAM_CANCELED}
    if leaves & bad:
        assert state.result is RunResult.FAILED
    elif leaves & canceled:
        assert state.result is RunResult.CANCELED
    elif everything & (bad | canceled):
        assert state.result is RunResult.SUCCESS_WITH_FAILURES
    else:
        assert state.result is RunResult.SUCCESS


@settings(max_examples=150)
@given(plans(), st.randoms(use_true_random=False))
def test_stop_ends_everything(run_plan: RunPlan, random: Random):
    run = play(run_plan, random, 0.5)
    stops = [event for event in run.events if isinstance(event, StopRequested)]
    if stops:
        wanted = {StopCause.USER: RunResult.CANCELED, StopCause.TIMEOUT: RunResult.TIMEDOUT}
        assert run.state.result is wanted[stops[0].cause]
        after = run.events[run.events.index(stops[0]) :]
        assert not any(isinstance(event, AttemptScheduled) for event in after)
