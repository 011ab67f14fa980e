"""DuckDB behind a warehouse: in the worker's own process, one instance a person for queries.

A query runs on a kept instance of its user, which has attached the lakehouse with a token that can
only read; what may write has an instance of its own, whose token names the statement. Neither
reaches local files or other servers. A query ends with its worker, and is simply run again; what
may write is looked for in the catalog.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import httpx2
import psutil
import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]
import structlog
from sqlglot import exp

from activities.sql.duckdb_catalog import Lakehouse
from activities.warehouses.base import Answer, Batch, Note, StatementFailed
from activities.warehouses.landed import find_out
from activities.warehouses.reading import Reading
from activities.warehouses.types import column_of
from spec.errors import EngineRejected
from spec.statements import Access, Column, Parameter, ServiceError, StatementWork, scalar_type
from spec.warehouses import WarehouseConfig

T = TypeVar("T")

log = structlog.get_logger(__name__)

_pa: Any = pa
_NULL = _pa.null()

_ROWS_A_BATCH = 8192
_MOST_INSTANCES = 8
_IDLE_S = 600.0
_CATALOG_PATIENCE_S = 20.0
"""How long a statement waits for a catalog that is away."""
_ATTACH_AGAIN_S = 0.5
_SPILL = "spill-"
_MOST_SESSIONS = 10
"""Kept of one instance; more are opened when they are needed at once."""
_REFUSED = (exp.Attach, exp.Detach, exp.Set, exp.Use, exp.Pragma)
_TYPES = {
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    "INT": "INTEGER",
    "BIGINT": "BIGINT",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMPTZ",
    "TIMESTAMP_NTZ": "TIMESTAMP",
    "STRING": "VARCHAR",
}


@dataclass
class _Instance:
    """One DuckDB with the lakehouse attached by one token."""

    lakehouse: Lakehouse
    spill: Path
    sessions: dict[tuple[str | None, str | None], list[Lakehouse]] = field(
        default_factory=dict[tuple[str | None, str | None], list[Lakehouse]]
    )
    """Those that are free, by the place they have entered."""
    in_use: int = 0
    last_used: float = 0.0

    def close(self) -> None:
        for sessions in self.sessions.values():
            for session in sessions:
                session.close()
        self.lakehouse.close()
        shutil.rmtree(self.spill, ignore_errors=True)


class DuckdbEngine:
    """See module."""

    dialect = "duckdb"

    def __init__(self, warehouse: WarehouseConfig, folder: Path, threads: Executor) -> None:
        """See class.

        Args:
            warehouse: Its memory and threads bound each instance.
            folder: For what does not fit into memory.
            threads: Where DuckDB's calls block.
        """
        self.warehouse = warehouse
        self._folder = folder
        self._threads = threads
        self._instances: dict[str, _Instance] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._sweep()
        self.http = httpx2.AsyncClient(timeout=30, trust_env=False)

    def _sweep(self) -> None:
        """Remove what processes have left that were killed."""
        for spill in self._folder.glob(f"{_SPILL}*"):
            pid = spill.name.removeprefix(_SPILL).partition("-")[0]
            if pid.isdecimal() and not psutil.pid_exists(int(pid)):
                shutil.rmtree(spill, ignore_errors=True)

    def execution(self, work: StatementWork, reading: Reading, note: Note) -> "DuckdbExecution":
        """See `WarehouseEngine`."""
        return DuckdbExecution(self, work, reading, note)

    async def close(self) -> None:
        """See `WarehouseEngine`."""
        await self.http.aclose()
        for instance in self._instances.values():
            instance.close()
        self._instances.clear()

    async def blocking(self, call: Callable[[], T]) -> T:
        """Make a call that blocks."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def open(self, access: Access) -> _Instance:
        """Open an instance."""
        return await self.blocking(lambda: self._open(access))

    def _open(self, access: Access) -> _Instance:
        self._folder.mkdir(parents=True, exist_ok=True)
        lakehouse = Lakehouse(
            access.catalog.model_dump(),
            access.storage.model_dump(),
            memory=f"{self.warehouse.memory_mib}MiB",
            threads=self.warehouse.threads,
        )
        spill = Path(tempfile.mkdtemp(prefix=f"{_SPILL}{os.getpid()}-", dir=self._folder))
        lakehouse.confine(str(spill), [f"s3://{access.catalog.warehouse}/"])
        return _Instance(lakehouse, spill)

    async def kept(self, access: Access) -> _Instance:
        """Return the instance that is kept for this access, and count it as in use."""
        key = access.catalog.token
        async with self._opening.setdefault(key, asyncio.Lock()):
            instance = self._instances.get(key)
            if instance is None:
                instance = self._instances[key] = await self.open(access)
            instance.in_use += 1
            instance.last_used = time.monotonic()
        await self._let_go()
        return instance

    async def _let_go(self) -> None:
        """Close instances that nobody uses: idle ones, and the oldest of too many."""
        now = time.monotonic()
        free = sorted(
            (each.last_used, key) for key, each in self._instances.items() if not each.in_use
        )
        surplus = len(self._instances) - _MOST_INSTANCES
        old = [
            self._instances.pop(key)
            for number, (last_used, key) in enumerate(free)
            if number < surplus or now - last_used > _IDLE_S
        ]
        for _, key in free:
            if key not in self._instances:
                self._opening.pop(key, None)
        # Nobody finds them any more when the first one is waited for.
        for each in old:
            await self.blocking(each.close)


class DuckdbExecution:
    """See `Execution`."""

    engine_query_id: str | None = None

    def __init__(
        self, engine: DuckdbEngine, work: StatementWork, reading: Reading, note: Note
    ) -> None:
        """See class."""
        self._engine = engine
        self._work = work
        self._reading = reading
        self._note = note
        self._instance: _Instance | None = None
        self._session: Lakehouse | None = None
        self._may_be_kept = False
        self._is_stopped = False
        self._calls: set[asyncio.Future[Any]] = set()

    async def answer(self) -> Answer:
        """See `Execution`."""
        if not self._reading.only_reads:
            self._check_form()
            if self._work.handle.get("sent") and not self._reading.is_repeatable:
                return await find_out(self._engine.http, self._writer, self._reading, self._work)
        try:
            self._session = await self._enter()
            if not self._reading.only_reads:
                await self._note({"sent": True}, None)
            session, text, values = self._session, self._text(), self._values()
            columns, reader = await self._call(lambda: self._run(session, text, values))
        except (duckdb.Error, EngineRejected) as error:
            raise _failure(error) from error
        # What was written is written: nothing that comes now makes its answer another one.
        batches = self._batches(reader) if self._reading.only_reads else _all_of(reader)
        return Answer(columns, batches)

    def _run(
        self, session: Lakehouse, text: str, values: dict[str, Any]
    ) -> tuple[tuple[Column, ...], Any]:
        result: Any = session.execute(text, values)
        kinds = [str(each[1]) for each in result.description or ()]
        if self._reading.only_reads:
            reader = result.fetch_record_batch(_ROWS_A_BATCH)
        else:
            # Its transaction ends with its rows, of which there are few: read all of them.
            reader = result.fetch_arrow_table().to_reader()
        # Arrow has no word for it: an untyped NULL arrives as an integer.
        types = [_NULL if kind == '"NULL"' else None for kind in kinds]
        columns = (
            column_of(each.name, of or each.type)
            for each, of in zip(reader.schema, types, strict=True)
        )
        return tuple(columns), reader

    async def stop(self) -> None:
        """See `Execution`."""
        self._is_stopped = True
        while self._calls:
            if self._session is not None:
                self._session.interrupt()
            await asyncio.wait(self._calls, timeout=0.05)

    async def leave(self) -> None:
        """See `Execution`."""
        await self.stop()

    async def close(self) -> None:
        """See `Execution`."""
        await self.stop()
        session, self._session = self._session, None
        instance, self._instance = self._instance, None
        if instance is None:
            return
        if not self._reading.only_reads:
            await self._engine.blocking(instance.close)
            return
        instance.in_use -= 1
        free = instance.sessions.setdefault((self._catalog, self._schema), [])
        if session is not None and self._may_be_kept and len(free) < _MOST_SESSIONS:
            free.append(session)
        elif session is not None:
            await self._engine.blocking(session.close)

    async def _batches(self, reader: Any) -> AsyncIterator[Batch]:
        while True:
            try:
                batch = await self._call(lambda: next(reader, None))
            except (duckdb.Error, OSError) as error:
                raise _failure(error) from error
            if batch is None:
                self._may_be_kept = self._reading.is_query
                return
            yield batch

    async def _call(self, call: Callable[[], T]) -> T:
        """Make a call that `stop` interrupts and waits for."""
        if self._is_stopped:
            raise StatementFailed("The statement was stopped.", ServiceError.CANCELLED)
        future = asyncio.ensure_future(self._engine.blocking(call))
        self._calls.add(future)
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, future: "asyncio.Future[Any]") -> None:
        self._calls.discard(future)
        if not future.cancelled():
            # Nobody may be there any more to be told.
            future.exception()

    async def _enter(self) -> Lakehouse:
        if not self._reading.only_reads:
            self._instance = await self._opened(lambda: self._engine.open(self._writer))
            lakehouse = self._instance.lakehouse
            if self._catalog or self._schema:
                await self._call(lambda: self._go(lakehouse))
            return lakehouse
        instance = await self._opened(lambda: self._engine.kept(self._work.reader))
        self._instance = instance
        free = instance.sessions.get((self._catalog, self._schema))
        if free:
            return free.pop()
        return await self._call(lambda: self._go(instance.lakehouse.session()))

    async def _opened(self, attach: Callable[[], Awaitable[_Instance]]) -> _Instance:
        """Attach the lakehouse, again while the catalog is away: nothing has begun yet."""
        until = time.monotonic() + _CATALOG_PATIENCE_S
        while True:
            try:
                return await attach()
            except (duckdb.IOException, duckdb.HTTPException) as error:
                if self._is_stopped or time.monotonic() > until:
                    raise
                log.warning("warehouse.catalog_away", error=str(error)[:300])
            await asyncio.sleep(_ATTACH_AGAIN_S)

    def _go(self, lakehouse: Lakehouse) -> Lakehouse:
        lakehouse.enter(self._catalog or lakehouse.catalog, self._schema or lakehouse.schema)
        return lakehouse

    @property
    def _catalog(self) -> str | None:
        return self._work.catalog or self._engine.warehouse.catalog

    @property
    def _schema(self) -> str | None:
        return self._work.schema_name or self._engine.warehouse.schema_name

    @property
    def _writer(self) -> Access:
        if self._work.writer is None:
            raise StatementFailed("A run's branch can only be read; this statement may write.")
        return self._work.writer

    def _check_form(self) -> None:
        """Refuse what would have no effect beyond this statement, or reach out of the lakehouse."""
        tree, kind = self._reading.tree, self._reading.kind
        if tree is None:
            self._check_syntax()
        if tree is None or isinstance(tree, _REFUSED) or tree.find(exp.TemporaryProperty):
            raise StatementFailed(
                f"{kind or 'This'} is not possible on a warehouse: each statement has a session of"
                " its own, which ends with it, and reaches nothing but the lakehouse. Name catalog"
                " and schema with the statement, or in the warehouse's settings."
            )

    def _check_syntax(self) -> None:
        """Refuse what DuckDB cannot read either, in its words: they say where the mistake is."""
        text = self._reading.statement.bound(lambda name: f"${name}")
        try:
            with duckdb.connect() as reader:
                reader.extract_statements(text)
        except duckdb.Error as error:
            raise _failure(error) from None

    def _text(self) -> str:
        def marker(name: str) -> str:
            kind = scalar_type(self._reading.parameters[name].type)
            if kind.name == "VOID":
                return f"${name}"
            if kind.name == "DECIMAL":
                return f"CAST(${name} AS DECIMAL({kind.precision},{kind.scale}))"
            return f"CAST(${name} AS {_TYPES[kind.name]})"

        return self._reading.statement.bound(marker)

    def _values(self) -> dict[str, Any]:
        parameters: dict[str, Parameter] = self._reading.parameters
        return {name: each.value for name, each in parameters.items()}


async def _all_of(reader: Any) -> AsyncIterator[Batch]:
    for batch in reader:
        yield batch


def _failure(error: Exception) -> StatementFailed:
    code = ServiceError.BAD_REQUEST
    if isinstance(error, duckdb.OutOfMemoryException):
        code = ServiceError.RESOURCE_EXHAUSTED
    elif isinstance(error, duckdb.IOException | duckdb.HTTPException | duckdb.ConnectionException):
        code = ServiceError.IO_ERROR
    elif isinstance(error, duckdb.InterruptException):
        code = ServiceError.CANCELLED
    return StatementFailed(str(error), code)
