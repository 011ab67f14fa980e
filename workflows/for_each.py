"""The workflows that run one task for each of many inputs.

`ForEach` opens parts, several at once so that its concurrency stays full; each `ForEachPart` is the
run's own state machine over some of the iterations. So no history grows with the number of inputs
beyond what a few hundred parts need, and a part that has grown long goes on in a fresh one.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator

from temporalio import workflow
from temporalio.workflow import ChildWorkflowCancellationType, ParentClosePolicy

from spec.events import CancelRequest, Result
from spec.ids import part_workflow_id
from spec.plans import ForEachPlan, ForEachResult, Iterations, RunPlan, Span, TaskPhase
from workflows import options
from workflows.driver import Driver
from workflows.work import work


@workflow.defn(name="ForEachPart")
class ForEachPart:
    """Runs some iterations of a for-each."""

    @workflow.init
    def __init__(self, plan: RunPlan) -> None:
        """Start with nothing run, or as the earlier history left it."""
        self._driver = Driver(plan, work)

    @workflow.run
    async def run(self, plan: RunPlan) -> Result:
        """Run to the end; cancelled, stop the iterations and tell how they ended."""
        if (rest := await self._driver.run()) is not None:
            workflow.continue_as_new(rest)
        return self._driver.result()

    @workflow.signal
    def cancel(self, request: CancelRequest) -> None:
        """Stop one iteration, or all of this part."""
        self._driver.cancel(request)


@workflow.defn(name="ForEach")
class ForEach:
    """One attempt of a for-each task."""

    @workflow.run
    async def run(self, plan: ForEachPlan) -> ForEachResult:
        """Run every iteration that is to do; cancelled, stop what runs and start no more."""
        todo = sum(count for _, count in plan.expansion.todo)
        open_parts: list[asyncio.Task[Result]] = []
        ended: list[Result] = []
        done, stopped = 0, False
        rest = list(plan.expansion.todo)
        while (rest and not stopped) or open_parts:
            while rest and not stopped and len(open_parts) < _lanes(plan, todo):
                size = _part_size(plan, todo, todo - done)
                part = _part(plan, tuple(_take(rest, size)), done, todo)
                open_parts.append(asyncio.create_task(_run_part(part)))
                done += size
            try:
                finished, open_parts = await workflow.wait(
                    open_parts, return_when=asyncio.FIRST_COMPLETED
                )
                # One that was cancelled before it began has run nothing.
                ended += [part.result() for part in finished if not part.cancelled()]
            except asyncio.CancelledError:
                stopped = True
                for part_task in open_parts:
                    part_task.cancel()
        return _sum(ended, todo)


def _lanes(plan: ForEachPlan, todo: int) -> int:
    """Return how many parts may be open: one with all slots, or one slot each."""
    return 1 if todo <= options.PART else plan.task.concurrency


def _part_size(plan: ForEachPlan, todo: int, left: int) -> int:
    """Return the size of the next part: large ones first, small ones last, so all end together.

    Known as guided self-scheduling (Polychronopoulos and Kuck, 1987).
    """
    if todo <= options.PART:
        return todo
    return max(1, min(options.PART, left // (2 * plan.task.concurrency)))


def _take(rest: list[Span], size: int) -> Iterator[Span]:
    """Take so many iterations off the front of the spans."""
    while size:
        first, count = rest.pop(0)
        taken = min(count, size)
        if taken < count:
            rest.insert(0, (first + taken, count - taken))
        size -= taken
        yield first, taken


def _part(plan: ForEachPlan, spans: tuple[Span, ...], done: int, todo: int) -> RunPlan:
    first_ordinal = plan.first_ordinal + done * plan.attempts_each
    nested = plan.task.nested or plan.task
    concurrency = plan.task.concurrency if todo <= options.PART else 1
    return plan.run.model_copy(
        update={
            # Ids are counted from 1 within a run, so this is never the run's own stream 0.
            "stream": first_ordinal + 1,
            "first_ordinal": first_ordinal,
            "concurrency": concurrency,
            "iterations": Iterations(
                task=nested.model_copy(update={"task_key": plan.task.task_key}),
                spans=spans,
                for_each_run_id=plan.task_run_id,
                attempts_each=plan.attempts_each,
            ),
        }
    )


async def _run_part(part: RunPlan) -> Result:
    iterations = part.iterations
    identity = iterations.for_each_run_id if iterations else 0
    return await workflow.execute_child_workflow(
        ForEachPart.run,
        part,
        id=part_workflow_id(part.run_id, part.execution, identity, part.stream),
        cancellation_type=ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
    )


def _sum(parts: list[Result], todo: int) -> ForEachResult:
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    succeeded, canceled = counts[TaskPhase.SUCCESS], counts[TaskPhase.CANCELED]
    failed = counts[TaskPhase.FAILED] + counts[TaskPhase.TIMEDOUT]
    return ForEachResult(
        succeeded=succeeded, failed=failed, canceled=canceled + todo - counts.total()
    )
