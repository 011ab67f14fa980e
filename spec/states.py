"""How a run and its task runs stand, in the two vocabularies that Databricks' clients read.

`state` is what every client reads, `status` its newer form; both are always sent and agree. Source:
Jobs API 2.2, `RunLifeCycleState`, `RunResultState`, `RunStatus`; a failed run is INTERNAL_ERROR
with result FAILED while its failed task is TERMINATED with result FAILED, as recorded on a real
workspace.
"""

from enum import StrEnum
from typing import NamedTuple

from spec.api.states import QueueDetails, RunState, RunStatus, TerminationDetails
from spec.events import RunResult, StopCause


class RunLife(StrEnum):
    """Where a run stands. Admission owns QUEUED and SKIPPED; the projection the others."""

    QUEUED = "QUEUED"
    """Waits for another run of its job to end."""
    SKIPPED = "SKIPPED"
    """Never ran: the job was at its limit and does not queue."""
    PENDING = "PENDING"
    """Admitted; its workflow has not begun."""
    RUNNING = "RUNNING"
    TERMINATING = "TERMINATING"
    """Asked to stop; its attempts are being ended."""
    ENDED = "ENDED"

    @property
    def is_over(self) -> bool:
        """True when the run will not change any more."""
        return self in (RunLife.SKIPPED, RunLife.ENDED)


class TaskResult(StrEnum):
    """How a task run ended: an attempt's result, or why the task did not run."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    TIMEDOUT = "TIMEDOUT"
    CANCELED = "CANCELED"
    LOST = "LOST"
    CONFLICT = "CONFLICT"
    EXCLUDED = "EXCLUDED"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    UPSTREAM_CANCELED = "UPSTREAM_CANCELED"
    DISABLED = "DISABLED"


class View(NamedTuple):
    """Both vocabularies of one moment."""

    state: RunState
    status: RunStatus


_WORKLOAD_FAILED = "Workload failed, see run output for details"

_RUN_ENDS: dict[RunResult, tuple[str, str, str]] = {
    # result → (life_cycle_state, termination code, termination type)
    RunResult.SUCCESS: ("TERMINATED", "SUCCESS", "SUCCESS"),
    RunResult.SUCCESS_WITH_FAILURES: ("TERMINATED", "SUCCESS_WITH_FAILURES", "SUCCESS"),
    RunResult.FAILED: ("INTERNAL_ERROR", "RUN_EXECUTION_ERROR", "CLIENT_ERROR"),
    RunResult.TIMEDOUT: ("TERMINATED", "CANCELED", "CLIENT_ERROR"),
    RunResult.CANCELED: ("TERMINATED", "USER_CANCELED", "CLIENT_ERROR"),
}

_TASK_ENDS: dict[TaskResult, tuple[str, str, str, str, str]] = {
    # result → (life_cycle_state, result_state, default code, termination type, default message)
    TaskResult.SUCCESS: ("TERMINATED", "SUCCESS", "SUCCESS", "SUCCESS", ""),
    TaskResult.FAILED: (
        "TERMINATED",
        "FAILED",
        "RUN_EXECUTION_ERROR",
        "CLIENT_ERROR",
        _WORKLOAD_FAILED,
    ),
    TaskResult.TIMEDOUT: ("TERMINATED", "TIMEDOUT", "CANCELED", "CLIENT_ERROR", "Timed out"),
    TaskResult.CANCELED: ("TERMINATED", "CANCELED", "USER_CANCELED", "CLIENT_ERROR", "Canceled"),
    TaskResult.LOST: (
        "INTERNAL_ERROR",
        "FAILED",
        "INTERNAL_ERROR",
        "INTERNAL_ERROR",
        "The machine that ran this attempt was lost.",
    ),
    TaskResult.CONFLICT: (
        "TERMINATED",
        "FAILED",
        "RUN_EXECUTION_ERROR",
        "CLIENT_ERROR",
        "Another task of this run has changed the same table meanwhile; nothing of this attempt"
        " counts, and the task runs again on the new state.",
    ),
    TaskResult.EXCLUDED: (
        "SKIPPED",
        "EXCLUDED",
        "SKIPPED",
        "SUCCESS",
        "Excluded: its run_if condition does not hold.",
    ),
    TaskResult.UPSTREAM_FAILED: (
        "SKIPPED",
        "UPSTREAM_FAILED",
        "SKIPPED",
        "CLIENT_ERROR",
        "Skipped: a task it depends on failed.",
    ),
    TaskResult.UPSTREAM_CANCELED: (
        "SKIPPED",
        "UPSTREAM_CANCELED",
        "SKIPPED",
        "CLIENT_ERROR",
        "Skipped: a task it depends on was cancelled.",
    ),
    TaskResult.DISABLED: (
        "SKIPPED",
        "DISABLED",
        "DISABLED",
        "SUCCESS",
        "Skipped: the task is disabled.",
    ),
}


def run_view(
    life: RunLife, result: RunResult | None = None, message: str = "", stop: StopCause | None = None
) -> View:
    """Return how a run is shown.

    Args:
        life: Where it stands.
        result: How it ended; set exactly when `life` is ENDED.
        message: The run's own sentence, if it has one.
        stop: Why it is being or was stopped.
    """
    stopped = stop is not None
    match life:
        case RunLife.QUEUED:
            text = message or "Waits until another run of the job ends (max_concurrent_runs)."
            queued = QueueDetails(code="MAX_CONCURRENT_RUNS_REACHED", message=text)
            return View(_state("QUEUED", text), RunStatus(state="QUEUED", queue_details=queued))
        case RunLife.SKIPPED:
            text = message or "Skipped: the job's max_concurrent_runs runs are active already."
            return View(
                _state("SKIPPED", text, "MAXIMUM_CONCURRENT_RUNS_REACHED"),
                _ended("MAX_CONCURRENT_RUNS_EXCEEDED", "CLIENT_ERROR", text),
            )
        case RunLife.PENDING | RunLife.RUNNING | RunLife.TERMINATING:
            return View(_state(life.value, message, None, stopped), RunStatus(state=life.value))
        case RunLife.ENDED:
            if result is None:
                raise ValueError("a run that has ended has a result")
            cycle, code, kind = _RUN_ENDS[result]
            halted = result in (RunResult.CANCELED, RunResult.TIMEDOUT)
            return View(_state(cycle, message, result.value, halted), _ended(code, kind, message))


def task_view(
    result: TaskResult | None, opened: bool = False, message: str = "", code: str | None = None
) -> View:
    """Return how a task run is shown: waiting for a worker, at work, or ended."""
    if result is None:
        word = "RUNNING" if opened else "PENDING"
        return View(_state(word, message), RunStatus(state=word))
    cycle, shown, usual_code, kind, usual_message = _TASK_ENDS[result]
    text = message or usual_message
    kind = "INTERNAL_ERROR" if code == "INTERNAL_ERROR" else kind
    halted = result in (TaskResult.CANCELED, TaskResult.TIMEDOUT)
    return View(_state(cycle, text, shown, halted), _ended(code or usual_code, kind, text))


def run_word(life: RunLife, result: RunResult | None) -> str:
    """Say in one word how a run stands, or how it ended."""
    return life.value if result is None else result.value


def task_word(result: TaskResult | None, opened: bool) -> str:
    """Say in one word how a task run stands, or how it ended."""
    if result is None:
        return "RUNNING" if opened else "PENDING"
    return _TASK_ENDS[result][1]


def blocked_view() -> View:
    """Return how a task is shown that has no task run yet."""
    return View(_state("BLOCKED", ""), RunStatus(state="BLOCKED"))


def stopping_view() -> View:
    """Return how an attempt is shown that is being ended."""
    return View(_state("TERMINATING", ""), RunStatus(state="TERMINATING"))


def waiting_view(message: str) -> View:
    """Return how a task is shown between two attempts."""
    return View(_state("WAITING_FOR_RETRY", message), RunStatus(state="WAITING"))


def _state(cycle: str, message: str, result: str | None = None, halted: bool = False) -> RunState:
    return RunState(
        life_cycle_state=cycle,
        result_state=result,
        state_message=message,
        user_cancelled_or_timedout=halted,
    )


def _ended(code: str, kind: str, message: str) -> RunStatus:
    details = TerminationDetails(code=code, type=kind, message=message)
    return RunStatus(state="TERMINATED", termination_details=details)
