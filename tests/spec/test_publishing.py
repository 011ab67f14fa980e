"""Runs that are transactions: when they publish, what runs again, and how they end."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from spec.attempts import AttemptResult
from spec.events import (
    AttemptEnded,
    AttemptScheduled,
    Event,
    Published,
    PublishRefused,
    PublishStarted,
    RunEnded,
    RunResult,
    TaskSkipped,
)
from spec.plans import Iterations, Prior, RunPlan, TaskPhase, TaskPlan
from spec.publish import ConflictPolicy, PublishOutcome
from spec.run_ends import MAX_PUBLISHES, publish_request
from spec.run_state import continued, new_state
from spec.runs import apply, decide, next_wake
from spec.tasks import RunIf
from tests.spec.run_plans import START, Driver, plan, task

EVENT: TypeAdapter[Event] = TypeAdapter(Event)

S, F, CONFLICT = AttemptResult.SUCCESS, AttemptResult.FAILED, AttemptResult.CONFLICT
DONE = PublishOutcome(published=True, tables=("s.a", "s.b"))


def refused(*writers: str) -> PublishOutcome:
    return PublishOutcome(
        published=False, tables=("s.a",), message="s.a has changed.", writers=writers, cut_anew=True
    )


def diamond(**fields: Any) -> RunPlan:
    tasks = (task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c"), task("e"))
    return plan(*tasks, publish=True, **fields)


def ended(run: Driver) -> RunEnded:
    assert isinstance(run.events[-1], RunEnded), run.events[-1]
    return run.events[-1]


def publishing(run_plan: RunPlan) -> Driver:
    """Bring a run to where it publishes."""
    run = Driver(run_plan)
    while run.state.running:
        run.end(min(run.state.running))
    assert run.state.publishing
    return run


def test_a_run_publishes_when_all_has_ended_and_ends_when_that_is_done():
    run = Driver(diamond())
    run.end_all([("a", S), ("e", S), ("b", S), ("c", S)])
    assert not run.state.publishing
    run.end("d")
    assert run.events[-1] == PublishStarted(at=START, round=1)
    assert run.state.result is None
    run.publish(DONE)
    assert run.events[-2:] == [
        Published(at=START, tables=("s.a", "s.b")),
        RunEnded(at=START, result=RunResult.SUCCESS, message="Published s.a, s.b."),
    ]


def test_success_with_failures_publishes_too():
    run_plan = plan(task("a"), task("b", "a", run_if=RunIf.ALL_DONE), publish=True)
    run = Driver(run_plan)
    run.end_all([("a", F), ("b", S)])
    run.publish(DONE)
    assert ended(run).result is RunResult.SUCCESS_WITH_FAILURES


@pytest.mark.parametrize("result", [F, AttemptResult.TIMEDOUT, AttemptResult.CANCELED])
def test_a_run_that_did_not_succeed_publishes_nothing(result: AttemptResult):
    run = Driver(plan(task("a"), publish=True))
    run.end("a", result)
    assert ended(run).result is not RunResult.SUCCESS
    assert not any(isinstance(event, PublishStarted) for event in run.events)


def test_a_cancelled_run_publishes_nothing():
    run = Driver(plan(task("a"), publish=True))
    run.stop()
    run.end("a")
    assert ended(run).result is RunResult.CANCELED
    assert run.state.publishes == 0


def test_a_run_without_publish_has_no_new_events():
    run = Driver(plan(task("a")))
    run.end("a")
    assert [event.type for event in run.events] == [
        "run.started",
        "attempt.scheduled",
        "attempt.ended",
        "run.ended",
    ]


def test_a_part_of_a_for_each_does_not_publish():
    iterations = Iterations(task=task("t"), spans=((0, 2),), for_each_run_id=9, attempts_each=3)
    run = Driver(plan(publish=True, iterations=iterations, concurrency=2))
    run.end_all([("t[0]", S), ("t[1]", S)])
    assert ended(run).result is RunResult.SUCCESS


AUDITS = [
    ("the check fails", F, {}, "check 'check' failed"),
    ("the check times out", AttemptResult.TIMEDOUT, {}, "(TIMEDOUT)"),
    ("the check was left out", None, {"check": Prior(phase=TaskPhase.EXCLUDED)}, "(EXCLUDED)"),
]


@pytest.mark.parametrize(("what", "result", "prior", "message"), AUDITS, ids=[a[0] for a in AUDITS])
def test_unless_every_check_has_succeeded_nothing_is_published(
    what: str, result: AttemptResult | None, prior: dict[str, Prior], message: str
):
    after = task("after", "a", "check", run_if=RunIf.ALL_DONE)
    run_plan = plan(task("a"), task("check"), after, publish=True, audit=("check",), prior=prior)
    run = Driver(run_plan)
    run.end("a")
    if result is not None:
        run.end("check", result)
    run.end("after")
    assert ended(run).result is RunResult.FAILED
    assert ended(run).message.startswith("Not published:") and message in ended(run).message
    assert run.state.publishes == 0


def test_a_failed_check_is_named_though_it_is_a_leaf():
    run = Driver(plan(task("a"), task("check", "a"), publish=True, audit=("check",)))
    run.end_all([("a", S), ("check", F)])
    assert "check 'check' failed" in ended(run).message


def test_a_check_that_another_tasks_failure_kept_from_running_is_not_blamed():
    run = Driver(plan(task("a"), task("check", "a"), publish=True, audit=("check",)))
    run.end("a", F)
    assert ended(run).message.startswith("Task a failed")


def test_a_disabled_check_stands_in_nobodys_way():
    check = task("check").model_copy(update={"disabled": True})
    run = Driver(plan(task("a"), check, publish=True, audit=("check",)))
    run.end("a")
    assert run.state.publishing


def test_after_a_conflict_with_another_writer_the_run_fails_with_the_reason():
    run = publishing(diamond())
    message = "Not published: s.a was changed by run 9."
    run.publish(PublishOutcome(published=False, tables=("s.a",), message=message, writers=("a",)))
    assert (ended(run).result, ended(run).message) == (RunResult.FAILED, message)
    assert run.events[-2] == PublishRefused(at=START, message=message, tables=("s.a",), rerun=())


def test_on_a_branch_cut_anew_writers_and_what_follows_run_again():
    run = publishing(diamond(conflict=ConflictPolicy.RETRY_PUBLISH))
    run.publish(refused("b"))
    assert run.state.running == {"b"}
    assert run.state.tasks["b"].attempts == 2
    run.end("b")
    assert run.state.running == {"d"}, "what does not follow from it stays as it is"
    run.end("d")
    assert run.state.publishing and run.state.publishes == 2
    run.publish(DONE)
    assert ended(run).result is RunResult.SUCCESS


def test_checks_run_again_on_a_branch_cut_anew():
    run_plan = plan(
        task("a"), task("b"), task("check", "a"), task("after", "check"), publish=True,
        audit=("check",),
    )  # fmt: skip
    run = publishing(run_plan)
    run.publish(refused("b"))
    [event] = [event for event in run.events if isinstance(event, PublishRefused)]
    assert event.rerun == ("b", "check", "after")


def test_a_writer_that_was_an_iteration_is_its_for_each():
    run = publishing(plan(task("each"), task("b"), publish=True))
    run.publish(refused("each[3]"))
    assert run.state.running == {"each"}


def test_no_known_writer_means_no_second_try():
    run = publishing(plan(task("a"), publish=True))
    run.publish(refused("gone"))
    assert ended(run).result is RunResult.FAILED


def test_retries_begin_anew_and_attempts_count_on():
    run = Driver(plan(task("a", max_retries=1), publish=True))
    run.end("a", F)
    run.settle()
    run.end("a")
    run.publish(refused("a"))
    run.end("a", F)
    assert run.state.running == {"a"}, "the retry is there again"
    assert [e.attempt for e in run.events if isinstance(e, AttemptScheduled)] == [0, 1, 2, 3]


def test_the_last_try_asks_for_no_new_branch_and_says_how_often_it_was_tried():
    run_plan = plan(task("a"), publish=True, conflict=ConflictPolicy.RETRY_PUBLISH)
    run = publishing(run_plan)
    asked: list[ConflictPolicy] = []
    while run.state.result is None:
        started = run.events[-1]
        assert isinstance(started, PublishStarted)
        request = publish_request(run_plan, started)
        asked.append(request.conflict)
        may_cut = request.conflict is ConflictPolicy.RETRY_PUBLISH
        run.publish(refused("a").model_copy(update={"cut_anew": may_cut}))
        if run.state.running:
            run.end("a")
    assert asked == [ConflictPolicy.RETRY_PUBLISH] * (MAX_PUBLISHES - 1) + [ConflictPolicy.FAIL]
    assert ended(run).message == "s.a has changed. It was tried 10 times."


def test_a_fresh_history_knows_the_rounds_and_what_runs_again():
    run = publishing(diamond())
    with pytest.raises(ValueError, match="under way"):
        continued(run.state)
    run.state.plan = run.state.plan.model_copy(update={"concurrency": 1})
    apply(run.state, PublishRefused(at=START, message="", rerun=("b", "d")))
    rest = continued(run.state)
    assert rest.publishes == 1
    state = new_state(rest)
    assert list(state.unblocked) == ["b"] and state.unfinished == 2
    [event] = decide(state, START)
    assert isinstance(event, AttemptScheduled) and event.attempt == 1


def test_while_publishing_only_warnings_come():
    run = publishing(plan(task("a"), publish=True, warn_after_s=60))
    assert next_wake(run.state) is not None
    run.pass_time(61)
    assert run.events[-1].type == "duration.warned"
    assert next_wake(run.state) is None


def test_a_conflict_between_tasks_is_tried_again_at_once_and_counts_for_nothing():
    run = Driver(plan(task("a", max_retries=1, min_retry_interval_ms=60_000), publish=True))
    for _ in range(20):
        run.end("a", CONFLICT)
        assert run.state.running == {"a"}
    state = run.state.tasks["a"]
    assert (state.attempts, state.tries, state.lost) == (21, 1, 0)
    run.end("a", F)
    run.wait_for_retry()
    run.end("a", F)
    assert ended(run).result is RunResult.FAILED


def test_a_conflict_of_a_stopped_run_is_not_tried_again():
    run = Driver(plan(task("a"), publish=True))
    run.stop()
    run.end("a", CONFLICT)
    assert run.state.tasks["a"].phase is TaskPhase.CANCELED


def test_conflicts_of_an_iteration_end_with_its_ids():
    iterations = Iterations(task=task("t"), spans=((0, 1),), for_each_run_id=9, attempts_each=3)
    run = Driver(plan(publish=True, iterations=iterations, concurrency=1))
    run.end_all([("t[0]", CONFLICT)] * 3)
    assert run.state.tasks["t[0]"].phase is TaskPhase.FAILED


@st.composite
def transactions(draw: st.DrawFn) -> RunPlan:
    """Graphs of up to 8 tasks with checks among them."""
    tasks: list[TaskPlan] = []
    for i in range(draw(st.integers(1, 8))):
        earlier = [each.task_key for each in tasks]
        needs = draw(st.sets(st.sampled_from(earlier), max_size=3)) if earlier else set[str]()
        run_if = draw(st.sampled_from([RunIf.ALL_SUCCESS, RunIf.ALL_DONE]))
        retries = draw(st.integers(0, 1))
        tasks.append(task(f"t{i}", *sorted(needs), run_if=run_if, max_retries=retries))
    keys = [each.task_key for each in tasks]
    audit = draw(st.lists(st.sampled_from(keys), unique=True, max_size=2))
    return plan(*draw(st.permutations(tasks)), publish=True, audit=tuple(audit))


def descendants(run_plan: RunPlan, keys: set[str]) -> set[str]:
    """Tell in the plainest way what follows from tasks, themselves included."""
    found = set(keys)
    while more := {t.task_key for t in run_plan.tasks if set(t.depends_on) & found} - found:
        found |= more
    return found


ENDS = [S, S, S, S, F, AttemptResult.LOST, CONFLICT]


class Story:
    """Plays a transaction to its end with random outcomes, and watches the rules."""

    def __init__(self, run_plan: RunPlan, random: Random) -> None:
        self.plan, self.random = run_plan, random
        self.allowed: set[str] = {each.task_key for each in run_plan.tasks}
        """What may be started now."""
        self.conflicts = 30
        self.run = Driver(run_plan)
        self.run.watch = self.before
        for event in self.run.events:
            self.note(event)

    def note(self, event: Event) -> None:
        """Take what has been taken up for good off what may be started."""
        if isinstance(event, TaskSkipped):
            self.allowed.discard(event.task_key)
        if isinstance(event, AttemptEnded) and event.retry_at is None:
            self.allowed.discard(event.task_key)

    def before(self, event: Event) -> None:
        """Look at the state that an event will be applied to."""
        state = self.run.state
        if isinstance(event, AttemptScheduled | TaskSkipped):
            assert event.task_key in self.allowed, "it has ended and was not asked for again"
            assert not state.is_settling
        if isinstance(event, PublishStarted):
            assert not state.running and not state.retrying and not state.unblocked
            assert all(each.phase.is_final for each in state.tasks.values())
            good = (TaskPhase.SUCCESS, TaskPhase.DISABLED)
            assert all(state.tasks[key].phase in good for key in self.plan.audit)
        self.note(event)

    def play(self) -> Driver:
        """Return the run at its end."""
        run = self.run
        while run.state.result is None:
            if run.state.publishing:
                self.answer()
            elif run.state.running:
                result = self.random.choice(ENDS)
                if result is CONFLICT:
                    self.conflicts -= 1
                result = S if self.conflicts < 0 else result
                run.end(self.random.choice(sorted(run.state.running)), result)
            else:
                run.wait_for_retry()
        return run

    def answer(self) -> None:
        """Publish, or refuse with some writers."""
        keys = sorted(each.task_key for each in self.plan.tasks)
        if self.random.random() < 0.4:
            self.run.publish(DONE)
            return
        writers = set(self.random.sample(keys, self.random.randint(1, len(keys))))
        cut = self.run.state.publishes < MAX_PUBLISHES
        self.allowed = descendants(self.plan, writers | set(self.plan.audit)) if cut else set()
        wanted, at = set(self.allowed), len(self.run.events)
        self.run.publish(refused(*sorted(writers)).model_copy(update={"cut_anew": cut}))
        event = self.run.events[at]
        assert isinstance(event, PublishRefused) and set(event.rerun) == wanted


@settings(max_examples=200, deadline=None)
@given(transactions(), st.randoms(use_true_random=False))
def test_every_transaction_ends_and_keeps_the_rules(run_plan: RunPlan, random: Random):
    run = Story(run_plan, random).play()
    rounds = [event.round for event in run.events if isinstance(event, PublishStarted)]
    assert rounds == list(range(1, len(rounds) + 1)), "each round is asked for once"
    assert len(rounds) <= MAX_PUBLISHES
    published = [event for event in run.events if isinstance(event, Published)]
    succeeded = run.state.result in (RunResult.SUCCESS, RunResult.SUCCESS_WITH_FAILURES)
    assert len(published) == succeeded
    state = new_state(run_plan)
    for event in run.events:
        apply(state, EVENT.validate_json(EVENT.dump_json(event)))
    assert state == run.state
