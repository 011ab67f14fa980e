"""The worker of raw Temporal, a process of its own: `python -m … ADDRESS tuned|default`."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from tests.bench.step import step

QUEUE = "bench"
_PAGE = 500
"""Iterations of one history; 10,000 in one would be near the limit of Temporal."""


@dataclass
class Order:
    """What one workflow has to do, as `Work` of the harness says it."""

    shape: str
    size: int
    seconds: float
    ledger: str
    first: int = 0


@dataclass
class OneStep:
    """One activity."""

    ledger: str
    run: str
    key: int
    seconds: float


@activity.defn
async def do(one: OneStep) -> None:
    """Run the user code; what takes long goes to a thread and heartbeats meanwhile."""
    words = (one.ledger, one.run, str(one.key), str(one.seconds))
    if not one.seconds:
        step(*words)
        return
    work = asyncio.ensure_future(asyncio.to_thread(step, *words))
    while not (await asyncio.wait([work], timeout=1))[0]:
        activity.heartbeat()
    await work


@workflow.defn
class Bench:
    """A chain, steps side by side, or a for-each, which goes on in fresh histories."""

    @workflow.run
    async def run(self, order: Order) -> None:
        """Do all steps."""
        if order.shape == "chain":
            for key in range(order.size):
                await self._do(order, key)
            return
        last = order.size if order.shape == "wide" else min(order.first + _PAGE, order.size)
        await asyncio.gather(*(self._do(order, key) for key in range(order.first, last)))
        if last < order.size:
            order.first = last
            workflow.continue_as_new(order)

    async def _do(self, order: Order, key: int) -> None:
        run = workflow.info().workflow_id
        await workflow.execute_activity(
            do,
            OneStep(order.ledger, run, key, order.seconds),
            start_to_close_timeout=timedelta(minutes=10),
            heartbeat_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100)),
        )


async def main(address: str, settings: str) -> None:
    """Work until the process is ended."""
    client = await Client.connect(address)
    # As it comes, the SDK polls with five of each.
    polls = 10 if settings == "tuned" else 5
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Bench],
        activities=[do],
        max_concurrent_workflow_task_polls=polls,
        max_concurrent_activity_task_polls=polls,
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
