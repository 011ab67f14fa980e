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
        rest, done, ended = list(plan.expansion.todo), 0, list[Result]()
        lanes = _lanes(plan, todo)
        free = list(range(len(lanes)))
        open_parts: dict[asyncio.Task[Result], int] = {}
        stopped = False
        while (rest and not stopped) or open_parts:
            while rest and free and not stopped:
                lane = free.pop(0)
                size = _part_size(len(lanes), lanes[lane], todo - done)
                part = _part(plan, tuple(_take(rest, size)), done, lanes[lane])
                open_parts[asyncio.create_task(_run_part(part))] = lane
                done += size
            try:
                finished, _ = await workflow.wait(open_parts, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                stopped = True
                for part_task in open_parts:
                    part_task.cancel()
                continue
            for part_task in finished:
                free.append(open_parts.pop(part_task))
                # One that was cancelled before it began has run nothing.
                ended += [part_task.result()] if not part_task.cancelled() else []
        return _sum(ended, todo)


def _lanes(plan: ForEachPlan, todo: int) -> list[int]:
    """Return how the concurrency is shared: so many slots for each part that is open at once."""
    slots = plan.task.concurrency
    lanes = 1 if todo <= options.PART else min(options.LANES, slots)
    return [slots // lanes + (lane < slots % lanes) for lane in range(lanes)]


def _part_size(lanes: int, slots: int, left: int) -> int:
    """Return the size of the next part: large ones first, small ones last, so all end together.

    Known as guided self-scheduling (Polychronopoulos and Kuck, 1987).
    """
    if lanes == 1:
        return min(options.PART, left)
    return min(left, max(slots, min(options.PART, left // (2 * lanes))))


def _take(rest: list[Span], size: int) -> Iterator[Span]:
    """Take so many iterations off the front of the spans."""
    while size:
        first, count = rest.pop(0)
        taken = min(count, size)
        if taken < count:
            rest.insert(0, (first + taken, count - taken))
        size -= taken
        yield first, taken


def _part(plan: ForEachPlan, spans: tuple[Span, ...], done: int, slots: int) -> RunPlan:
    first_ordinal = plan.first_ordinal + done * plan.attempts_each
    nested = plan.task.nested or plan.task
    return plan.run.model_copy(
        update={
            # Ids are counted from 1 within a run, so this is never the run's own stream 0.
            "stream": first_ordinal + 1,
            "first_ordinal": first_ordinal,
            "concurrency": slots,
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
