"""Plans of runs for tests, and a driver that plays a workflow's part."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from spec.attempts import AttemptOutcome, AttemptResult
from spec.events import Event, RunStarted, StopCause, StopRequested
from spec.ids import run_id_at
from spec.plans import RunPlan, TaskPlan
from spec.publish import PublishOutcome
from spec.run_ends import end_publish
from spec.run_state import RunState, new_state
from spec.runs import apply, decide, end_attempt, next_wake
from spec.tasks import Engine, RunIf

START = datetime(2026, 1, 1, tzinfo=UTC)
RUN = run_id_at(7)


def task(
    task_key: str,
    *depends_on: str,
    run_if: RunIf = RunIf.ALL_SUCCESS,
    max_retries: int = 0,
    min_retry_interval_ms: int = 0,
    retry_on_timeout: bool = False,
) -> TaskPlan:
    """Make one task of a plan."""
    return TaskPlan(
        task_key=task_key,
        engine=Engine.PYTHON,
        depends_on=depends_on,
        run_if=run_if,
        max_retries=max_retries,
        min_retry_interval_ms=min_retry_interval_ms,
        retry_on_timeout=retry_on_timeout,
    )


def plan(*tasks: TaskPlan, timeout_s: int = 0, first_ordinal: int = 0, **fields: object) -> RunPlan:
    """Make a plan."""
    return RunPlan(
        workspace_id=1,
        job_id=2,
        run_id=RUN,
        settings_hash="0" * 64,
        tasks=tasks,
        timeout_s=timeout_s,
        first_ordinal=first_ordinal,
    ).model_copy(update=fields)


class Driver:
    """Does with a plan what the workflow does: applies, asks, starts, reports ends."""

    def __init__(self, run_plan: RunPlan) -> None:
        self.state: RunState = new_state(run_plan)
        self.events: list[Event] = []
        self.now = START
        self.watch: Callable[[Event], None] = lambda event: None
        """Called before each event is applied."""
        self.record(RunStarted(at=self.now))
        self.settle()

    def record(self, event: Event) -> None:
        """Apply one event and keep it."""
        self.watch(event)
        apply(self.state, event)
        self.events.append(event)

    def settle(self) -> None:
        """Let everything follow that follows by itself."""
        while events := decide(self.state, self.now):
            for event in events:
                self.record(event)

    def end(
        self, task_key: str, result: AttemptResult = AttemptResult.SUCCESS, message: str = ""
    ) -> None:
        """End the task's attempt that is under way."""
        current = self.state.tasks[task_key].current
        assert current is not None, f"{task_key} does not run"
        outcome = AttemptOutcome(result=result, message=message)
        self.record(end_attempt(self.state, task_key, current, outcome, self.now))
        self.settle()

    def end_all(self, results: Iterable[tuple[str, AttemptResult]]) -> None:
        """End attempts in this order."""
        for task_key, result in results:
            self.end(task_key, result)

    def publish(self, outcome: PublishOutcome) -> None:
        """Answer the request to publish that is under way."""
        self.record(end_publish(self.state, outcome, self.now))
        self.settle()

    def stop(self, cause: StopCause = StopCause.USER, by: str = "") -> None:
        """Ask for the run to stop."""
        self.record(StopRequested(at=self.now, cause=cause, by=by))
        self.settle()

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.settle()

    def wait_for_retry(self) -> None:
        """Let time pass until the next retry is due."""
        due = next_wake(self.state)
        assert due is not None, "nothing waits"
        self.now = max(self.now, due)
        self.settle()
