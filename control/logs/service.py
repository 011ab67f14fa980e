"""Takes and gives the bytes of logs; offsets are contiguous, so nothing is lost or doubled."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.deps import Deps
from control.gateway.attempts import known_attempt
from control.logs.tables import LogChunk, LogSize
from control.secrets.reading import redactor_of
from spec.attempts import LogTail
from spec.errors import Invalid
from spec.ids import run_of

MOST_CHUNK_BYTES = 8 * 1024 * 1024
MOST_LOG_BYTES = 1 << 30
"""Of one attempt; what goes beyond is not kept, and the log's last line says so."""
_SURE_BYTES = 1 << 20
"""Longer than any secret in any spelling: of so many bytes some can always be judged."""
_READ_AHEAD = 8


def chunk_prefix(task_run_id: int) -> str:
    """Return how the object keys of all chunks of a log begin; they sort as the chunks do."""
    return f"logs/{run_of(task_run_id)}/{task_run_id}/"


def chunk_key(task_run_id: int, start: int, stop: int) -> str:
    """Return the object key of a chunk; the same bytes always have the same key."""
    return f"{chunk_prefix(task_run_id)}{start:012d}-{stop:012d}"


async def size(deps: Deps, task_run_id: int) -> int:
    """Return how many bytes of a log are held."""
    async with deps.database.read_session() as session:
        row = await session.get(LogSize, task_run_id)
    return row.size if row else 0


async def tail_of(deps: Deps, task_run_id: int) -> LogTail:
    """Return how much of what the worker has was taken."""
    async with deps.database.read_session() as session:
        row = await session.get(LogSize, task_run_id)
    return LogTail(size=row.raw_size if row else 0)


def check_size(size_bytes: int) -> None:
    """Refuse a chunk that is too large to be held in memory."""
    if size_bytes > MOST_CHUNK_BYTES:
        raise Invalid(f"a log chunk has at most {MOST_CHUNK_BYTES} bytes, not {size_bytes}")


async def append(
    deps: Deps,
    task_run_id: int,
    offset: int,
    content: bytes,
    *,
    final: bool = False,
    opened: bool = True,
) -> LogTail:
    """Append bytes if they begin where the log ends; return how much was taken.

    Secrets that the attempt was given are redacted. Last bytes that may be the beginning of one are
    not taken: they must come again with what follows them. The index row is committed after the
    object was stored, so a log that is indexed is there.

    Args:
        deps: The collaborators.
        task_run_id: Whose log.
        offset: Where the bytes begin, in what the worker has.
        content: The bytes.
        final: Nothing follows; all is taken.
        opened: The attempt must have been opened; work of the control plane's own never is.

    Raises:
        Invalid: the chunk is too large.
        NotFound: it was not opened.
        Unavailable: the object store does not answer; nothing was written.
    """
    check_size(len(content))
    async with deps.database.session() as session:
        row = await _locked_size(session, task_run_id, opened=opened)
        if offset != row.raw_size or not content:
            return LogTail(size=row.raw_size)
        kept, taken = content, len(content)
        if redactor := await redactor_of(deps, session, task_run_id):
            kept, taken = redactor.whole(content) if final else redactor.part(content, _SURE_BYTES)
        row.raw_size += taken
        kept = _capped(kept, row.size)
        if kept:
            stop = row.size + len(kept)
            key = chunk_key(task_run_id, row.size, stop)
            await deps.objects.put(key, kept)
            session.add(LogChunk(task_run_id=task_run_id, start=row.size, stop=stop, key=key))
            row.size = stop
            await hub.notify(session, hub.log_topic(task_run_id))
        end = row.raw_size
    deps.metrics.log_bytes.inc(len(kept))
    return LogTail(size=end)


async def _locked_size(session: AsyncSession, task_run_id: int, *, opened: bool) -> LogSize:
    """Return how much of an attempt's log is held, locked; it begins with nothing."""
    row = await session.get(LogSize, task_run_id, with_for_update=True)
    if row is not None:
        return row
    if opened:
        await known_attempt(session, task_run_id)
    first = insert(LogSize).values(
        task_run_id=task_run_id, run_id=run_of(task_run_id), size=0, raw_size=0
    )
    await session.exec(first.on_conflict_do_nothing())
    return await session.get_one(LogSize, task_run_id, with_for_update=True)


def _capped(content: bytes, held: int) -> bytes:
    """Return what of the next bytes is kept of a log of which so much is held."""
    room = MOST_LOG_BYTES - held
    if len(content) <= room:
        return content
    said = f"\n[OpenLake] The log ends here: of one task {MOST_LOG_BYTES:,} bytes are kept.\n"
    return content[:room] + said.encode() if room >= 0 else b""


@dataclass(frozen=True)
class Span:
    """Some bytes of one chunk."""

    key: str
    start: int
    """Where in the log the chunk begins."""
    first: int
    """Where in the log the wanted bytes begin and end."""
    last: int


async def spans(deps: Deps, task_run_id: int, offset: int, stop: int | None) -> list[Span]:
    """Return which chunks hold the bytes from `offset` to `stop` (or the end)."""
    query = select(LogChunk).where(LogChunk.task_run_id == task_run_id, LogChunk.stop > offset)
    if stop is not None:
        query = query.where(LogChunk.start < stop)
    async with deps.database.read_session() as session:
        chunks = (await session.exec(query.order_by(col(LogChunk.start)))).all()
    return [
        Span(
            key=chunk.key,
            start=chunk.start,
            first=max(offset, chunk.start),
            last=chunk.stop if stop is None else min(stop, chunk.stop),
        )
        for chunk in chunks
    ]


async def read(deps: Deps, wanted: list[Span]) -> AsyncIterator[bytes]:
    """Yield the bytes of the spans, in order; a few chunks ahead are fetched meanwhile."""
    ahead: deque[asyncio.Task[bytes]] = deque()
    rest = iter(wanted)
    try:
        for span in wanted:
            while len(ahead) < _READ_AHEAD and (following := next(rest, None)) is not None:
                ahead.append(asyncio.create_task(deps.objects.get(following.key)))
            content = await ahead.popleft()
            yield content[span.first - span.start : span.last - span.start]
    finally:
        for task in ahead:
            task.cancel()


async def tail(deps: Deps, task_run_id: int, limit: int) -> tuple[str, bool]:
    """Return the last bytes of a log as text, and whether there was more before them."""
    held = await size(deps, task_run_id)
    wanted = await spans(deps, task_run_id, max(0, held - limit), None)
    content = b"".join([part async for part in read(deps, wanted)])
    return content.decode("utf-8", "replace"), held > limit
