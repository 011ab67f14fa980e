"""Brings warehouses to what people want of them; nothing else starts or stops their processes."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.audit import store as audit
from control.auth import Caller
from control.db import Database
from control.hub import Hub
from control.hub import wait as wait_for
from control.warehouses import store
from control.warehouses.host import CannotStart, WarehouseHost
from control.warehouses.load import Key, loads
from control.warehouses.service import CHANGED, config_of
from control.warehouses.tables import Warehouse
from spec.errors import OpenLakeError, Unavailable
from spec.tasks import Engine
from spec.warehouses import (
    Clusters,
    Decision,
    HealthStatus,
    Load,
    Standing,
    Wanted,
    WarehouseConfig,
    WarehouseState,
    decide,
)

_IN_TRANSIT_S = 0.25
_AWAKE_S = 1.0
_ASLEEP_S = 15.0
_LONGEST_PAUSE_S = 8.0

_LENT_FOR = timedelta(minutes=10)
"""A job's attempt has its engine's server for so long; afterwards it stays while it is used."""

_MOVING = (WarehouseState.STARTING, WarehouseState.STOPPING, WarehouseState.DELETING)
_KEEPER = "openlake"
"""Whose name stands in the audit log where a warehouse was stopped by itself."""

log = structlog.get_logger(__name__)


@dataclass
class _Trial:
    """How starting a warehouse has gone so far."""

    tries: int = 0
    not_before: float = 0.0
    """Monotonic; a process that ends at once is not started again at once."""
    reason: str = ""
    """Why the last one failed, if the host said so."""

    def again(self, reason: str) -> None:
        """Count a try that no process has become ready from yet."""
        self.tries, self.reason = self.tries + 1, reason
        self.not_before = time.monotonic() + min(0.5 * 2**self.tries, _LONGEST_PAUSE_S)


class Keeper:
    """Looks at every warehouse that is awake, and acts by `spec.warehouses.decide`.

    Several keepers may run: at one moment one of them acts. All they know is in the database and at
    the host, so that one may die at any time; the next one counts failed starts from zero.
    """

    def __init__(self, database: Database, host: WarehouseHost) -> None:
        """See class."""
        self._database = database
        self._host = host
        self._trials: dict[Key, _Trial] = defaultdict(_Trial)

    async def keep(self, wakes: Hub) -> None:
        """Look again whenever something changed, and every second while a warehouse runs."""
        async with wakes.follow(CHANGED) as wake:
            while True:
                try:
                    pause = await self.look()
                except (SQLAlchemyError, OSError, OpenLakeError) as error:
                    log.warning("warehouses.put_off", error=str(error))
                    pause = _AWAKE_S
                await wait_for(wake, pause)

    async def look(self) -> float:
        """Look once at all warehouses; return after how many seconds to look again."""
        async with self._database.session() as session:
            if not await store.keep_alone(session):
                return _AWAKE_S
            rows = await store.awake(session)
            busy = await loads(session)
            # What happens below is written by transactions of its own.
            session.expunge_all()
            states = [
                await self._tend(row, busy.get((row.workspace_id, row.warehouse_id), Load()))
                for row in rows
            ]
            engines = {
                Engine(row.engine)
                for row, state in zip(rows, states, strict=True)
                if state in (WarehouseState.STARTING, WarehouseState.RUNNING)
            }
            engines |= await store.lent(session, datetime.now(UTC) - _LENT_FOR)
            await self._host.settle(engines)
        return _pause(states)

    async def _tend(self, row: Warehouse, load: Load) -> WarehouseState:
        """Look after one warehouse; whatever is wrong with it, the others are tended."""
        try:
            return await self._bring(row, load)
        except CannotStart as error:
            await self._give_up(row, error.message)
            return WarehouseState.STOPPING
        except Unavailable as error:
            log.warning("warehouse.unseen", warehouse_id=row.warehouse_id, error=error.message)
        return WarehouseState(row.state)

    async def _bring(self, row: Warehouse, load: Load) -> WarehouseState:
        key, config = (row.workspace_id, row.warehouse_id), config_of(row)
        clusters = await self._host.look(config)
        if clusters.ready:
            self._trials.pop(key, None)
        trial = self._trials[key]
        decision = decide(_standing(row, trial), clusters, load, datetime.now(UTC))
        if decision.is_hopeless:
            await self._give_up(row, clusters.last_words or trial.reason)
            return WarehouseState.STOPPING
        if decision.is_idle and not await self._put_to_rest(row):
            return WarehouseState(row.state)
        if not decision.clusters or time.monotonic() >= trial.not_before or clusters.ready:
            await self._scale(config, decision.clusters, trial, is_well=bool(clusters.ready))
        if not decision.clusters:
            self._trials.pop(key, None)
        await self._note(row, clusters, decision)
        return decision.state

    async def _scale(
        self, config: WarehouseConfig, count: int, trial: _Trial, *, is_well: bool
    ) -> None:
        try:
            started = await self._host.scale(config, count)
        except Unavailable as error:
            trial.again(error.message)
            log.warning("warehouse.not_started", queue=config.queue, error=error.message)
            return
        if started:
            log.info("warehouse.processes_started", queue=config.queue, count=started)
        if started and not is_well:
            trial.again("")

    async def _note(self, row: Warehouse, clusters: Clusters, decision: Decision) -> None:
        health, summary = HealthStatus.HEALTHY, ""
        if clusters.last_words and decision.clusters:
            health = HealthStatus.DEGRADED
            summary = f"A process ended and is started anew; {clusters.last_words}"
        elif row.health == HealthStatus.DEGRADED and not clusters.ready and decision.clusters:
            health, summary = HealthStatus.DEGRADED, row.health_summary
        elif row.health == HealthStatus.FAILED:
            health, summary = HealthStatus.FAILED, row.health_summary
        async with self._database.session() as session:
            await store.note(
                session, row, decision.state, clusters.ready, health=health, summary=summary
            )

    async def _put_to_rest(self, row: Warehouse) -> bool:
        """Stop an idle warehouse, unless a statement has just come; see `service.wake`."""
        async with self._database.session() as session:
            if not await store.try_alone(session, row):
                return False
            key = (row.workspace_id, row.warehouse_id)
            if (await loads(session, key)).get(key, Load()).open:
                return False
            if not await store.rest(session, row):
                return False
            _audit(session, row, f"idle for {timedelta(minutes=row.auto_stop_mins)}")
        log.info("warehouse.idle", warehouse_id=row.warehouse_id)
        row.wanted = Wanted.STOPPED.value
        return True

    async def _give_up(self, row: Warehouse, why: str) -> None:
        """Stop a warehouse that cannot run, and say why where people look."""
        self._trials.pop((row.workspace_id, row.warehouse_id), None)
        with_reason = why or "its processes end as soon as they are started"
        async with self._database.session() as session:
            if await store.fail(session, row, with_reason):
                _audit(session, row, with_reason)
                # Its statements are to end.
                await hub.notify(session, CHANGED)


def _standing(row: Warehouse, trial: _Trial) -> Standing:
    return Standing(
        wanted=Wanted(row.wanted),
        min_clusters=row.min_clusters,
        max_clusters=row.max_clusters,
        auto_stop=timedelta(minutes=row.auto_stop_mins),
        last_activity_at=row.last_activity_at,
        tries=trial.tries,
    )


def _pause(states: Sequence[WarehouseState]) -> float:
    if any(state in _MOVING for state in states):
        return _IN_TRANSIT_S
    return _AWAKE_S if states else _ASLEEP_S


def _audit(session: AsyncSession, row: Warehouse, reason: str) -> None:
    keeper = Caller.acting_for(row.workspace_id, _KEEPER)
    audit.record(session, keeper, "warehouse.stopped", "warehouse", row.warehouse_id, reason=reason)
