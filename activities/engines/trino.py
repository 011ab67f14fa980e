"""Trino: scripts run statement by statement; any worker can go on with what another began.

Where a script stands is written into the attempt's folder before each step, and travels in the
handle. A worker that finds the address of its query's next page outdated asks Trino by the
attempt's key; a query that may still run is killed, and the catalog gateway tells whether it landed
(it stamps every snapshot with its task run, and Trino with the query; an index keeps both). Only
what surely did not land is sent again.
"""

import time
from datetime import UTC, datetime

import httpx2

from activities import faults
from activities.config import WorkerConfig
from activities.engines.base import Feeds, Handle, Progress
from activities.engines.local import FileLog
from activities.faults import Point
from activities.folder import AttemptFolder
from activities.sql.gateway_tables import GatewayTables
from activities.sql.trino_client import TrinoClient, kill_all
from activities.sql.trino_script import Place, Script, program_of, script_of
from spec.attempts import AttemptOutcome, AttemptOutput, AttemptResult, AttemptWork
from spec.errors import EngineUnavailable

_POLL_S = 1.0
_STATE = "trino.json"


class TrinoEngine:
    """See module."""

    is_local = False

    def __init__(self, config: WorkerConfig) -> None:
        """See `registry.load`."""
        if config.trino_url is None:
            raise EngineUnavailable("This worker has no Trino; start it with Trino's address")
        self._config = config
        self._http = httpx2.AsyncClient(timeout=httpx2.Timeout(60, connect=5), trust_env=False)
        self._trino = TrinoClient(self._http, config.trino_url)

    async def find(self, key: str, work: AttemptWork | None = None) -> Handle | None:
        """See `EngineAdapter`; work begun on other hosts is found when it is submitted again."""
        place = self._read(self._folder(key))
        return None if place is None else _handle(key, place)

    async def submit(self, work: AttemptWork, key: str) -> Handle:
        """See `EngineAdapter`."""
        script_of(work).check(program_of(work).parameters)
        folder = self._folder(key)
        folder.make()
        place = self._read(folder)
        if place is None:
            # Another host opened the attempt: it may have sent the first statement already.
            elsewhere = work.host not in (None, self._config.host)
            place = Place(lent=0 if elsewhere else None, began_at=datetime.now(UTC))
            self._write(folder, place)
        return _handle(key, place)

    async def poll(self, handle: Handle, work: AttemptWork) -> Progress:
        """See `EngineAdapter`."""
        folder, place = self._resume(handle)
        script = Script(self._trino, GatewayTables(self._http, work.catalog), work, folder)
        until = time.monotonic() + _POLL_S
        while place.ended_at is None and time.monotonic() < until:
            if script.is_at_end(place):
                place = script.finish(place)
            elif place.may_be_sent:
                place = await script.advance(place)
            else:
                faults.reach(Point.BEFORE_INTENT, work.ref.task_key)
                place = script.intend(place)
                self._write(folder, place)
                faults.reach(Point.AFTER_INTENT, work.ref.task_key)
                place = await script.send(place)
                faults.reach(Point.AFTER_SUBMIT, work.ref.task_key)
            self._write(folder, place)
        return Progress(done=place.ended_at is not None, handle=_handle(handle.key, place))

    async def cancel(self, handle: Handle) -> None:
        """See `EngineAdapter`."""
        folder, place = self._resume(handle)
        if place.ended_at is not None:
            return
        if place.next_uri is not None:
            await self._trino.close(place.next_uri)
        await kill_all(self._trino, handle.key)
        self._write(folder, place.ended(canceled=True))

    async def collect(
        self, handle: Handle, work: AttemptWork
    ) -> tuple[AttemptOutcome, AttemptOutput]:
        """See `EngineAdapter`."""
        _, place = self._resume(handle)
        result, code, message = AttemptResult.SUCCESS, "SUCCESS", ""
        if place.error is not None:
            result, code, message = AttemptResult.FAILED, "RUN_EXECUTION_ERROR", place.error
        elif place.canceled:
            result, code, message = AttemptResult.CANCELED, "CANCELED", "The attempt was cancelled."
        elif place.lost is not None or place.ended_at is None:
            message = place.lost or "Its worker has lost sight of it."
            result, code = AttemptResult.LOST, "DRIVER_ERROR"
        outcome = AttemptOutcome(
            result=result,
            code=code,
            message=message[:1000],
            started_at=place.began_at,
            ended_at=place.ended_at,
        )
        return outcome, AttemptOutput(error=place.error, error_trace=place.trace, sql=place.sql)

    def feeds(self, handle: Handle) -> Feeds:
        """See `EngineAdapter`."""
        folder = self._folder(handle.key)
        return Feeds(FileLog(folder.log), folder.lineage)

    async def close(self) -> None:
        """See `EngineAdapter`."""
        await self._http.aclose()

    def _folder(self, key: str) -> AttemptFolder:
        return AttemptFolder(self._config.folder / key, key)

    def _resume(self, handle: Handle) -> tuple[AttemptFolder, Place]:
        """Take what this host wrote down, or else what the handle brought from another."""
        folder = self._folder(handle.key)
        folder.make()
        there = Place.model_validate_json(handle.state["place"])
        here = self._read(folder)
        if here is None or here.index < there.index:
            # It lags behind what was done there: a page's address is likely outdated, and the
            # statement may have been sent though it does not say so.
            return folder, there.moved(lent=there.index)
        return folder, here

    def _read(self, folder: AttemptFolder) -> Place | None:
        content = folder.read_json(_STATE)
        return None if content is None else Place.model_validate(content)

    def _write(self, folder: AttemptFolder, place: Place) -> None:
        folder.write(_STATE, place.model_dump_json())


def _handle(key: str, place: Place) -> Handle:
    slim = place.moved(sql=None, trace=None)
    return Handle(key=key, state={"place": slim.model_dump_json(exclude_defaults=True)})
