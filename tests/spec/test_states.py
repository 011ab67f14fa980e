"""How runs and task runs are shown, case by case."""

import pytest

from spec.events import RunResult, StopCause
from spec.states import RunLife, TaskResult, blocked_view, run_view, task_view

LIFE_CYCLE_STATES = {
    "QUEUED", "PENDING", "RUNNING", "TERMINATING", "TERMINATED", "SKIPPED", "INTERNAL_ERROR",
    "BLOCKED", "WAITING_FOR_RETRY",
}  # fmt: skip
RESULT_STATES = {
    "SUCCESS", "FAILED", "TIMEDOUT", "CANCELED", "MAXIMUM_CONCURRENT_RUNS_REACHED", "EXCLUDED",
    "SUCCESS_WITH_FAILURES", "UPSTREAM_FAILED", "UPSTREAM_CANCELED", "DISABLED",
}  # fmt: skip
STATUS_STATES = {
    "BLOCKED", "PENDING", "QUEUED", "RUNNING", "TERMINATING", "TERMINATED", "WAITING"
}  # fmt: skip
"""All that databricks-sdk and Airflow know; anything else they drop or refuse."""


@pytest.mark.parametrize(
    ("life", "cycle", "status"),
    [
        (RunLife.PENDING, "PENDING", "PENDING"),
        (RunLife.RUNNING, "RUNNING", "RUNNING"),
        (RunLife.TERMINATING, "TERMINATING", "TERMINATING"),
    ],
)
def test_a_run_under_way_has_no_result(life: RunLife, cycle: str, status: str) -> None:
    view = run_view(life, stop=StopCause.USER if life is RunLife.TERMINATING else None)
    assert view.state.life_cycle_state == cycle
    assert view.state.result_state is None
    assert (view.status.state, view.status.termination_details) == (status, None)
    assert view.state.user_cancelled_or_timedout is (life is RunLife.TERMINATING)


def test_a_waiting_run_says_why() -> None:
    view = run_view(RunLife.QUEUED)
    assert view.state.life_cycle_state == view.status.state == "QUEUED"
    assert view.status.queue_details is not None
    assert view.status.queue_details.code == "MAX_CONCURRENT_RUNS_REACHED"


def test_a_skipped_run_is_over() -> None:
    view = run_view(RunLife.SKIPPED)
    assert view.state.life_cycle_state == "SKIPPED"
    assert view.state.result_state == "MAXIMUM_CONCURRENT_RUNS_REACHED"
    assert view.status.termination_details is not None
    assert view.status.termination_details.code == "MAX_CONCURRENT_RUNS_EXCEEDED"


@pytest.mark.parametrize(
    ("result", "cycle", "code", "kind", "halted"),
    [
        (RunResult.SUCCESS, "TERMINATED", "SUCCESS", "SUCCESS", False),
        (
            RunResult.SUCCESS_WITH_FAILURES, "TERMINATED", "SUCCESS_WITH_FAILURES", "SUCCESS",
            False,
        ),
        (RunResult.FAILED, "INTERNAL_ERROR", "RUN_EXECUTION_ERROR", "CLIENT_ERROR", False),
        (RunResult.TIMEDOUT, "TERMINATED", "CANCELED", "CLIENT_ERROR", True),
        (RunResult.CANCELED, "TERMINATED", "USER_CANCELED", "CLIENT_ERROR", True),
    ],
)  # fmt: skip
def test_how_a_run_ends(result: RunResult, cycle: str, code: str, kind: str, halted: bool) -> None:
    view = run_view(RunLife.ENDED, result, "why")
    assert (view.state.life_cycle_state, view.state.result_state) == (cycle, result.value)
    assert view.state.state_message == "why"
    assert view.state.user_cancelled_or_timedout is halted
    assert view.status.state == "TERMINATED"
    details = view.status.termination_details
    assert details is not None
    assert (details.code, details.type, details.message) == (code, kind, "why")


@pytest.mark.parametrize(
    ("result", "cycle", "shown", "code"),
    [
        (TaskResult.SUCCESS, "TERMINATED", "SUCCESS", "SUCCESS"),
        (TaskResult.FAILED, "TERMINATED", "FAILED", "RUN_EXECUTION_ERROR"),
        (TaskResult.TIMEDOUT, "TERMINATED", "TIMEDOUT", "CANCELED"),
        (TaskResult.CANCELED, "TERMINATED", "CANCELED", "USER_CANCELED"),
        (TaskResult.LOST, "INTERNAL_ERROR", "FAILED", "INTERNAL_ERROR"),
        (TaskResult.EXCLUDED, "SKIPPED", "EXCLUDED", "SKIPPED"),
        (TaskResult.UPSTREAM_FAILED, "SKIPPED", "UPSTREAM_FAILED", "SKIPPED"),
        (TaskResult.UPSTREAM_CANCELED, "SKIPPED", "UPSTREAM_CANCELED", "SKIPPED"),
    ],
)
def test_how_a_task_ends(result: TaskResult, cycle: str, shown: str, code: str) -> None:
    view = task_view(result)
    assert (view.state.life_cycle_state, view.state.result_state) == (cycle, shown)
    assert view.status.termination_details is not None
    assert view.status.termination_details.code == code


def test_an_attempt_runs_once_a_worker_has_opened_it() -> None:
    assert task_view(None, opened=False).state.life_cycle_state == "PENDING"
    assert task_view(None, opened=True).state.life_cycle_state == "RUNNING"
    assert blocked_view().state.life_cycle_state == "BLOCKED"


def test_only_known_words_are_said() -> None:
    views = [run_view(life) for life in RunLife if life is not RunLife.ENDED]
    views += [run_view(RunLife.ENDED, result) for result in RunResult]
    views += [task_view(result) for result in (None, *TaskResult)]
    views.append(blocked_view())
    assert {view.state.life_cycle_state for view in views} <= LIFE_CYCLE_STATES
    assert {v.state.result_state for v in views if v.state.result_state} <= RESULT_STATES
    assert {view.status.state for view in views} <= STATUS_STATES


def test_a_run_that_ended_has_a_result() -> None:
    with pytest.raises(ValueError, match="result"):
        run_view(RunLife.ENDED)
