"""Trino behind a warehouse: the query lives at Trino, and any worker can go on with it.

Where a query stands is written down before each page that is asked for, as long as no row has come:
what may write at once, a query after a second, for it can be run again. A query whose pages are out
of reach is killed before it is run again; what may write is looked for in the catalog.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]

from activities.config import WorkerConfig
from activities.sql.trino_client import Page, QueryGone, TrinoClient, literal
from activities.warehouses.base import Answer, Batch, Note, StatementFailed
from activities.warehouses.landed import count_answer, find_out
from activities.warehouses.reading import Reading
from activities.warehouses.trino_types import TrinoType, read_type
from spec.errors import EngineUnavailable
from spec.statements import Access, Parameter, ServiceError, StatementWork, scalar_type
from spec.warehouses import WarehouseConfig

_pa: Any = pa

_NOTE_AFTER_S = 1.0
_STARTING_S = 120.0
"""How long Trino may take to be ready; it has taken nothing until then."""
_SETTLE_S = 2.0
"""Within which a commit arrives whose query has just been killed."""
_TYPES = {
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INT": "integer",
    "BIGINT": "bigint",
    "FLOAT": "real",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp(6) with time zone",
    "TIMESTAMP_NTZ": "timestamp(6)",
    "STRING": "varchar",
}


class TrinoEngine:
    """See module."""

    dialect = "trino"

    def __init__(self, config: WorkerConfig, warehouse: WarehouseConfig) -> None:
        """See class."""
        if config.trino_url is None:
            raise EngineUnavailable("This worker has no Trino; start it with Trino's address")
        self.warehouse = warehouse
        self.http = httpx2.AsyncClient(timeout=httpx2.Timeout(60, connect=5), trust_env=False)
        self.trino = TrinoClient(self.http, config.trino_url)

    def execution(self, work: StatementWork, reading: Reading, note: Note) -> "TrinoExecution":
        """See `WarehouseEngine`."""
        return TrinoExecution(self, work, reading, note)

    async def close(self) -> None:
        """See `WarehouseEngine`."""
        await self.http.aclose()


class TrinoExecution:
    """See `Execution`."""

    def __init__(
        self, engine: TrinoEngine, work: StatementWork, reading: Reading, note: Note
    ) -> None:
        """See class."""
        self._engine = engine
        self._trino = engine.trino
        self._work = work
        self._reading = reading
        self._note = note
        self._next_uri: str | None = work.handle.get("next_uri")
        self.engine_query_id: str | None = work.handle.get("query_id")
        self._began = time.monotonic()
        self._has_rows = False
        """Some were taken: who does not have them cannot go on."""
        self._is_stopped = False
        self._is_left = False

    async def answer(self) -> Answer:
        """See `Execution`."""
        page = await self._resumed() if self._work.handle else None
        if isinstance(page, Answer):
            return page
        page = page or await self._submitted()
        while not page.columns and page.next_uri is not None:
            page = await self._next(page.next_uri)
        if not page.columns:
            return (
                count_answer(page.update_count)
                if page.update_count is not None
                else Answer((), _no_batches())
            )
        kinds = [read_type(kind) for _, kind in page.columns]
        names = [name for name, _ in page.columns]
        columns = tuple(kind.column(name) for name, kind in zip(names, kinds, strict=True))
        schema = _pa.schema([(n, kind.arrow) for n, kind in zip(names, kinds, strict=True)])
        return Answer(columns, self._batches(page, kinds, schema))

    async def stop(self) -> None:
        """See `Execution`."""
        self._is_stopped = True
        await self._kill_all()

    async def _kill_all(self) -> None:
        quiet = 0
        while quiet < 2:
            if self.engine_query_id is not None:
                await self._trino.kill(self.engine_query_id)
            found = await self._trino.find(self._source, self._label)
            running = [query for query in found if not query.has_ended]
            for query in running:
                await self._trino.kill(query.query_id)
            # Looked at twice: one that was just being submitted shows up late.
            quiet = 0 if running else quiet + 1
            if quiet < 2:
                await asyncio.sleep(0.1)

    async def leave(self) -> None:
        """See `Execution`: the query goes on without us."""
        self._is_left = True

    async def close(self) -> None:
        """See `Execution`."""
        if self._next_uri is not None and not self._is_left:
            await self._trino.close(self._next_uri)

    # Parts ---------------------------------------------------------------------------------

    async def _submitted(self) -> Page:
        if not self._reading.only_reads:
            await self._note({"sent": True}, None)
        until = time.monotonic() + _STARTING_S
        while True:
            page = await self._submit()
            is_starting = (page.error or {}).get("errorName") == "SERVER_STARTING_UP"
            if is_starting and self._is_left:
                # It has taken nothing: whoever comes next begins from the beginning.
                await self._note({}, None)
            is_told = self._is_stopped or self._is_left
            if not is_starting or time.monotonic() > until or is_told:
                return await self._taken(page)
            await asyncio.sleep(0.5)

    async def _submit(self) -> Page:
        access, warehouse = self._access, self._engine.warehouse
        return await self._trino.submit(
            f"{self._text()}\n/* {self._label} */",
            self._source,
            self._work.catalog or warehouse.catalog or access.catalog.name,
            access.catalog.token,
            schema=self._work.schema_name or warehouse.schema_name or "default",
            user=self._work.user_name,
            session={"query_max_memory": f"{warehouse.memory_mib}MB"},
        )

    async def _next(self, uri: str) -> Page:
        """Read the next page; until there are rows, its address is written down before."""
        if not self._has_rows:
            waited = time.monotonic() - self._began > _NOTE_AFTER_S
            if waited or not self._reading.only_reads:
                handle = {"next_uri": uri, "query_id": self.engine_query_id}
                await self._note(handle, self.engine_query_id)
        return await self._taken(await self._read(uri))

    async def _read(self, uri: str) -> Page:
        try:
            return await self._trino.read(uri)
        except QueryGone as error:
            raise EngineUnavailable("Trino does not know the query any more") from error

    async def _taken(self, page: Page) -> Page:
        self.engine_query_id = page.query_id
        self._next_uri = page.next_uri
        if self._is_left and not self._is_stopped:
            if page.next_uri is not None and not page.columns and not self._has_rows:
                # Nothing of this page is lost to whoever goes on behind it.
                handle = {"next_uri": page.next_uri, "query_id": page.query_id}
                await self._note(handle, page.query_id)
            raise EngineUnavailable("The process shuts down; another one goes on with the query.")
        if self._is_stopped:
            raise StatementFailed("The statement was stopped.", ServiceError.CANCELLED)
        if page.error is not None:
            raise _failure(page)
        return page

    async def _batches(
        self, page: Page, kinds: list[TrinoType], schema: Any
    ) -> AsyncIterator[Batch]:
        while True:
            if page.rows:
                self._has_rows = True
                columns = zip(*page.rows, strict=True)
                arrays = [k.array(values) for k, values in zip(kinds, columns, strict=True)]
                yield _pa.record_batch(arrays, schema=schema)
            if page.next_uri is None:
                return
            page = await self._next(page.next_uri)

    async def _resumed(self) -> Page | Answer | None:
        """Go on with what an earlier worker began; None when it is to be run again."""
        if self._next_uri is not None:
            try:
                return await self._taken(await self._trino.read(self._next_uri))
            except QueryGone:
                self._next_uri = None
        found = await self._trino.find(self._source, self._label)
        if any(not query.has_ended for query in found):
            await self._kill_all()
            await asyncio.sleep(0 if self._reading.only_reads else _SETTLE_S)
        if self._reading.is_repeatable:
            self.engine_query_id = None
            return None
        try:
            return await find_out(self._engine.http, self._access, self._reading, self._work)
        except StatementFailed:
            if any(query.state == "FINISHED" for query in found):
                return count_answer(None)
            raise

    @property
    def _access(self) -> Access:
        if self._reading.only_reads:
            return self._work.reader
        if self._work.writer is None:
            raise StatementFailed("A run's branch can only be read; this statement may write.")
        return self._work.writer

    @property
    def _label(self) -> str:
        return f"openlake statement {self._work.statement_id}"

    @property
    def _source(self) -> str:
        """Trino keeps catalog sessions, with their token, by user and source.

        Queries of a user share one, which is quick; what may write has one of its own.
        """
        if not self._reading.only_reads:
            return f"openlake-statement-{self._work.statement_id}"
        token = self._work.reader.catalog.token.encode()
        return f"openlake-reader-{hashlib.sha256(token).hexdigest()[:16]}"

    def _text(self) -> str:
        statement, parameters = self._reading.statement, self._reading.parameters
        if not statement.names:
            return statement.text
        using = ", ".join(_cast(parameters[name]) for name in statement.names)
        return f"EXECUTE IMMEDIATE {literal(statement.bound(lambda name: '?'))} USING {using}"


async def _no_batches() -> AsyncIterator[Batch]:
    return
    yield


def _cast(parameter: Parameter) -> str:
    kind = scalar_type(parameter.type)
    if kind.name == "VOID":
        return "NULL"
    name = _TYPES.get(kind.name) or f"decimal({kind.precision},{kind.scale})"
    value = "NULL" if parameter.value is None else literal(parameter.value)
    return f"CAST({value} AS {name})"


def _failure(page: Page) -> StatementFailed:
    error = page.error or {}
    message = f"{error.get('errorName')}: {error.get('message')}"
    code = ServiceError.BAD_REQUEST
    if error.get("errorType") == "INSUFFICIENT_RESOURCES":
        code = ServiceError.RESOURCE_EXHAUSTED
    elif error.get("errorType") == "INTERNAL_ERROR":
        code = ServiceError.INTERNAL_ERROR
    return StatementFailed(message, code)
