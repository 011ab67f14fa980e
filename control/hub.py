"""Wakes those who follow a run or a log when the database says that something happened.

One connection a process listens to PostgreSQL's NOTIFY. A wake-up says only "look again": what
happened is always read from the tables, so a missed or doubled one does no harm.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import structlog
from sqlalchemy import make_url
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

CHANNEL = "openlake"
OUTBOX = "outbox"

log = structlog.get_logger(__name__)


def run_topic(run_id: int) -> str:
    """Name what changes with a run's state."""
    return f"run:{run_id}"


def log_topic(task_run_id: int) -> str:
    """Name what changes with an attempt's log."""
    return f"log:{task_run_id}"


async def notify(session: AsyncSession, topic: str) -> None:
    """Wake the followers of a topic, in every process, when the session commits."""
    await session.exec(select(func.pg_notify(CHANNEL, topic)))


class Hub:
    """Hands wake-ups to whoever waits in this process."""

    def __init__(self, url: str, reconnect_s: float = 1.0) -> None:
        """See class.

        Args:
            url: The database's; any driver in it is ignored.
            reconnect_s: Pause before a lost connection is made again.
        """
        self._dsn = make_url(url).set(drivername="postgresql").render_as_string(False)
        self._reconnect_s = reconnect_s
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen, in the background."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen_for_ever())

    async def stop(self) -> None:
        """Stop listening and wake everybody."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._wake_all()

    @asynccontextmanager
    async def follow(self, *topics: str) -> AsyncGenerator[asyncio.Event]:
        """Yield an event that is set when one of the topics is notified; clear it, then look."""
        event = asyncio.Event()
        for topic in topics:
            self._waiting[topic].add(event)
        try:
            yield event
        finally:
            for topic in topics:
                self._waiting[topic].discard(event)
                if not self._waiting[topic]:
                    del self._waiting[topic]

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("hub.reconnect", error=str(error))
            # What was notified meanwhile is lost: let everybody look.
            self._wake_all()
            await asyncio.sleep(self._reconnect_s)

    async def _listen(self) -> None:
        driver: Any = asyncpg
        connection: Any = await driver.connect(self._dsn)
        lost = asyncio.Event()
        try:

            def gone(_connection: Any) -> None:
                lost.set()

            connection.add_termination_listener(gone)
            await connection.add_listener(CHANNEL, self._heard)
            self._wake_all()
            await lost.wait()
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=2)

    def _heard(self, _connection: Any, _pid: int, _channel: str, topic: str) -> None:
        for event in self._waiting.get(topic, ()):
            event.set()

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()


async def wait(event: asyncio.Event, timeout_s: float) -> bool:
    """Wait for a wake-up and take it; False when none came in time."""
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return False
    event.clear()
    return True
