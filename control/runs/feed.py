"""Tells who follows a workspace which of its runs have changed, and how they stand now.

One reader a process, however many follow: it hears of a change, reads the runs that have changed in
one query, and hands them out by workspace. It works only while somebody follows.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from control.db import Database
from control.hub import RUNS, Hub, Watch
from control.runs.tables import Run
from spec.events import RunResult
from spec.states import RunLife, run_word

_GATHER_S = 0.1
"""Changes within so short a time are read together."""
_AGAIN_S = 1.0
_MOST = 10_000
"""Changes that are kept for one follower who does not take them."""

log = structlog.get_logger(__name__)


class Change(NamedTuple):
    """How a run stands that has changed."""

    run_id: int
    job_id: int
    state: str


@dataclass(eq=False)
class Follower:
    """What one follower has still to take."""

    changes: dict[int, Change] = field(default_factory=dict[int, Change])
    """Run → how it stands now."""
    missed: bool = False
    """Changes may be missing: look at everything."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, within_s: float) -> tuple[list[Change], bool]:
        """Wait for something, at most so long; return the changes and whether some are missing."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), within_s)
        self.wake.clear()
        taken = list(self.changes.values()), self.missed
        self.changes, self.missed = {}, False
        return taken

    def tell(self, changes: Collection[Change], *, missed: bool) -> None:
        """Keep changes until they are taken."""
        self.changes |= {change.run_id: change for change in changes}
        if len(self.changes) > _MOST:
            self.changes, missed = {}, True
        self.missed = self.missed or missed
        self.wake.set()


class RunFeed:
    """Hands out what changes with runs in this process."""

    def __init__(self, hub: Hub, database: Database) -> None:
        """See class."""
        self._hub, self._database = hub, database
        self._followers: defaultdict[int, set[Follower]] = defaultdict(set)
        self._reader: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @asynccontextmanager
    async def follow(self, workspace_id: int) -> AsyncGenerator[Follower]:
        """Yield what changes with the runs of a workspace from now on."""
        follower = Follower()
        self._followers[workspace_id].add(follower)
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_for_ever())
        try:
            await self._listening.wait()
            yield follower
        finally:
            self._followers[workspace_id].discard(follower)
            if not self._followers[workspace_id]:
                del self._followers[workspace_id]
            if not self._followers:
                self._stop()

    def _stop(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
        self._reader, self._listening = None, asyncio.Event()

    async def _read_for_ever(self) -> None:
        async with self._hub.watch(RUNS) as watch:
            self._listening.set()
            while True:
                await watch.wake.wait()
                await asyncio.sleep(_GATHER_S)
                try:
                    await self._read(watch)
                except (SQLAlchemyError, OSError) as error:
                    log.warning("feed.unread", error=str(error).splitlines()[0])
                    watch.missed = True
                    await asyncio.sleep(_AGAIN_S)
                    watch.wake.set()

    async def _read(self, watch: Watch) -> None:
        topics, missed = watch.take()
        changes = await self._changes({int(topic) for topic in topics if topic.isdigit()})
        for workspace_id, followers in self._followers.items():
            mine = changes.get(workspace_id, [])
            for follower in followers if mine or missed else ():
                follower.tell(mine, missed=missed)

    async def _changes(self, run_ids: Collection[int]) -> dict[int, list[Change]]:
        found: defaultdict[int, list[Change]] = defaultdict(list)
        if not run_ids:
            return found
        query = select(
            col(Run.workspace_id), col(Run.run_id), col(Run.job_id), col(Run.life), col(Run.result)
        ).where(col(Run.run_id).in_(run_ids), col(Run.workspace_id).in_(list(self._followers)))
        async with self._database.read_session() as session:
            rows = await (await session.connection()).execute(query)
            for workspace_id, run_id, job_id, life, result in rows:
                word = run_word(RunLife(life), None if result is None else RunResult(result))
                found[workspace_id].append(Change(run_id, job_id, word))
        return found
