"""Ships what an attempt writes to the internal API while it runs, whatever is down meanwhile."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import structlog

from activities.engines.base import Feeds
from activities.folder import MOST_LEFT_BYTES, read_regular
from spec.attempts import MOST_ARTIFACT_BYTES, AttemptOutput, LogTail
from spec.errors import OpenLakeError

CHUNK_BYTES = 256 * 1024
MOST_CHUNK_BYTES = 4 * 1024 * 1024
"""A chunk of which nothing was taken is sent again with more, so that it can be judged."""
PAUSE_S = 0.5
T = TypeVar("T")
_FIRST_DELAY_S = 0.1
_LAST_DELAY_S = 5.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Sink(Protocol):
    """The part of the internal API that takes what an attempt leaves."""

    async def append_log(
        self, task_run_id: int, offset: int, chunk: bytes, *, final: bool = False
    ) -> LogTail:
        """Append at this offset, or say how much has arrived; all is taken of the final chunk."""
        ...

    async def log_tail(self, task_run_id: int) -> LogTail:
        """Return how much has arrived."""
        ...

    async def add_lineage(self, task_run_id: int, events: list[Any]) -> None:
        """Take OpenLineage events; the same event twice is harmless."""
        ...

    async def put_output(self, task_run_id: int, output: AttemptOutput) -> None:
        """Store the output."""
        ...

    async def put_artifacts(self, task_run_id: int, content: bytes) -> None:
        """Store the archive of what the work left for people."""
        ...


async def persist(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat the call with growing delay for as long as its part of the stack is away."""
    delay = _FIRST_DELAY_S
    while True:
        try:
            return await call()
        except OpenLakeError as error:
            if not error.retryable:
                raise
            if delay >= 1:
                _log.warning("call.repeated", error=error.message, delay_s=delay)
        await asyncio.sleep(delay)
        delay = min(delay * 2, _LAST_DELAY_S)


class Shipper:
    """Follows one attempt's feeds; what was cut short is sent again and does no harm.

    Args:
        sink: Where to.
        task_run_id: Whose.
        feeds: Where from.
        base: How much of the log came from other hosts, which is not in the feed.
    """

    def __init__(self, sink: Sink, task_run_id: int, feeds: Feeds, base: int = 0) -> None:
        """See class."""
        self._sink = sink
        self._id = task_run_id
        self._feeds = feeds
        self._base = base
        self._log_size = base
        self._chunk = CHUNK_BYTES
        self._lineage_read = 0
        self._events: list[Any] = []

    def announce(self, event: Any) -> None:
        """Add an OpenLineage event of the driver's own to what is shipped next."""
        self._events.append(event)

    async def follow(self) -> None:
        """Ship increments until cancelled."""
        while True:
            await self._ship_lineage()
            if not await self._ship_log():
                await asyncio.sleep(PAUSE_S)

    async def finish(self, output: AttemptOutput) -> None:
        """Ship all that is left; returns when everything has arrived."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._drain_log())
            group.create_task(self._ship_lineage())
            group.create_task(self._ship_artifacts())
            if output != AttemptOutput():
                group.create_task(persist(lambda: self._sink.put_output(self._id, output)))

    async def _drain_log(self) -> None:
        while await self._ship_log(ended=True):
            pass

    async def _ship_log(self, *, ended: bool = False) -> bool:
        """Send one chunk; False when there was nothing to send."""
        offset, limit = self._log_size, self._chunk
        place = offset - self._base
        chunk = await asyncio.to_thread(self._feeds.log.read, place, limit)
        if not chunk:
            return False
        whole = len(chunk) < limit
        tail = await persist(
            lambda: self._sink.append_log(self._id, offset, chunk, final=ended and whole)
        )
        self._chunk = CHUNK_BYTES
        if tail.size == offset and not whole:
            self._chunk = min(limit * 2, MOST_CHUNK_BYTES)
        elif tail.size == offset:
            await asyncio.sleep(PAUSE_S)
        self._log_size = max(tail.size, self._base)
        return True

    async def _ship_artifacts(self) -> None:
        if self._feeds.artifacts is None:
            return
        try:
            content = read_regular(self._feeds.artifacts, MOST_ARTIFACT_BYTES + 1)
        except OSError:
            return
        if len(content) > MOST_ARTIFACT_BYTES:
            _log.warning("artifacts.too_large", task_run_id=self._id, limit=MOST_ARTIFACT_BYTES)
            return
        await persist(lambda: self._sink.put_artifacts(self._id, content))

    async def _ship_lineage(self) -> None:
        events, size = self._new_events()
        announced = len(self._events)
        pending = [*self._events, *events]
        if pending:
            await persist(lambda: self._sink.add_lineage(self._id, pending))
        del self._events[:announced]
        self._lineage_read = size

    def _new_events(self) -> tuple[list[Any], int]:
        """Return the whole lines written since the last time, and how far they reach."""
        try:
            content = read_regular(self._feeds.lineage, MOST_LEFT_BYTES, self._lineage_read)
        except OSError:
            return [], self._lineage_read
        whole = content.rpartition(b"\n")[0]
        events: list[Any] = []
        for line in whole.splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                _log.warning("lineage.unreadable", task_run_id=self._id, line=line[:200].decode())
        return events, self._lineage_read + len(whole) + (1 if whole else 0)
