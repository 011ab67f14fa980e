"""Bends dbt's adapters to the lakehouse, inside the process that runs dbt.

dbt-trino has no setting for the credential that carries an attempt's token. dbt-duckdb makes
tables by renaming and alters them, which DuckDB cannot on Iceberg, and looks for tables in
`information_schema`, which would load every table of the catalog.
"""

import json
import os
import shutil
import sys
import tempfile
import types
import urllib.error
import urllib.parse
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import Any

from activities.sql.null_tests import respell

_OURS = Path(__file__).parent / "dbt_openlake"
_REPLACED = ("table.sql", "incremental.sql")
"""Files of dbt-duckdb whose materializations ours stand for; two of one name would be a tie."""

_EXTENSIONS = ("httpfs", "avro", "iceberg")
"""In this order: each needs those before it."""


def bend_trino(given: dict[str, Any]) -> None:
    """Let every statement carry the attempt's token and bear its name."""
    dbapi: Any = import_module("trino.dbapi")
    plain = dbapi.connect

    def connect(*arguments: Any, **options: Any) -> Any:
        options["source"] = given["key"]
        options["extra_credential"] = [("token", given["catalog"]["token"])]
        return plain(*arguments, **options)

    dbapi.connect = connect


def bend_duckdb(given: dict[str, Any]) -> None:
    """Put our macros before dbt-duckdb's, and ask the catalog itself for its tables."""
    duckdb: Any = import_module("dbt.adapters.duckdb")
    plugin_class: Any = import_module("dbt.adapters.base").AdapterPlugin
    available: Any = import_module("dbt.adapters.base.meta").available
    stock = duckdb.Plugin

    # dbt finds the folder of an adapter by its class's name.
    class DuckDBAdapter(stock.adapter):
        """dbt-duckdb's, with the catalog's own list of tables."""

        def list_relations_without_caching(self, schema_relation: Any) -> list[Any]:
            """See base class."""
            return [
                self.Relation.create(
                    database=schema_relation.database,
                    schema=schema_relation.schema,
                    identifier=name,
                    type="table",
                )
                for name in _tables(given["catalog"], schema_relation.schema)
            ]

        @available
        def openlake_settle(self) -> None:
            """Commit what is under way, if anything is."""
            self.commit_if_has_connection()

    class StockAdapter(stock.adapter):
        """Stands for dbt-duckdb itself, behind ours."""

        @classmethod
        def type(cls) -> str:
            """See base class."""
            return "duckdb_stock"

    behind: Any = types.ModuleType("dbt.adapters.duckdb_stock")
    behind.Plugin = plugin_class(
        adapter=StockAdapter,
        credentials=stock.credentials,
        include_path=str(_without_replaced(Path(stock.include_path))),
    )
    sys.modules[behind.__name__] = behind
    duckdb.Plugin = plugin_class(
        adapter=DuckDBAdapter,
        credentials=stock.credentials,
        include_path=str(_OURS),
        project_name="dbt_openlake",
        dependencies=["duckdb_stock"],
    )
    os.environ["OPENLAKE_STORED_AS"] = json.dumps(given["stored_as"])
    _load_extensions()
    _respell_null_tests()


def _respell_null_tests() -> None:
    cursor: Any = import_module("dbt.adapters.duckdb.environments.local").DuckDBCursorWrapper
    plain = cursor.execute

    def execute(self: Any, sql: str, bindings: Any = None) -> Any:
        return plain(self, respell(sql), bindings)

    cursor.execute = execute


def _load_extensions() -> None:
    """Give every new connection the extensions that came with the environment's wheels."""
    library: Any = import_module("duckdb")
    (packages,) = import_module("duckdb_ext").__path__
    version = Path(packages) / "extensions" / f"v{library.__version__}"
    plain = library.connect

    def connect(*arguments: Any, **options: Any) -> Any:
        connection = plain(*arguments, **options)
        for name in _EXTENSIONS:
            (file,) = version.glob(f"*/{name}.duckdb_extension")
            connection.load_extension(str(file))
        return connection

    library.connect = connect


def _without_replaced(stock: Path) -> Path:
    folder = Path(tempfile.mkdtemp()) / stock.name
    shutil.copytree(stock, folder, ignore=lambda _, names: [n for n in names if n in _REPLACED])
    return folder


def _tables(catalog: dict[str, str], schema: str) -> list[str]:
    """List a schema's tables, as the Iceberg REST protocol has it (`listTables`)."""
    base = catalog["uri"]
    config = _get(f"{base}/v1/config?warehouse={catalog['warehouse']}", catalog["token"])
    both = {**(config or {}).get("defaults", {}), **(config or {}).get("overrides", {})}
    prefix = urllib.parse.quote(both.get("prefix", ""), safe="%")
    names: list[str] = []
    token: str | None = ""
    while token is not None:
        path = f"{base}/v1/{prefix}/namespaces/{urllib.parse.quote(schema)}/tables"
        page = f"?pageToken={urllib.parse.quote(token)}" if token else ""
        found = _get(path + page, catalog["token"]) or {}
        names += [each["name"] for each in found.get("identifiers", [])]
        token = found.get("next-page-token") or None
    return names


def _get(url: str, token: str) -> dict[str, Any] | None:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
