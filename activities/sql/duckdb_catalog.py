"""DuckDB with the lakehouse attached, and what its Iceberg extension cannot do put right.

The extension (1.4.4) has no CREATE OR REPLACE, and refuses types that Iceberg lacks although
DuckDB's own functions return them (`sum` of integers gives HUGEINT). See `duckdb_rewrites`, too.
"""

import copy
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
from sqlglot import exp

from activities.sql import null_tests, portable
from activities.sql.duckdb_limits import MEMORY, STORED_AS
from activities.sql.duckdb_rewrites import STAGE, refill, rewriting
from activities.sql.portable import TableCreation
from spec.errors import EngineRejected, EngineUnavailable

_EXTENSIONS = ("httpfs", "avro", "iceberg")
"""In this order: each needs those before it."""


class Lakehouse:
    """A DuckDB connection whose default catalog is the lakehouse.

    Args:
        catalog: `name`, `uri`, `warehouse`, `token` of the gateway.
        storage: `endpoint`, `region`, `access_key`, `secret_key`, `session_token`.
    """

    def __init__(
        self,
        catalog: Mapping[str, str],
        storage: Mapping[str, str | None],
        memory: str = MEMORY,
        threads: int | None = None,
    ) -> None:
        """Connect and attach."""
        self.catalog = catalog["name"]
        self.schema = "default"
        self._db = duckdb.connect(
            config={
                "allow_unsigned_extensions": "true",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "memory_limit": memory,
                "python_enable_replacements": "false",
                **({} if threads is None else {"threads": str(threads)}),
            }
        )
        # Instants are told in one zone on every machine, as Trino's sessions do.
        self._db.execute("SET TimeZone = 'UTC'")
        for name in _EXTENSIONS:
            self._db.execute(f"LOAD {_quoted(str(_extension(name)))}")
        self._add_secrets(catalog, storage)
        self._db.execute(
            f"ATTACH {_quoted(catalog['warehouse'])} AS {_identifier(self.catalog)} "
            f"(TYPE iceberg, ENDPOINT {_quoted(catalog['uri'])}, "
            "SECRET lakehouse_catalog, ACCESS_DELEGATION_MODE 'none')"
        )
        self._enter()

    def execute(self, text: str, values: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
        """Run one statement with its named parameters (`$name`); the answer is to be fetched.

        Raises:
            duckdb.Error: the statement fails.
            EngineRejected: it needs what DuckDB cannot do on Iceberg tables.
        """
        text = null_tests.respell(text)
        creation = portable.table_creation(text, "duckdb")
        if creation is not None and self._is_ours(creation.table):
            return self._create(creation, dict(values))
        rewrite = rewriting(self._db, self, text, values)
        return self._db.execute(text, dict(values)) if rewrite is None else rewrite()

    @property
    def entered(self) -> tuple[str, str]:
        """The catalog and schema of names without them."""
        return self.catalog, self.schema

    def enter(self, catalog: str, schema: str) -> None:
        """Look names without catalog or schema up in these from now on.

        Raises:
            EngineRejected: there is no such catalog or schema.
        """
        if catalog.lower() != self.catalog.lower():
            raise EngineRejected(f"DuckDB has the catalog {self.catalog} only, not {catalog}")
        try:
            self._db.execute(f"USE {_identifier(catalog)}.{_identifier(schema)}")
        except duckdb.Error as error:
            raise EngineRejected(f"There is no schema {catalog}.{schema}") from error
        self.schema = schema

    def confine(self, spill: str, locations: Sequence[str]) -> None:
        """Let statements reach nothing but the tables and these places, for good.

        Args:
            spill: A folder of this instance alone, for what does not fit into memory.
            locations: Folders of the object store, as URLs that end with a slash.
        """
        allowed = ", ".join(_quoted(location) for location in locations)
        self._db.execute(f"SET temp_directory = {_quoted(spill)}")
        self._db.execute(f"SET allowed_directories = [{allowed}]")
        self._db.execute("SET enable_external_access = false")
        self._db.execute("SET lock_configuration = true")

    def session(self) -> "Lakehouse":
        """Return another connection to the same instance: temporary tables are its own."""
        made = copy.copy(self)
        made._db = self._db.cursor()
        return made

    def interrupt(self) -> None:
        """Stop the statement under way, from another thread."""
        self._db.interrupt()

    def close(self) -> None:
        """Close this connection."""
        self._db.close()

    def columns(self, table: tuple[str, str, str]) -> dict[str, str]:
        """Return a table's columns and their types; empty when there is no such table."""
        name = ".".join(_identifier(part) for part in table)
        try:
            found = self._db.cursor().execute(f"DESCRIBE {name}").fetchall()
        except duckdb.Error:
            return {}
        return {row[0]: row[1] for row in found}

    def name_of(self, table: exp.Table) -> str | None:
        """See `duckdb_rewrites.Lake`."""
        if not self._is_ours(table):
            return None
        return ".".join(_identifier(part) for part in self._full(table))

    def column_names(self, name: str) -> list[str]:
        """See `duckdb_rewrites.Lake`."""
        return [row[0] for row in self._db.cursor().execute(f"DESCRIBE {name}").fetchall()]

    def _create(self, creation: TableCreation, values: dict[str, Any]) -> Any:
        table = self._full(creation.table)
        if creation.options:
            print(f"DuckDB ignores: {', '.join(creation.options)}", flush=True)
        name = ".".join(_identifier(part) for part in table)
        exists = bool(self.columns(table))
        if exists and creation.if_not_exists:
            return self._db.execute("SELECT 0::BIGINT AS Count")
        if exists and not creation.replace:
            raise EngineRejected(f"Table {'.'.join(table)} already exists")
        # Staged first: the query may read the very table that it replaces.
        self._db.execute(f"CREATE OR REPLACE TEMP TABLE {STAGE} AS {creation.query}", values)
        staged = self._db.execute(f"DESCRIBE {STAGE}").fetchall()
        stored = {row[0]: STORED_AS.get(row[1], row[1]) for row in staged}
        chosen = ", ".join(
            f"CAST({_identifier(column)} AS {kind}) AS {_identifier(column)}"
            for column, kind in stored.items()
        )
        fill = f"SELECT {chosen} FROM {STAGE}"  # noqa: S608
        if exists and self.columns(table) == stored:
            return refill(self._db, name, fill)
        if exists:
            # The catalog knows no single step for this; a repeated attempt does it again.
            self._db.execute(f"DROP TABLE {name}")
        return self._db.execute(f"CREATE TABLE {name} AS {fill}")

    def _enter(self) -> None:
        """Make the lakehouse the default catalog, which takes a schema in it."""
        found = self._db.execute(
            "SELECT schema_name FROM information_schema.schemata WHERE catalog_name = $1",
            [self.catalog],
        ).fetchall()
        schemas = [row[0] for row in found]
        if self.schema not in schemas and schemas:
            self.schema = sorted(schemas)[0]
        name = f"{_identifier(self.catalog)}.{_identifier(self.schema)}"
        if not schemas:
            self._db.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
        self._db.execute(f"USE {name}")

    def _add_secrets(self, catalog: Mapping[str, str], storage: Mapping[str, str | None]) -> None:
        endpoint = urlsplit(storage["endpoint"] or "")
        given = {
            "KEY_ID": storage["access_key"],
            "SECRET": storage["secret_key"],
            "SESSION_TOKEN": storage.get("session_token"),
            "REGION": storage["region"],
            "ENDPOINT": endpoint.netloc,
            "URL_STYLE": "path",
        }
        options = "".join(f", {key} {_quoted(value)}" for key, value in given.items() if value)
        ssl = "true" if endpoint.scheme == "https" else "false"
        self._db.execute(f"CREATE SECRET lakehouse_storage (TYPE s3, USE_SSL {ssl}{options})")
        self._db.execute(
            f"CREATE SECRET lakehouse_catalog (TYPE iceberg, TOKEN {_quoted(catalog['token'])})"
        )

    def _is_ours(self, table: exp.Table) -> bool:
        return (table.catalog or self.catalog).lower() == self.catalog.lower()

    def _full(self, table: exp.Table) -> tuple[str, str, str]:
        return (table.catalog or self.catalog, table.db or self.schema, table.name)


def _extension(name: str) -> Path:
    """Find the file that came with the wheel `duckdb-ext-<name>`."""
    package = find_spec("duckdb_ext")
    for place in (package and package.submodule_search_locations) or []:
        version = Path(place) / "extensions" / f"v{duckdb.__version__}"
        for file in version.glob(f"*/{name}.duckdb_extension"):
            return file
    raise EngineUnavailable(
        f"DuckDB's extension '{name}' for version {duckdb.__version__} is not installed; "
        f"install the package duckdb-ext-{name}"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
