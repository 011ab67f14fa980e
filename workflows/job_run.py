"""The workflow that executes one run of a job."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from spec import ports
from spec.attempts import AttemptOutcome, AttemptRef
from spec.runs import (
    AttemptEnded,
    AttemptScheduled,
    CancelRequest,
    Event,
    Projection,
    Recorded,
    Result,
    RunPlan,
    RunStarted,
    StopCause,
    StopRequested,
    apply,
    decide,
    new_state,
    next_retry_at,
)
from workflows import options
from workflows.attempt import drive

STATE = SearchAttributeKey.for_keyword("OpenlakeState")


@workflow.defn(name="JobRun")
class JobRun:
    """Runs a job's tasks as their dependencies allow; its state is the run's truth while it lives.

    Every change goes through `_record`: into the state at once, and to Postgres in batches behind.
    """

    @workflow.init
    def __init__(self, plan: RunPlan) -> None:
        """Start with every task blocked and nothing recorded."""
        self._state = new_state(plan)
        self._attempts: dict[str, asyncio.Task[None]] = {}
        self._unprojected: list[Recorded] = []
        self._changed = True

    @workflow.run
    async def run(self, plan: RunPlan) -> Result:
        """Run to the end; return how it ended, after the last event has been projected."""
        self._record(RunStarted(at=workflow.now()))
        flusher = asyncio.create_task(self._flush())
        deadline = workflow.now() + timedelta(seconds=plan.timeout_s) if plan.timeout_s else None
        while self._state.result is None:
            self._advance(deadline)
            if self._state.result is None:
                await self._sleep_until_change(deadline)
        await flusher
        ended: SearchAttributeUpdate[str] = STATE.value_set(self._state.result.value)
        workflow.upsert_search_attributes([ended])  # pyright: ignore[reportUnknownMemberType]
        return Result(run_id=plan.run_id, result=self._state.result, message=self._state.message)

    @workflow.signal
    def cancel(self, request: CancelRequest) -> None:
        """Stop the whole run; a run that is stopping or over is left as it is."""
        self._stop(StopCause.USER, request.by)

    @workflow.query
    def tasks(self) -> dict[str, str]:
        """Return each task's phase, for `temporal workflow query`."""
        return {key: task.phase.value for key, task in self._state.tasks.items()}

    def _advance(self, deadline: datetime | None) -> None:
        if deadline is not None and workflow.now() >= deadline:
            self._stop(StopCause.TIMEOUT, "")
        while events := decide(self._state, workflow.now()):
            for event in events:
                self._record(event)
                if isinstance(event, AttemptScheduled):
                    self._attempts[event.task_key] = asyncio.create_task(self._attempt(event))
        self._changed = False

    async def _sleep_until_change(self, deadline: datetime | None) -> None:
        wakes = [at for at in (deadline, next_retry_at(self._state)) if at is not None]
        if self._state.stop is not None or not wakes:
            await workflow.wait_condition(lambda: self._changed)
            return
        pause = max(min(wakes) - workflow.now(), timedelta(milliseconds=1))
        try:
            await workflow.wait_condition(lambda: self._changed, timeout=pause)
        except TimeoutError:
            self._changed = True

    async def _attempt(self, event: AttemptScheduled) -> None:
        plan = self._state.plan
        ref = AttemptRef(
            workspace_id=plan.workspace_id,
            job_id=plan.job_id,
            run_id=plan.run_id,
            task_key=event.task_key,
            attempt=event.attempt,
            task_run_id=event.task_run_id,
            engine=self._state.tasks[event.task_key].plan.engine,
        )
        outcome: AttemptOutcome = await drive(ref, lambda: self._state.stop is not None)
        self._record(
            AttemptEnded(
                at=workflow.now(),
                task_key=event.task_key,
                task_run_id=event.task_run_id,
                outcome=outcome,
            )
        )
        del self._attempts[event.task_key]

    def _stop(self, cause: StopCause, by: str) -> None:
        if self._state.stop is not None or self._state.result is not None:
            return
        self._record(StopRequested(at=workflow.now(), cause=cause, by=by))
        for attempt in self._attempts.values():
            attempt.cancel()

    def _record(self, event: Event) -> None:
        apply(self._state, event)
        self._unprojected.append(Recorded(seq=self._state.seq, event=event))
        self._changed = True

    async def _flush(self) -> None:
        """Project what was recorded, in order, until the run has ended and all of it is written.

        A local activity would be cheaper, but it runs before the server has accepted the workflow
        task that recorded the events: if that task is then lost or refused, it is executed anew
        with another clock and another order of signals, and the database would hold events that
        never came to be. An activity is scheduled by the very commit that makes its events true.
        """
        while self._state.result is None or self._unprojected:
            await workflow.wait_condition(lambda: bool(self._unprojected))
            batch = tuple(self._unprojected)
            await workflow.execute_activity(
                ports.project,
                Projection(
                    run_id=self._state.plan.run_id,
                    execution=self._state.plan.execution,
                    events=batch,
                ),
                start_to_close_timeout=options.RECORD_LIMIT,
                retry_policy=options.RECORD,
                summary=f"events {batch[0].seq} to {batch[-1].seq}",
            )
            del self._unprojected[: len(batch)]
