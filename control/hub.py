"""Wakes those who follow a run or a log when the database says that something happened.

One connection a process listens to PostgreSQL's NOTIFY. A wake-up says only "look again": what
happened is always read from the tables, so a missed or doubled one does no harm.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import structlog
from sqlalchemy import make_url
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

CHANNEL = "openlake"
OUTBOX = "outbox"

log = structlog.get_logger(__name__)


RUNS = "run:"
"""How the topics of runs begin."""


def run_topic(run_id: int) -> str:
    """Name what changes with a run's state."""
    return f"{RUNS}{run_id}"


def log_topic(task_run_id: int) -> str:
    """Name what changes with an attempt's log."""
    return f"log:{task_run_id}"


async def notify(session: AsyncSession, topic: str) -> None:
    """Wake the followers of a topic, in every process, when the session commits."""
    await session.exec(select(func.pg_notify(CHANNEL, topic)))


@dataclass(eq=False)
class Watch:
    """What somebody hears who follows every topic that begins in some way."""

    prefix: str
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is something to take."""
    topics: set[str] = field(default_factory=set[str])
    """What was notified since they were taken last, without the prefix."""
    missed: bool = False
    """Something may have been notified that nobody heard: look at everything."""

    def take(self) -> tuple[set[str], bool]:
        """Return the topics and whether some were missed, and begin anew."""
        taken = self.topics, self.missed
        self.topics, self.missed = set(), False
        self.wake.clear()
        return taken


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
        self._watches: list[Watch] = []
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

    @asynccontextmanager
    async def watch(self, prefix: str) -> AsyncGenerator[Watch]:
        """Yield what is told of every topic that begins so."""
        watch = Watch(prefix)
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.remove(watch)

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
        self.wake_here(topic)
        for watch in self._watches:
            if topic.startswith(watch.prefix):
                watch.topics.add(topic.removeprefix(watch.prefix))
                watch.wake.set()

    def wake_here(self, topic: str) -> None:
        """Wake the followers of a topic in this process alone, and at once."""
        for event in self._waiting.get(topic, ()):
            event.set()

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()
        for watch in self._watches:
            watch.missed = True
            watch.wake.set()


async def wait(event: asyncio.Event, timeout_s: float) -> bool:
    """Wait for a wake-up and take it; False when none came in time."""
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return False
    event.clear()
    return True
