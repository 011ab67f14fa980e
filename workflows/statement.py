"""The workflow of one SQL statement: it sees that the statement comes to an end."""

import asyncio
from contextlib import suppress

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from temporalio.workflow import ActivityCancellationType

from spec import ports
from spec.statements import StatementClosing, StatementRef
from spec.warehouses import warehouse_queue
from workflows import options


@workflow.defn(name="Statement")
class Statement:
    """Hands a statement to its warehouse, and ends it if nobody there does.

    The wait for a warehouse that has to start, or is busy, is the wait in its queue.
    """

    @workflow.run
    async def run(self, ref: StatementRef) -> None:
        """Return when the statement's row says how it ended."""
        try:
            await _on_warehouse(ref)
        except (ActivityError, asyncio.CancelledError) as error:
            # The second when the cancel came with the very first task: nothing was begun.
            is_canceled = is_cancelled_exception(error) or bool(workflow.cancellation_reason())
            closing = StatementClosing(ref=ref, canceled=is_canceled, reason=_reason(error))
            if not await _close(closing):
                with suppress(ActivityError):
                    await _stop(ref)
                await _close(closing.model_copy(update={"stopped": True}))


async def _on_warehouse(ref: StatementRef) -> None:
    await workflow.execute_activity(
        ports.run_statement,
        ref,
        task_queue=warehouse_queue(ref.workspace_id, ref.warehouse_id),
        schedule_to_start_timeout=options.STATEMENT_WAIT,
        start_to_close_timeout=options.STATEMENT_LIMIT,
        heartbeat_timeout=options.STATEMENT_HEARTBEAT,
        retry_policy=options.STATEMENT,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


async def _stop(ref: StatementRef) -> None:
    """Stop what a dead worker may have left running, if another one can be had for it."""
    await workflow.execute_activity(
        ports.run_statement,
        ref.model_copy(update={"stop": True}),
        task_queue=warehouse_queue(ref.workspace_id, ref.warehouse_id),
        schedule_to_start_timeout=options.STOP_WAIT,
        start_to_close_timeout=options.STOP_LIMIT,
        heartbeat_timeout=options.STATEMENT_HEARTBEAT,
        retry_policy=options.ONCE,
        summary="stop",
    )


async def _close(closing: StatementClosing) -> bool:
    return await workflow.execute_activity(
        ports.close_statement,
        closing,
        start_to_close_timeout=options.RECORD_LIMIT,
        retry_policy=options.RECORD,
    )


def _reason(error: ActivityError | asyncio.CancelledError) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "It was cancelled before it began."
    cause = error.cause
    if isinstance(cause, ApplicationError):
        return cause.message[:1000]
    return f"No process of the warehouse has brought it to an end ({cause or error})."[:1000]
