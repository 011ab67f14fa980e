"""Drives one attempt: which worker it goes to, and what its end means."""

from collections.abc import Callable
from contextlib import suppress

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.workflow import ActivityCancellationType

from spec import ports
from spec.attempts import AttemptOutcome, AttemptRef, AttemptResult
from workflows import options


async def drive(ref: AttemptRef, stopping: Callable[[], bool]) -> AttemptOutcome:
    """Return how the attempt ended; never raises for what happens to the attempt itself.

    Cancelling the coroutine stops the outside work, waits until that is done, and returns
    CANCELED (or how the attempt ended, if it was quicker).

    Args:
        ref: The attempt.
        stopping: Whether the coroutine has been cancelled, for an end that does not say.
    """
    try:
        return await _follow(ref)
    except ActivityError as error:
        if stopping():
            return await _stop(ref)
        if not isinstance(error.cause, ApplicationError) or error.cause.type != ports.WRONG_HOST:
            return _failed(error)
        host, handle = error.cause.details
    return await _reattach(ref.model_copy(update={"handle": handle}), host, stopping)


async def _follow(ref: AttemptRef) -> AttemptOutcome:
    return await workflow.execute_activity(
        ports.run_attempt,
        ref,
        task_queue=ports.engine_queue(ref.engine),
        start_to_close_timeout=options.ATTEMPT_LIMIT,
        heartbeat_timeout=options.HEARTBEAT,
        retry_policy=options.REATTACH,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=f"{ref.task_key} attempt {ref.attempt}",
    )


async def _reattach(ref: AttemptRef, host: str, stopping: Callable[[], bool]) -> AttemptOutcome:
    """Follow work that lives on one host; if that host stays silent the attempt is lost."""
    try:
        return await workflow.execute_activity(
            ports.run_attempt,
            ref,
            task_queue=ports.host_queue(host),
            schedule_to_start_timeout=options.HOST_WAIT,
            start_to_close_timeout=options.ATTEMPT_LIMIT,
            heartbeat_timeout=options.HEARTBEAT,
            # A worker of that host may die again; a silent host ends this by the first timeout.
            retry_policy=options.REATTACH,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"{ref.task_key} attempt {ref.attempt} on {host}",
        )
    except ActivityError as error:
        if stopping():
            return await _stop(ref)
        if isinstance(error.cause, ApplicationError):
            return _failed(error)
        return AttemptOutcome(
            result=AttemptResult.LOST,
            code="DRIVER_ERROR",
            message=f"The worker host '{host}' that ran this attempt does not answer any more.",
            ended_at=workflow.now(),
        )


async def _stop(ref: AttemptRef) -> AttemptOutcome:
    """Stop what a dead worker may have left running, as far as a worker can be had for it.

    Whatever is out of reach stays fenced: the attempt's token dies with its end.
    """
    queue = ports.engine_queue(ref.engine)
    try:
        return await _stop_on(ref, queue)
    except ActivityError as error:
        cause = error.cause
        if isinstance(cause, ApplicationError) and cause.type == ports.WRONG_HOST:
            with suppress(ActivityError):
                return await _stop_on(ref, ports.host_queue(cause.details[0]))
    return AttemptOutcome(
        result=AttemptResult.CANCELED,
        code="USER_CANCELED",
        message="The attempt was cancelled.",
        ended_at=workflow.now(),
    )


async def _stop_on(ref: AttemptRef, queue: str) -> AttemptOutcome:
    return await workflow.execute_activity(
        ports.run_attempt,
        ref.model_copy(update={"stop": True}),
        task_queue=queue,
        schedule_to_start_timeout=options.STOP_WAIT,
        start_to_close_timeout=options.STOP_LIMIT,
        heartbeat_timeout=options.HEARTBEAT,
        retry_policy=options.ONCE,
        summary=f"stop {ref.task_key} attempt {ref.attempt}",
    )


def _failed(error: ActivityError) -> AttemptOutcome:
    message = error.cause.message if isinstance(error.cause, ApplicationError) else str(error.cause)
    return AttemptOutcome(
        result=AttemptResult.FAILED,
        code="INTERNAL_ERROR",
        message=message[:1000],
        ended_at=workflow.now(),
    )
