"""Drives the state machine of `spec.runs` in a workflow: what it decides is recorded and started.

Every change goes through `_record`: into the state at once, and to Postgres in batches behind.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from spec import ports
from spec.attempts import AttemptOutcome, AttemptResult
from spec.events import (
    AttemptScheduled,
    CancelRequest,
    Event,
    Projection,
    PublishStarted,
    Recorded,
    Result,
    RunStarted,
    StopCause,
    StopRequested,
    TaskStopRequested,
)
from spec.plans import RunPlan, TaskPlan
from spec.publish import PublishOutcome
from spec.run_ends import end_publish, publish_request
from spec.run_state import RunState, continued, new_state
from spec.runs import apply, decide, due_warnings, end_attempt, next_wake
from workflows import options

Work = Callable[["Driver", AttemptScheduled], Awaitable[AttemptOutcome]]
"""Does one attempt and tells its outcome; cancelled, it stops the work and returns that."""


class Driver:
    """One run, or one part of a for-each, on its way.

    Args:
        plan: The workflow's input.
        work: Does the attempts.
    """

    def __init__(self, plan: RunPlan, work: Work) -> None:
        """See class."""
        self.state: RunState = new_state(plan)
        self._work = work
        self._attempts: dict[str, asyncio.Task[None]] = {}
        self._unprojected: list[Recorded] = []
        self._projected_at: datetime | None = None
        self._publishing: asyncio.Task[None] | None = None
        """Named, so that it is not collected on its way."""
        self._late: tuple[StopCause, str] | None = None
        """Who asked for a stop while the run was being published."""
        self._closing = False
        self._changed = True

    @property
    def plan(self) -> RunPlan:
        """The workflow's input."""
        return self.state.plan

    def task(self, task_key: str) -> TaskPlan:
        """Return a task's plan."""
        return self.state.tasks[task_key].plan

    def is_stopping(self, task_key: str) -> bool:
        """Tell whether the task's attempt has been asked to end."""
        return self.state.stop is not None or self.state.tasks[task_key].stopping

    async def run(self) -> RunPlan | None:
        """Run until the last event has been projected.

        Returns:
            None at the run's end; else the plan to go on with in a fresh history.
        """
        if self.state.started_at is None:
            self.record(RunStarted(at=workflow.now()))
        deadline = self._deadline()
        while True:
            self._closing = False
            flusher = asyncio.create_task(self._flush())
            while self.state.result is None and not self._has_to_move():
                try:
                    self._advance(deadline)
                    if self.state.result is None:
                        await self._sleep_until_change(deadline)
                except asyncio.CancelledError:
                    # Our own parent was stopped, or somebody used Temporal's own cancel.
                    self.stop(StopCause.USER, "")
            self._closing = True
            await self._flushed(flusher)
            if self.state.result is not None:
                return None
            # An end may have been asked for during the last projection: that does not move on.
            if self._has_to_move():
                return continued(self.state)

    async def _flushed(self, flusher: asyncio.Task[None]) -> None:
        """Wait until all is projected, whoever cancels meanwhile: no event may be lost."""
        while not flusher.done():
            try:
                await asyncio.shield(flusher)
            except asyncio.CancelledError:
                self.stop(StopCause.USER, "")
        flusher.result()

    def cancel(self, request: CancelRequest) -> None:
        """Stop the whole run, or one task run; what is stopping or over is left as it is.

        A task that still waits has its id already: cancelled, it never begins.
        """
        if request.task_run_id is None:
            self.stop(StopCause.USER, request.by)
            return
        for key, task in self.state.tasks.items():
            if request.task_run_id not in (task.current, task.reserved) or self.is_stopping(key):
                continue
            self.record(
                TaskStopRequested(
                    at=workflow.now(),
                    task_key=key,
                    task_run_id=request.task_run_id,
                    by=request.by,
                )
            )
            if key in self._attempts:
                self._attempts[key].cancel()
            return

    def stop(self, cause: StopCause, by: str) -> None:
        """Stop everything, once.

        What is being published is not stopped any more; should tasks have to run again after that,
        they do not.
        """
        if self.state.stop is not None or self.state.result is not None:
            return
        if self.state.is_settling:
            self._late = self._late or (cause, by)
            return
        self.record(StopRequested(at=workflow.now(), cause=cause, by=by))
        for attempt in self._attempts.values():
            attempt.cancel()

    def record(self, event: Event) -> None:
        """Fold an event into the state and queue it for the projection."""
        apply(self.state, event)
        self._unprojected.append(Recorded(seq=self.state.seq, event=event))
        self._changed = True

    def result(self) -> Result:
        """Return how it ended.

        Raises:
            ValueError: it has not.
        """
        if self.state.result is None:
            raise ValueError(f"run {self.plan.run_id} has not ended")
        counts = Counter(task.phase.value for task in self.state.tasks.values())
        return Result(
            run_id=self.plan.run_id,
            result=self.state.result,
            message=self.state.message,
            counts=dict(counts),
        )

    def _deadline(self) -> datetime | None:
        started = self.state.started_at
        if started is None or not self.plan.timeout_s:
            return None
        return started + timedelta(seconds=self.plan.timeout_s)

    def _has_to_move(self) -> bool:
        """Tell whether the history is long enough, and nothing is open that would be lost."""
        grown = workflow.info().get_current_history_length() > options.LONG_HISTORY
        is_moving_on = self.state.stop is None and not self.state.is_settling
        if not grown or not is_moving_on or self._attempts:
            return False
        # A stop of a task that waits is not part of what goes on.
        return not any(
            task.stopping and not task.phase.is_final for task in self.state.tasks.values()
        )

    def _is_draining(self) -> bool:
        """Tell whether nothing new may start, so that a quiet moment comes."""
        return workflow.info().get_current_history_length() > options.FULL_HISTORY

    def _advance(self, deadline: datetime | None) -> None:
        if deadline is not None and workflow.now() >= deadline:
            self.stop(StopCause.TIMEOUT, "")
        while not (self._is_draining() and self._attempts):
            events = decide(self.state, workflow.now())
            if not events:
                break
            for event in events:
                self.record(event)
                if isinstance(event, AttemptScheduled):
                    self._attempts[event.task_key] = asyncio.create_task(self._attempt(event))
                elif isinstance(event, PublishStarted):
                    self._publishing = asyncio.create_task(self._publish(event))
        self._changed = False

    async def _sleep_until_change(self, deadline: datetime | None) -> None:
        if self.state.is_settling:
            deadline = None
        wakes = [at for at in (deadline, next_wake(self.state)) if at is not None]
        if self.state.stop is not None or not wakes or self._is_draining():
            await workflow.wait_condition(lambda: self._changed)
            return
        pause = max(min(wakes) - workflow.now(), timedelta(milliseconds=1))
        try:
            await workflow.wait_condition(lambda: self._changed, timeout=pause)
        except TimeoutError:
            self._changed = True

    async def _attempt(self, event: AttemptScheduled) -> None:
        outcome = await self._in_time(event)
        for warning in due_warnings(self.state, workflow.now()):
            self.record(warning)
        ended = end_attempt(self.state, event.task_key, event.task_run_id, outcome, workflow.now())
        del self._attempts[event.task_key]
        self.record(ended)

    async def _publish(self, event: PublishStarted) -> None:
        """Have what the run wrote published; if tasks must run again for that, they do."""
        try:
            outcome = await workflow.execute_activity(
                ports.publish,
                publish_request(self.plan, event),
                start_to_close_timeout=options.CATALOG_LIMIT,
                heartbeat_timeout=options.CONTROL_HEARTBEAT,
                retry_policy=options.CATALOG,
                summary=f"publish, round {event.round}",
            )
        except ActivityError as error:
            outcome = PublishOutcome(published=False, message=f"Not published: {_why(error)}")
        self.record(end_publish(self.state, outcome, workflow.now()))
        if self._late is not None and not self.state.is_settling:
            self.stop(*self._late)

    async def _in_time(self, event: AttemptScheduled) -> AttemptOutcome:
        """Do the attempt; end it when its time is up, where no engine worker keeps the time."""
        limit = self.task(event.task_key).timeout_s
        if not limit:
            return await self._work(self, event)
        working = asyncio.ensure_future(self._work(self, event))
        try:
            done, _ = await workflow.wait([working], timeout=limit)
            if done:
                return working.result()
        except asyncio.CancelledError:
            working.cancel()
            return await working
        working.cancel()
        outcome = await working
        if outcome.result is not AttemptResult.CANCELED:
            return outcome
        message = f"The task ran longer than its timeout of {limit} s."
        timed_out = {"result": AttemptResult.TIMEDOUT, "code": "CANCELED", "message": message}
        return outcome.model_copy(update=timed_out)

    async def _flush(self) -> None:
        """Project what was recorded, in order, until the workflow is about to end.

        A local activity would be cheaper, but it runs before the server has accepted the workflow
        task that recorded the events: if that task is then lost or refused, it is executed anew
        with another clock and another order of signals, and the database would hold events that
        never came to be. An activity is scheduled by the very commit that makes its events true.
        """
        iterations = self.plan.iterations
        while not self._closing or self._unprojected:
            await workflow.wait_condition(lambda: bool(self._unprojected) or self._closing)
            if self.plan.paced:
                await self._pace()
            batch = tuple(self._unprojected)
            if not batch:
                return
            self._projected_at = workflow.now()
            await workflow.execute_activity(
                ports.project,
                Projection(
                    run_id=self.plan.run_id,
                    execution=self.plan.execution,
                    stream=self.plan.stream,
                    for_each_run_id=iterations.for_each_run_id if iterations else None,
                    events=batch,
                ),
                start_to_close_timeout=options.RECORD_LIMIT,
                retry_policy=options.RECORD,
                summary=f"events {batch[0].seq} to {batch[-1].seq}",
            )
            del self._unprojected[: len(batch)]

    async def _pace(self) -> None:
        """Wait for what follows quickly, if something was projected just now and nobody waits."""
        if self._projected_at is None:
            return
        left = self._projected_at + options.PACE - workflow.now()
        if left > timedelta():
            with suppress(TimeoutError):
                await workflow.wait_condition(self._is_awaited, timeout=left)

    def _is_awaited(self) -> bool:
        return self._closing or any(
            isinstance(recorded.event, AttemptScheduled)
            and self.task(recorded.event.task_key).awaits_projection
            for recorded in self._unprojected
        )


def _why(error: ActivityError) -> str:
    cause = error.cause
    return (cause.message if isinstance(cause, ApplicationError) else str(cause))[:1000]
