"""Builds an engine worker: one poller an engine, one for the host, one limit for all of them."""

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from temporalio.client import Client
from temporalio.worker import (
    CustomSlotSupplier,
    FixedSizeSlotSupplier,
    PollerBehaviorSimpleMaximum,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
    Worker,
    WorkerTuner,
)

from activities.config import WorkerConfig
from activities.control_client import ControlClient
from activities.engines import registry
from activities.engines.base import EngineAdapter
from activities.interceptor import ErrorInterceptor
from activities.run_attempt import AttemptActivities
from spec.ports import engine_queue, host_queue
from spec.tasks import Engine

__all__ = ["WorkerConfig", "build_workers"]

_HEARTBEAT_THROTTLE = timedelta(seconds=1)
_POLLERS = PollerBehaviorSimpleMaximum(maximum=5)
"""Of each queue. Pollers that scale by themselves start bursts too slowly: a fifth of the rate."""
_LEAVE_WITHIN = timedelta(seconds=10)
_REATTACHED = 200


class _SharedSlots(CustomSlotSupplier):
    """One limit for several workers of a process, counted by what runs.

    A slot is reserved before a poll. Counting open polls would let idle queues eat the slots of
    busy ones, so only used slots count; polls that were open already may exceed the limit by one
    each.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._used = 0
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._room.set()

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        """See base class."""
        await self._room.wait()
        return SlotPermit()

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        """See base class; nothing is dispatched eagerly to these queues."""
        return None

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """See base class; called from a thread of the core."""
        self._loop.call_soon_threadsafe(self._count, 1)

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """See base class; called from a thread of the core."""
        if ctx.slot_info is not None:
            self._loop.call_soon_threadsafe(self._count, -1)

    def _count(self, change: int) -> None:
        self._used += change
        if self._used < self._slots:
            self._room.set()
        else:
            self._room.clear()


def build_workers(
    client: Client, config: WorkerConfig, engines: Sequence[Engine], control: ControlClient
) -> list[Worker]:
    """Return workers that run side by side in one process; start and stop them together.

    Stopping them leaves the detached work of their attempts running: it is followed again by the
    next worker on this host.

    Args:
        client: Connected with the pydantic data converter.
        config: This worker process.
        engines: Whose queues to serve.
        control: The internal API; the caller closes it after the workers.
    """

    @cache
    def engine(which: Engine) -> EngineAdapter:
        return registry.load(which, config)

    run_attempt = AttemptActivities(config, control, engine).run_attempt
    slots = _SharedSlots(config.slots)

    def worker(queue: str, supplier: FixedSizeSlotSupplier | _SharedSlots) -> Worker:
        return Worker(
            client,
            task_queue=queue,
            activities=[run_attempt],
            interceptors=[ErrorInterceptor()],
            identity=f"{config.host}/{queue}/{os.getpid()}",
            tuner=WorkerTuner.create_composite(
                workflow_supplier=FixedSizeSlotSupplier(1),
                activity_supplier=supplier,
                local_activity_supplier=FixedSizeSlotSupplier(1),
                nexus_supplier=FixedSizeSlotSupplier(1),
            ),
            activity_task_poller_behavior=_POLLERS,
            max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
            default_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
            graceful_shutdown_timeout=_LEAVE_WITHIN,
        )

    # What the host's own queue brings is running already: it must never wait for a slot.
    own = worker(host_queue(config.host), FixedSizeSlotSupplier(_REATTACHED))
    return [own, *(worker(engine_queue(which), slots) for which in engines)]
