"""Heartbeats of an activity whose steps take an unknown time."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from temporalio import activity

_EVERY_S = 3.0


@asynccontextmanager
async def pulse() -> AsyncGenerator[None]:
    """Heartbeat while the block runs, so that the death of this process is noticed soon."""
    if not activity.in_activity():
        yield
        return
    beating = asyncio.create_task(_beat())
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(_EVERY_S)
