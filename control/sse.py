"""Server-sent events: what is the same for logs and for runs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import AppStatus

from control.http import to_json

LOOK_AGAIN_S = 15.0
"""Followers look at the tables at least so often, should a wake-up be lost."""

_PING_S = 15


def event(name: str, data: Any, event_id: str | None = None) -> ServerSentEvent:
    """Return one event whose data is JSON on one line."""
    return ServerSentEvent(data=to_json(data), event=name, id=event_id)


def text(name: str, content: str, event_id: str) -> ServerSentEvent:
    """Return one event whose data is plain text, of one or more lines."""
    return ServerSentEvent(data=content, event=name, id=event_id)


def stream(events: AsyncIterator[ServerSentEvent]) -> EventSourceResponse:
    """Answer events as they come; proxies are told not to hold them back.

    An event `ping` says every 15 s that the way is open: browsers hide comments from their pages.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventSourceResponse(
        events, ping=_PING_S, ping_message_factory=lambda: event("ping", {}), headers=headers
    )


async def pause(wake: asyncio.Event) -> None:
    """Wait until something may have happened."""
    try:
        await asyncio.wait_for(wake.wait(), LOOK_AGAIN_S)
    except TimeoutError:
        return


def is_ending() -> bool:
    """Tell whether this process of the API was told to end: who has long waited is to be answered.

    Streams end by themselves then.
    """
    return AppStatus.should_exit
