"""Heartbeats of activities that the control plane runs."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from temporalio import activity

HEARTBEAT_S = 3.0


@asynccontextmanager
async def beating() -> AsyncGenerator[None]:
    """Tell Temporal, while the block runs, that this process is alive; no activity needs none."""
    if not activity.in_activity():
        yield
        return
    task = asyncio.create_task(_beat())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT_S)
