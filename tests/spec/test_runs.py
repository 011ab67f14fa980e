"""The run's state machine, by examples."""

from datetime import timedelta
from itertools import product

import pytest

from spec.attempts import AttemptOutcome, AttemptResult
from spec.events import (
    AttemptEnded,
    AttemptScheduled,
    DurationWarned,
    PublishRefused,
    RunEnded,
    RunResult,
    RunStarted,
    StopCause,
    TaskSkipped,
    TaskStopRequested,
)
from spec.ids import task_run_id
from spec.plans import Prior, TaskPhase
from spec.run_state import continued, new_state
from spec.runs import MAX_LOST, apply, decide, due_warnings, next_wake, skip_phase
from spec.tasks import RunIf
from tests.spec.run_plans import RUN, START, Driver, plan, task

S, F, T, C, LOST = (
    AttemptResult.SUCCESS,
    AttemptResult.FAILED,
    AttemptResult.TIMEDOUT,
    AttemptResult.CANCELED,
    AttemptResult.LOST,
)


def phases(run: Driver) -> dict[str, str]:
    """Return where each task stands."""
    return {key: each.phase.value for key, each in run.state.tasks.items()}


def test_chain_runs_in_order_and_succeeds():
    run = Driver(plan(task("a"), task("b", "a"), task("c", "b")))
    for key in "abc":
        assert run.state.running == {key}
        run.end(key)
    assert run.state.result is RunResult.SUCCESS
    assert [event.type for event in run.events] == [
        "run.started",
        *["attempt.scheduled", "attempt.ended"] * 3,
        "run.ended",
    ]


def test_diamond_runs_its_middle_at_once():
    run = Driver(plan(task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c")))
    run.end("a")
    assert run.state.running == {"b", "c"}
    run.end("c")
    assert run.state.running == {"b"}
    run.end("b")
    assert run.state.running == {"d"}


def test_run_without_tasks_succeeds_at_once():
    assert Driver(plan()).state.result is RunResult.SUCCESS


def test_task_run_ids_follow_on_from_earlier_executions():
    run = Driver(plan(task("a"), task("b"), first_ordinal=5))
    scheduled = [event for event in run.events if isinstance(event, AttemptScheduled)]
    assert [event.task_run_id for event in scheduled] == [
        task_run_id(RUN, 6),
        task_run_id(RUN, 7),
    ]


def ids(run: Driver, task_key: str) -> list[int]:
    """Return the numbers, within the run, of a task's attempts."""
    made = [e for e in run.events if isinstance(e, AttemptScheduled | TaskSkipped)]
    return [event.task_run_id - RUN for event in made if event.task_key == task_key]


def test_reserved_ids_are_those_of_first_attempts_in_the_jobs_order():
    run = Driver(plan(task("late", "early"), task("early", max_retries=1), reserved_from=0))
    run.end_all([("early", F), ("early", S), ("late", S)])
    assert (ids(run, "late"), ids(run, "early")) == ([1], [2, 3])


def test_a_skipped_task_has_its_reserved_id():
    run = Driver(plan(task("b", "a"), task("a"), first_ordinal=5, reserved_from=5))
    run.end("a", F)
    assert ids(run, "b") == [6] and phases(run)["b"] == "UPSTREAM_FAILED"


def test_a_repair_reserves_new_ids_and_leaves_alone_what_it_keeps():
    prior = {"a": Prior(phase=TaskPhase.SUCCESS, attempts=1), "b": Prior(attempts=2)}
    fields = {"first_ordinal": 9, "reserved_from": 9, "prior": prior}
    run = Driver(plan(task("a"), task("b", "a"), **fields))
    run.end("b")
    assert (ids(run, "a"), ids(run, "b")) == ([], [11])


def test_what_goes_on_in_a_fresh_history_keeps_its_reserved_ids_and_uses_none_twice():
    tasks = task("a", max_retries=1, min_retry_interval_ms=60_000), task("b", "a"), task("c")
    run = Driver(plan(*tasks, reserved_from=0))
    run.end_all([("c", S), ("a", F)])
    rest = Driver(continued(run.state))
    rest.wait_for_retry()
    rest.end_all([("a", S), ("b", S)])
    assert (ids(run, "a"), ids(rest, "a"), ids(rest, "b")) == ([1], [4], [2])


def test_what_starts_over_gets_new_ids_in_a_fresh_history_too():
    run = Driver(plan(task("a"), reserved_from=0, publish=True))
    run.end("a")
    run.record(PublishRefused(at=run.now, message="again", rerun=("a",)))
    rest = Driver(continued(run.state))
    assert rest.state.tasks["a"].current == task_run_id(RUN, 2)


def test_a_task_that_waits_is_cancelled_before_it_begins():
    run = Driver(plan(task("a"), task("b", "a"), task("c", "b"), reserved_from=0))
    identity = run.state.tasks["b"].reserved
    assert identity is not None
    run.record(TaskStopRequested(at=run.now, task_key="b", task_run_id=identity))
    run.settle()
    assert phases(run) == {"a": "RUNNING", "b": "CANCELED", "c": "UPSTREAM_CANCELED"}
    run.end("a")
    assert run.state.result is RunResult.CANCELED and ids(run, "b") == [2]


def test_failure_skips_what_depends_on_it_and_names_the_culprit():
    run = Driver(plan(task("a"), task("b", "a"), task("c", "b")))
    run.end("a", F)
    assert phases(run) == {"a": "FAILED", "b": "UPSTREAM_FAILED", "c": "UPSTREAM_FAILED"}
    assert run.state.result is RunResult.FAILED
    assert run.state.message.startswith("Task a failed with message: Workload failed")


def test_failure_that_is_handled_ends_as_success_with_failures():
    run = Driver(plan(task("a"), task("mend", "a", run_if=RunIf.AT_LEAST_ONE_FAILED)))
    run.end_all([("a", F), ("mend", S)])
    assert run.state.result is RunResult.SUCCESS_WITH_FAILURES


def test_handler_that_is_not_needed_is_excluded():
    run = Driver(plan(task("a"), task("mend", "a", run_if=RunIf.AT_LEAST_ONE_FAILED)))
    run.end("a")
    assert phases(run)["mend"] == "EXCLUDED"
    assert run.state.result is RunResult.SUCCESS


def test_cancelled_attempt_cancels_what_follows_and_the_run():
    run = Driver(plan(task("a", max_retries=3), task("b", "a")))
    run.end("a", C)
    assert phases(run) == {"a": "CANCELED", "b": "UPSTREAM_CANCELED"}
    assert run.state.result is RunResult.CANCELED


@pytest.mark.parametrize(
    ("retries", "results", "attempts", "phase"),
    [
        (0, [F], 1, "FAILED"),
        (1, [F, S], 2, "SUCCESS"),
        (1, [F, F], 2, "FAILED"),
        (2, [F, F, F], 3, "FAILED"),
        (2, [T], 1, "TIMEDOUT"),
        (1, [LOST, F, S], 3, "SUCCESS"),
        (0, [LOST, F], 2, "FAILED"),
        (0, [LOST] * MAX_LOST + [S], MAX_LOST + 1, "SUCCESS"),
        (0, [LOST] * (MAX_LOST + 1), MAX_LOST + 1, "FAILED"),
        (-1, [F] * 30 + [S], 31, "SUCCESS"),
        (-1, [LOST] * (MAX_LOST + 1), MAX_LOST + 1, "FAILED"),
    ],
)
def test_retries(retries: int, results: list[AttemptResult], attempts: int, phase: str):
    run = Driver(plan(task("a", max_retries=retries)))
    for result in results:
        run.end("a", result)
    assert (run.state.tasks["a"].attempts, run.state.tasks["a"].phase.value) == (attempts, phase)
    numbers = [event.attempt for event in run.events if isinstance(event, AttemptScheduled)]
    assert numbers == list(range(attempts))


@pytest.mark.parametrize(("retry", "attempts"), [(True, 2), (False, 1)])
def test_timeout_is_retried_only_when_asked(retry: bool, attempts: int):
    run = Driver(plan(task("a", max_retries=1, retry_on_timeout=retry)))
    run.end("a", T)
    assert run.state.tasks["a"].attempts == attempts


def test_retry_interval_counts_from_the_start_of_the_failed_attempt():
    run = Driver(plan(task("a", max_retries=2, min_retry_interval_ms=10_000)))
    run.pass_time(4)
    run.end("a", F)
    assert phases(run)["a"] == "WAITING_FOR_RETRY"
    run.pass_time(5)
    assert run.state.running == set()
    run.pass_time(1)
    assert run.state.running == {"a"}
    run.pass_time(60)
    run.end("a", F)
    assert run.state.running == {"a"}, "the interval is over already"


def test_lost_attempt_is_repeated_without_waiting():
    run = Driver(plan(task("a", max_retries=1, min_retry_interval_ms=10_000)))
    run.end("a", LOST)
    assert run.state.running == {"a"}


def test_next_retry_is_the_earliest():
    run = Driver(
        plan(
            task("a", max_retries=1, min_retry_interval_ms=10_000),
            task("b", max_retries=1, min_retry_interval_ms=5_000),
        )
    )
    assert next_wake(run.state) is None
    run.end_all([("a", F), ("b", F)])
    due = next_wake(run.state)
    assert due is not None and (due - START).total_seconds() == 5
    run.wait_for_retry()
    assert run.state.running == {"b"}


def test_stop_cancels_what_has_not_begun_and_waits_for_what_runs():
    run = Driver(plan(task("a"), task("b", max_retries=5, min_retry_interval_ms=1), task("c", "a")))
    run.end("b", F)
    run.stop(by="ann")
    assert phases(run) == {"a": "RUNNING", "b": "CANCELED", "c": "CANCELED"}
    run.end("a", C)
    assert run.state.result is RunResult.CANCELED
    assert run.state.message == "Run was cancelled by ann."


def test_stop_before_the_first_task_ends_the_run():
    state = new_state(plan(task("a"), task("b", "a")))
    run = Driver.__new__(Driver)
    run.state, run.events, run.now, run.watch = state, [], START, lambda _: None
    run.record(RunStarted(at=START))
    run.stop()
    assert state.result is RunResult.CANCELED
    assert not any(isinstance(event, AttemptScheduled) for event in run.events)


def test_failure_after_stop_is_not_retried():
    run = Driver(plan(task("a", max_retries=5)))
    run.stop()
    run.end("a", F)
    assert run.state.tasks["a"].attempts == 1
    assert phases(run)["a"] == "FAILED", "it ended by itself; the stop did not cancel it"
    assert run.state.result is RunResult.CANCELED


def test_timeout_of_the_run_says_how_long_it_was():
    run = Driver(plan(task("a"), timeout_s=60))
    run.stop(StopCause.TIMEOUT)
    run.stop(StopCause.USER, by="ann")
    run.end("a", C)
    assert run.state.result is RunResult.TIMEDOUT, "the first cause stays"
    assert run.state.message == "Run timed out after 60 seconds."


def test_timed_out_leaf_says_so():
    run = Driver(plan(task("a")))
    run.end("a", T)
    assert run.state.result is RunResult.FAILED
    assert run.state.message == "Task a failed with message: Workload timed out."


RUNS, UF, UC, EX = None, "UPSTREAM_FAILED", "UPSTREAM_CANCELED", "EXCLUDED"
CLASSES = {
    "s": [TaskPhase.SUCCESS],
    "f": [TaskPhase.FAILED, TaskPhase.TIMEDOUT, TaskPhase.UPSTREAM_FAILED],
    "c": [TaskPhase.CANCELED, TaskPhase.UPSTREAM_CANCELED],
    "e": [TaskPhase.EXCLUDED],
}
TRUTH = {
    # Two dependencies: s succeeded, f failed, c cancelled, e excluded.
    #       ALL_      ONE_      NONE_    ALL_   ONE_     ALL_
    #       SUCCESS   SUCCESS   FAILED   DONE   FAILED   FAILED
    "ss": (RUNS, RUNS, RUNS, RUNS, EX, EX),
    "sf": (UF, RUNS, UF, RUNS, RUNS, EX),
    "sc": (UC, RUNS, UC, RUNS, EX, EX),
    "se": (RUNS, RUNS, RUNS, RUNS, EX, EX),
    "ff": (UF, UF, UF, RUNS, RUNS, RUNS),
    "fc": (UF, UF, UF, RUNS, RUNS, EX),
    "fe": (UF, UF, UF, RUNS, RUNS, EX),
    "cc": (UC, UC, UC, RUNS, EX, EX),
    "ce": (UC, UC, UC, RUNS, EX, EX),
    "ee": (EX, EX, EX, EX, EX, EX),
}
CONDITIONS = (
    RunIf.ALL_SUCCESS,
    RunIf.AT_LEAST_ONE_SUCCESS,
    RunIf.NONE_FAILED,
    RunIf.ALL_DONE,
    RunIf.AT_LEAST_ONE_FAILED,
    RunIf.ALL_FAILED,
)


@pytest.mark.parametrize(("pair", "run_if"), list(product(TRUTH, CONDITIONS)))
def test_run_if_truth_table(pair: str, run_if: RunIf):
    wanted = TRUTH[pair][CONDITIONS.index(run_if)]
    for first, second in product(CLASSES[pair[0]], CLASSES[pair[1]]):
        for one, other in ((first, second), (second, first)):
            state = new_state(plan(task("a"), task("b"), task("t", "a", "b", run_if=run_if)))
            state.tasks["a"].phase, state.tasks["b"].phase = one, other
            judged = skip_phase(state, "t")
            assert (judged.value if judged else None) == wanted, (one, other)


@pytest.mark.parametrize("run_if", CONDITIONS)
def test_task_without_dependencies_always_runs(run_if: RunIf):
    assert Driver(plan(task("a", run_if=run_if))).state.running == {"a"}


def test_skipped_task_gets_a_task_run_of_its_own():
    run = Driver(plan(task("a"), task("b", "a")))
    run.end("a", F)
    skipped = [event for event in run.events if isinstance(event, TaskSkipped)]
    assert [event.task_run_id for event in skipped] == [task_run_id(RUN, 2)]


class TestImpossibleEvents:
    """What can only be a bug is refused, whatever recorded it."""

    def test_end_of_an_attempt_that_is_not_under_way(self):
        run = Driver(plan(task("a")))
        ended = AttemptEnded(
            at=START, task_key="a", task_run_id=RUN + 99, outcome=AttemptOutcome(result=S)
        )
        with pytest.raises(ValueError, match="not under way"):
            apply(run.state, ended)

    def test_second_attempt_while_one_runs(self):
        run = Driver(plan(task("a")))
        again = AttemptScheduled(at=START, task_key="a", task_run_id=RUN + 2, attempt=1)
        with pytest.raises(ValueError, match="cannot be scheduled"):
            apply(run.state, again)

    def test_attempt_of_a_finished_task(self):
        run = Driver(plan(task("a"), task("b")))
        run.end("a")
        again = AttemptScheduled(at=START, task_key="a", task_run_id=RUN + 9, attempt=1)
        with pytest.raises(ValueError, match="cannot be scheduled"):
            apply(run.state, again)

    def test_skip_of_a_finished_task(self):
        run = Driver(plan(task("a"), task("b")))
        run.end("a")
        skip = TaskSkipped(at=START, task_key="a", task_run_id=RUN + 9, phase=TaskPhase.EXCLUDED)
        with pytest.raises(ValueError, match="has ended as SUCCESS already"):
            apply(run.state, skip)

    def test_anything_after_the_end(self):
        run = Driver(plan(task("a")))
        run.end("a")
        assert decide(run.state, START) == []
        with pytest.raises(ValueError, match="has ended"):
            apply(run.state, RunEnded(at=START, result=RunResult.FAILED))


def test_a_warning_that_was_missed_is_due_until_the_end():
    run_plan = plan(task("a")).model_copy(update={"warn_after_s": 5})
    run = Driver(run_plan)
    run.now += timedelta(seconds=9)
    [warning] = due_warnings(run.state, run.now)
    run.record(warning)
    assert due_warnings(run.state, run.now) == [], "once is enough"


def test_a_task_warns_once_and_its_next_attempt_again():
    slow = task("a", max_retries=1).model_copy(update={"warn_after_s": 5})
    run = Driver(plan(slow))
    run.pass_time(6)
    run.pass_time(6)
    run.end("a", AttemptResult.FAILED)
    run.pass_time(6)
    warned = [event for event in run.events if isinstance(event, DurationWarned)]
    assert [(event.task_key, event.seconds) for event in warned] == [("a", 5), ("a", 5)]
