"""Hive Metastores (3 and 4), asked over Thrift for their Iceberg tables.

PyIceberg's own Hive catalog (0.12) calls methods that Hive 4 has dropped (`get_table`,
`get_table_objects_by_name`), so its generated Thrift client is used here with those that both have.
A Hive table that is no Iceberg table does not exist for OpenLake.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from typing import Any, TypeVar
from urllib.parse import urlsplit

from control.lakehouse.base import Entry, Key, Kind, Loaded, Past, page_of_snapshots, unreachable
from spec.errors import NotFound, Unavailable

_T = TypeVar("_T")
_PORT = 9083
_IS_ICEBERG = 'hive_filter_field_params__table_type = "ICEBERG"'
"""As Iceberg's clients mark their tables (`HiveTableOperations` of Iceberg's Java library)."""
_TYPES = "hive_metastore.ttypes"
_AT_ONCE = 4


class HiveCatalog:
    """One metastore; a connection a question. See `TableCatalog`."""

    type = "hive"
    has_branches = False

    def __init__(self, name: str, uri: str, files: dict[str, str], timeout_s: float = 10) -> None:
        """See class.

        Args:
            name: As people see it.
            uri: `thrift://host:port`.
            files: `FileIO` properties for the tables' files.
            timeout_s: Of one answer.
        """
        self.name = name
        self._place = urlsplit(uri)
        self._files = files
        self._timeout_s = timeout_s
        self._gate = threading.Semaphore(_AT_ONCE)

    async def close(self) -> None:
        """See `TableCatalog`; nothing is kept open."""

    async def namespaces(self, branch: str | None = None) -> list[Key]:
        """See `TableCatalog`."""
        names = await self._ask(lambda client: list[str](client.get_all_databases()))
        return sorted((each,) for each in names)

    async def namespace(self, namespace: Key, branch: str | None = None) -> dict[str, str] | None:
        """See `TableCatalog`."""
        if len(namespace) != 1:
            return None

        def read(client: Any) -> dict[str, str] | None:
            try:
                found = client.get_database(namespace[0])
            except _import(_TYPES).NoSuchObjectException:
                return None
            said = {"comment": found.description, "location": found.locationUri}
            said["owner"] = found.ownerName
            return {**(found.parameters or {}), **{k: v for k, v in said.items() if v}}

        return await self._ask(read)

    async def entries(self, namespace: Key, branch: str | None = None) -> list[Entry]:
        """See `TableCatalog`."""
        names: list[str] = []
        if len(namespace) == 1:
            names = await self._ask(
                lambda client: client.get_table_names_by_filter(namespace[0], _IS_ICEBERG, -1)
            )
        if not names and await self.namespace(namespace) is None:
            raise NotFound(f"Schema '{'.'.join((self.name, *namespace))}' does not exist.")
        return sorted(Entry((*namespace, each), Kind.TABLE) for each in names)

    async def load(self, key: Key, branch: str | None = None) -> Loaded | None:
        """See `TableCatalog`."""
        if len(key) != 2:
            return None

        def find(client: Any) -> str | None:
            types = _import(_TYPES)
            try:
                request = types.GetTableRequest(dbName=key[0], tblName=key[1])
                answer = client.get_table_req(request)
            except types.NoSuchObjectException:
                return None
            parameters: dict[str, str] = answer.table.parameters or {}
            return parameters.get("metadata_location")

        location = await self._ask(find)
        if location is None:
            return None
        return await asyncio.to_thread(self._read, location)

    async def past(
        self, key: Key, loaded: Loaded, branch: str | None, resume: str | None, limit: int
    ) -> Past:
        """See `TableCatalog`."""
        return page_of_snapshots(loaded, resume, limit)

    def _read(self, location: str) -> Loaded:
        from control.lakehouse.files import read_metadata

        try:
            metadata = read_metadata(location, self._files)
        except (OSError, ValueError) as error:
            raise Unavailable(
                f"The catalog '{self.name}' names metadata at {location} that cannot be read:"
                f" {error}.",
                catalog=self.name,
            ) from error
        return Loaded(Kind.TABLE, metadata, location, self._files)

    async def _ask(self, question: Callable[[Any], _T]) -> _T:
        return await asyncio.to_thread(self._ask_now, question)

    def _ask_now(self, question: Callable[[Any], _T]) -> _T:
        if not self._gate.acquire(timeout=self._timeout_s):
            raise unreachable(self.name, "it is slow, and others are waiting for it already")
        thrift = _import("thrift.Thrift")
        try:
            with closing(self._connect()) as transport:
                protocol = _import("thrift.protocol.TBinaryProtocol").TBinaryProtocol(transport)
                return question(_import("hive_metastore.ThriftHiveMetastore").Client(protocol))
        except (thrift.TException, OSError) as error:
            reason = getattr(error, "message", None) or str(error) or type(error).__name__
            raise unreachable(self.name, reason) from error
        finally:
            self._gate.release()

    def _connect(self) -> Any:
        socket = _import("thrift.transport.TSocket").TSocket(
            self._place.hostname, self._place.port or _PORT
        )
        socket.setTimeout(self._timeout_s * 1000)
        transport = _import("thrift.transport.TTransport").TBufferedTransport(socket)
        transport.open()
        return transport


def _import(module: str) -> Any:
    """Import a module of the generated client, which has no types, when it is first needed."""
    return import_module(module)
