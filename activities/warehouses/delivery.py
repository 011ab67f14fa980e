"""Takes an answer, batch by batch, to where it is kept; never holds more than a chunk of it."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from activities.warehouses.base import Answer, Batch, StatementFailed
from activities.warehouses.encoding import encode
from spec.statements import (
    CHUNK_BYTES,
    MOST_BYTES,
    MOST_IN_ROW_BYTES,
    MOST_INLINE_BYTES,
    Chunk,
    Disposition,
    ServiceError,
    StatementWork,
)

Put = Callable[[int, bytes], Awaitable[None]]
"""Stores the chunk of this index."""


@dataclass
class Delivery:
    """One answer on its way."""

    work: StatementWork
    put: Put
    threads: Executor
    """Encoding works there, so that the event loop stays free for heartbeats."""
    chunks: list[Chunk] = field(default_factory=list[Chunk])
    inline: str | None = None
    is_truncated: bool = False
    _waiting: list[Batch] = field(default_factory=list[Batch])
    _waiting_bytes: int = 0
    _rows: int = 0
    _bytes: int = 0

    async def take(self, answer: Answer) -> None:
        """Keep all of an answer that the limits allow.

        Raises:
            StatementFailed: it is too large for INLINE; and what reading the answer raises.
            EngineUnavailable: as reading the answer, or the object store does not answer.
        """
        async for batch in answer.batches:
            for piece in _pieces(batch):
                await self._add(piece)
                if self.is_truncated:
                    break
            if self.is_truncated:
                break
        if self._waiting:
            await self._flush(is_last=True)

    async def _add(self, batch: Batch) -> None:
        batch = self._cut(batch)
        if not batch.num_rows:
            return
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        self._waiting_bytes += batch.nbytes
        if self._waiting_bytes >= CHUNK_BYTES:
            await self._flush(is_last=False)

    def _cut(self, batch: Batch) -> Batch:
        """Return what of a batch is within the limits, whole rows of it."""
        room = batch.num_rows
        if self.work.row_limit is not None:
            room = min(room, self.work.row_limit - self._rows)
        left = (self.work.byte_limit or MOST_BYTES) - self._bytes
        if batch.nbytes > left:
            room = min(room, int(batch.num_rows * left / batch.nbytes))
        if room < batch.num_rows:
            self.is_truncated = True
        return batch.slice(0, room)

    async def _flush(self, *, is_last: bool) -> None:
        batches, self._waiting, self._waiting_bytes = self._waiting, [], 0
        index = len(self.chunks)
        content = await asyncio.get_running_loop().run_in_executor(
            self.threads, lambda: encode(batches, self.work.format, is_first=index == 0)
        )
        rows = sum(batch.num_rows for batch in batches)
        self.chunks.append(Chunk(rows=rows, bytes=len(content)))
        if self.work.disposition is Disposition.INLINE:
            self._check_size()
        if is_last and index == 0 and (inline := self._as_inline(content)) is not None:
            self.inline = inline
            return
        await self.put(index, content)

    def _as_inline(self, content: bytes) -> str | None:
        """Return an answer's only chunk as it travels in the report; None when it is too large."""
        if self.work.disposition is Disposition.INLINE_OR_EXTERNAL_LINKS:
            content = base64.b64encode(content)
        elif self.work.disposition is not Disposition.INLINE:
            return None
        return content.decode() if len(content) <= MOST_IN_ROW_BYTES else None

    def _check_size(self) -> None:
        size = sum(chunk.bytes for chunk in self.chunks)
        if size > MOST_INLINE_BYTES:
            raise StatementFailed(
                f"The result has more than {MOST_INLINE_BYTES} bytes, which disposition INLINE"
                " cannot give. Ask for disposition EXTERNAL_LINKS, or for fewer rows"
                " (row_limit, byte_limit, LIMIT).",
                ServiceError.RESOURCE_EXHAUSTED,
            )


def _pieces(batch: Batch) -> list[Batch]:
    """Cut a batch of long rows so that no piece is much larger than a chunk."""
    count = min(max(1, batch.nbytes // CHUNK_BYTES), batch.num_rows or 1)
    size = -(-batch.num_rows // count) or 1
    return [batch.slice(start, size) for start in range(0, max(1, batch.num_rows), size)]
