"""Ships what an attempt writes to the internal API while it runs, whatever is down meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import structlog

from activities.engines.base import Feeds
from activities.folder import MOST_LEFT_BYTES, plain_json, read_regular
from spec.attempts import MOST_ARTIFACT_BYTES, AttemptOutput, LogTail
from spec.errors import AttemptOver, OpenLakeError
from spec.text import storable

CHUNK_BYTES = 256 * 1024
MOST_CHUNK_BYTES = 4 * 1024 * 1024
"""A chunk of which nothing was taken is sent again with more, so that it can be judged."""
PAUSE_S = 0.5
FIRST_PAUSE_S = 0.1
"""Work that ends sooner is shipped in one piece, which spares the API half of its calls."""
T = TypeVar("T")
_FIRST_DELAY_S = 0.1
_LAST_DELAY_S = 5.0
_MOST_LINEAGE_BYTES = 8 * MOST_LEFT_BYTES
"""Of one attempt; what follows is not read, nor what follows a line as long as is read at once."""
_MOST_LINES = 10_000
"""Of them, too; each is an event."""
_EVENTS_A_CALL = 500
"""The API keeps so many within moments, whatever they say."""
_MOST_REFUSED = 20

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
        self._lines_read = 0
        self._is_lineage_over = False
        self._events: list[Any] = []

    def announce(self, event: Any) -> None:
        """Add an OpenLineage event of the driver's own to what is shipped next."""
        self._events.append(event)

    async def follow(self) -> None:
        """Ship increments until cancelled."""
        await asyncio.sleep(FIRST_PAUSE_S)
        while True:
            await self._ship_lineage()
            if not await self._ship_log():
                await asyncio.sleep(PAUSE_S)

    async def finish(self, output: AttemptOutput) -> None:
        """Ship all that is left; returns when everything has arrived."""
        steps = [self._drain_log(), self._drain_lineage(), self._ship_artifacts()]
        if output != AttemptOutput():
            steps.append(persist(lambda: self._sink.put_output(self._id, output)))
        # Each arrives whatever becomes of the others; then the first failure is told.
        for ended in await asyncio.gather(*steps, return_exceptions=True):
            if ended is not None:
                raise ended

    async def _drain_log(self) -> None:
        while await self._ship_log(ended=True):
            pass

    async def _drain_lineage(self) -> None:
        while await self._ship_lineage():
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

    async def _ship_lineage(self) -> bool:
        """Send what is new; False when the file had nothing more to read."""
        events, size = await asyncio.to_thread(self._new_events)
        announced = len(self._events)
        pending = [*self._events, *events]
        if pending:
            await self._send_lineage(pending)
        del self._events[:announced]
        is_more = size > self._lineage_read
        self._lineage_read = size
        return is_more

    async def _send_lineage(self, events: list[Any]) -> None:
        """Send events together; those that are refused by themselves are left out.

        User code writes the file as it likes, and no attempt may fail for what it says there. Who
        writes nothing but nonsense is not asked for more.
        """
        firsts = range(0, len(events), _EVENTS_A_CALL)
        batches, refused = [events[first : first + _EVENTS_A_CALL] for first in firsts], 0
        while batches and refused < _MOST_REFUSED:
            batch = batches.pop(0)
            try:
                await persist(lambda batch=batch: self._sink.add_lineage(self._id, batch))
            except AttemptOver:
                raise
            except OpenLakeError as error:
                if half := len(batch) // 2:
                    batches[:0] = [batch[:half], batch[half:]]
                    continue
                refused += 1
                _log.warning("lineage.refused", task_run_id=self._id, reason=error.message)

    def _new_events(self) -> tuple[list[Any], int]:
        """Return the whole lines written since the last time, and how far they reach."""
        if self._is_lineage_over:
            return [], self._lineage_read
        try:
            content = read_regular(self._feeds.lineage, MOST_LEFT_BYTES, self._lineage_read)
        except OSError:
            return [], self._lineage_read
        whole, newline, _ = content.rpartition(b"\n")
        lines, size = whole.splitlines(), self._lineage_read + len(whole) + len(newline)
        events: list[Any] = []
        unreadable: list[bytes] = []
        for line in lines[: _MOST_LINES - self._lines_read]:
            try:
                events.append(storable(plain_json(line)))
            except ValueError:
                unreadable.append(line)
        if unreadable:
            first = unreadable[0][:200].decode(errors="replace")
            _log.warning(
                "lineage.unreadable", task_run_id=self._id, lines=len(unreadable), first=first
            )
        self._lines_read += len(lines)
        is_endless = not newline and len(content) == MOST_LEFT_BYTES
        if is_endless or size > _MOST_LINEAGE_BYTES or self._lines_read >= _MOST_LINES:
            self._is_lineage_over = True
            _log.warning("lineage.too_much", task_run_id=self._id, read=size)
        return events, size
