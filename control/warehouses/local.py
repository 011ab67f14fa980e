"""Warehouses on this machine: processes of the local stack, and the Trino server behind them."""

import asyncio
import os
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import httpx2
import structlog

from control.stack import process
from control.stack.busy import busy_port, is_free
from control.stack.identity import Record
from control.stack.install import missing_tools
from control.stack.layout import Layout
from control.stack.logs import tail
from control.stack.part import Part, Unhealthy
from control.stack.trino import Trino
from control.stack.warehouses import WarehouseProcess, warehouse_processes
from control.warehouses.host import CannotStart
from spec.errors import Unavailable
from spec.tasks import Engine
from spec.warehouses import Clusters, WarehouseConfig

_TRINO_RESTS_S = 30.0
"""Trino is stopped when nothing has run on it for so long: jobs use it too, by one statement after
the other."""

log = structlog.get_logger(__name__)


class LocalHost:
    """See `WarehouseHost`.

    What it started is found again by the record that each process leaves, as all parts of the stack
    do, so that it may itself be started anew at any time.
    """

    def __init__(self, layout: Layout) -> None:
        """See class."""
        self._layout = layout
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._children: set[int] = set()
        self._trino_rests_since: float | None = None

    async def look(self, warehouse: WarehouseConfig) -> Clusters:
        """See base class."""
        return await asyncio.to_thread(self._look, warehouse)

    def _look(self, warehouse: WarehouseConfig) -> Clusters:
        self._reap()
        alive, ready, last_words = 0, 0, ""
        for each in warehouse_processes(self._layout, warehouse):
            record = _living(each)
            if record is None:
                last_words = _last_words(each)
                continue
            alive += 1
            is_current = each.name not in self._ending and not _is_stale(each, record)
            ready += is_current and _is_well(each)
        if alive and warehouse.engine is Engine.TRINO:
            trino = Trino(self._layout)
            if _living(trino) is None:
                return Clusters(0, 0, _last_words(trino))
            ready = ready if _is_well(trino) else 0
        return Clusters(alive, ready, last_words)

    async def scale(self, warehouse: WarehouseConfig, count: int) -> int:
        """See base class."""
        if count and warehouse.engine is Engine.TRINO:
            await asyncio.to_thread(self._start_trino)
        started = 0
        for each in warehouse_processes(self._layout, warehouse):
            record = _living(each)
            if record and (each.number > count or _is_stale(each, record)):
                self._end(each, record)
            elif record is None and each.name not in self._ending:
                await asyncio.to_thread(_clear, each)
        for number in range(1, count + 1):
            part = WarehouseProcess(self._layout, warehouse.place, number, warehouse)
            if not part.record.exists() and part.name not in self._ending:
                await asyncio.to_thread(self._start, part)
                started += 1
        return started

    async def settle(self, engines: Collection[Engine]) -> None:
        """See base class. A Trino that `openlake up --profile full` started is `up`'s to mend."""
        trino = Trino(self._layout)
        record, is_ours = _living(trino), trino.lent.exists() or not trino.record.exists()
        if not is_ours or trino.name in self._ending:
            return
        if record is None:
            if Engine.TRINO in engines:
                await self._try_trino()
            return
        if Engine.TRINO in engines or await self._is_used(trino):
            self._trino_rests_since = None
            return
        now = time.monotonic()
        self._trino_rests_since = self._trino_rests_since or now
        if now - self._trino_rests_since >= _TRINO_RESTS_S:
            log.info("trino.stopping")
            self._end(trino, record)

    # Parts ---------------------------------------------------------------------------------

    def _start(self, part: Part) -> None:
        self._children.add(process.start(part).identity.pid)

    def _reap(self) -> None:
        """Take leave of the dead among those that this very process has started."""
        for pid in list(self._children):
            try:
                ended = os.waitpid(pid, os.WNOHANG)[0] == pid
            except ChildProcessError:
                ended = True
            if ended:
                self._children.discard(pid)

    def _end(self, part: Part, record: Record) -> None:
        """Begin to end a process; it may take as long as its grace."""
        if part.name in self._ending:
            return

        async def end() -> None:
            try:
                await asyncio.to_thread(process.stop, part, record, lambda _: None)
            finally:
                del self._ending[part.name]

        self._ending[part.name] = asyncio.create_task(end())

    async def _try_trino(self) -> None:
        try:
            await asyncio.to_thread(self._start_trino)
        except (CannotStart, Unavailable) as error:
            log.warning("trino.not_started", error=error.message)

    def _start_trino(self) -> None:
        trino = Trino(self._layout)
        if _living(trino):
            return
        if missing := missing_tools(self._layout, trino.tools):
            raise CannotStart(
                f"Trino is not installed here; run `openlake install {' '.join(missing)}`, then"
                " start the warehouse again"
            )
        _clear(trino)
        if not is_free(trino.port()):
            raise CannotStart(busy_port(trino.port(), trino.ports[0], trino.title).message)
        log.info("trino.starting")
        trino.lent.touch()
        self._start(trino)

    async def _is_used(self, trino: Trino) -> bool:
        """Ask Trino itself, for jobs' statements are no warehouse's."""
        with suppress(httpx2.HTTPError, ValueError):
            async with httpx2.AsyncClient(timeout=2, trust_env=False) as http:
                user = {"X-Trino-User": "openlake"}
                answer = await http.get(f"{trino.address}/v1/query", headers=user)
                queries: list[dict[str, Any]] = answer.json()
                return any(query["state"] not in ("FINISHED", "FAILED") for query in queries)
        return True


def _living(part: Part) -> Record | None:
    record = Record.read(part.record)
    return record if record and record.identity.alive() else None


def _is_stale(part: Part, record: Record) -> bool:
    return record.fingerprint != part.command().fingerprint(part.version())


def _is_well(part: Part) -> bool:
    try:
        part.check()
    except Unhealthy:
        return False
    return True


def _clear(part: Part) -> None:
    """End what a dead process left behind, and forget it."""
    if record := Record.read(part.record):
        process.kill(part, record)
    part.record.unlink(missing_ok=True)


def _last_words(part: Part) -> str:
    lines = [line for line in tail(part.log, 5) if line.strip()]
    return f"{part.log} ends with: {lines[-1][:300]}" if lines else f"{part.log} is empty"
