"""What `SHOW` and `DESCRIBE` ask of an engine, with Databricks' column names."""

import re
from dataclasses import dataclass
from typing import Protocol

from activities.sql.databricks.refusal import refused
from spec.tasks import Engine

Table = tuple[str, str, str]


@dataclass(frozen=True)
class Session:
    """Where names without catalog or schema are looked up."""

    catalog: str
    schema: str

    @property
    def sql(self) -> str:
        """As it is written in SQL."""
        return spelled((self.catalog, self.schema))


@dataclass(frozen=True)
class Named:
    """A name of one to three parts."""

    parts: tuple[str, ...]

    def table(self, session: Session) -> Table:
        """Return it as a table's full name."""
        whole = (session.catalog, session.schema, *self.parts)[-3:]
        if len(self.parts) == 2:
            whole = (session.catalog, *self.parts)
        return (whole[0], whole[1], whole[2])

    def schema(self, session: Session) -> Session:
        """Return it as a schema's full name."""
        *before, name = self.parts
        return Session(before[-1] if before else session.catalog, name)


class Queries(Protocol):
    """The questions; patterns are regular expressions, empty for anything."""

    def catalogs(self, pattern: str) -> str:
        """Rows of (catalog)."""
        ...

    def schemas(self, catalog: str, pattern: str) -> str:
        """Rows of (databaseName)."""
        ...

    def tables(self, inside: Session, pattern: str) -> str:
        """Rows of (database, tableName, isTemporary), views among them."""
        ...

    def views(self, inside: Session, pattern: str) -> str:
        """Rows of (namespace, viewName, isTemporary)."""
        ...

    def columns(self, table: Table) -> str:
        """Rows of (col_name)."""
        ...

    def tables_of(self, catalog: str | None, schema: str, name: str) -> str:
        """Rows of (namespace, tableName, isTemporary, information, catalogName, tableType,
        remarks) of one catalog or all: what drivers list; `tableType` is TABLE or VIEW.
        """
        ...

    def columns_of(self, catalog: str, schema: str, table: str, name: str) -> str:
        """Rows of (col_name, catalogName, namespace, tableName, columnType, ordinalPosition from
        0, isNullable, remarks): what drivers list.
        """
        ...

    def creation(self, table: Table) -> str:
        """One row with the statement that creates the table."""
        ...

    def properties(self, table: Table) -> str:
        """Rows of (key, value)."""
        ...

    def description(self, table: Table, extended: bool) -> str:
        """Rows of (col_name, data_type, comment)."""
        ...

    def history(self, table: Table) -> str:
        """Rows of (version, timestamp, operation, userName), newest first."""
        ...


def of(engine: Engine) -> Queries:
    """Return an engine's queries."""
    return _Trino() if engine is Engine.TRINO else _Duckdb()


def spelled(name: tuple[str, ...]) -> str:
    """Spell a name of any number of parts."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name)


class _Duckdb:
    def catalogs(self, pattern: str) -> str:
        names = "SELECT database_name AS catalog FROM duckdb_databases() WHERE NOT internal"
        hidden = "database_name NOT IN ('memory', 'temp')"
        return f"{names} AND {hidden}{_duckdb_like('database_name', pattern)} ORDER BY 1"

    def schemas(self, catalog: str, pattern: str) -> str:
        return (
            'SELECT schema_name AS "databaseName" '  # noqa: S608
            f"FROM information_schema.schemata WHERE catalog_name = {_text(catalog)}"
            f"{_duckdb_like('schema_name', pattern)} ORDER BY 1"
        )

    def tables(self, inside: Session, pattern: str) -> str:
        return (
            f'SELECT {_text(inside.schema)} AS database, name AS "tableName", '  # noqa: S608
            f'FALSE AS "isTemporary" FROM (SHOW TABLES FROM {inside.sql}) '
            f"WHERE TRUE{_duckdb_like('name', pattern)} ORDER BY name"
        )

    def views(self, inside: Session, pattern: str) -> str:
        raise refused("SHOW VIEWS", "DuckDB knows no views of the lakehouse; use a Trino warehouse")

    def columns(self, table: Table) -> str:
        return f"SELECT column_name AS col_name FROM (DESCRIBE {spelled(table)})"  # noqa: S608

    def tables_of(self, catalog: str | None, schema: str, name: str) -> str:
        where = "table_catalog NOT IN ('system', 'temp', 'memory')"
        if catalog is not None:
            where = f"table_catalog = {_text(catalog)}"
        where += _duckdb_like("table_schema", schema) + _duckdb_like("table_name", name)
        return (
            'SELECT table_schema AS "namespace", table_name AS "tableName", '  # noqa: S608
            'FALSE AS "isTemporary", \'\' AS information, table_catalog AS "catalogName", '
            "CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END AS \"tableType\", "
            f"'' AS remarks FROM information_schema.tables WHERE {where} ORDER BY 5, 1, 2"
        )

    def columns_of(self, catalog: str, schema: str, table: str, name: str) -> str:
        inside, one = _only_name(schema), _only_name(table)
        if inside is None or one is None:
            reason = (
                "DuckDB knows the columns of one table at a time: name schema and table, or use a"
                " Trino warehouse"
            )
            raise refused("SHOW COLUMNS IN CATALOG", reason)
        return (
            f'SELECT column_name AS col_name, {_text(catalog)} AS "catalogName", '  # noqa: S608
            f'{_text(inside)} AS "namespace", {_text(one)} AS "tableName", '
            f'{_duckdb_type("column_type")} AS "columnType", '
            'CAST(place - 1 AS INTEGER) AS "ordinalPosition", '
            "CASE \"null\" WHEN 'NO' THEN 'false' ELSE 'true' END AS \"isNullable\", '' AS remarks "
            "FROM (SELECT *, row_number() OVER () AS place "
            f"FROM (DESCRIBE {spelled((catalog, inside, one))})) "
            f"WHERE TRUE{_duckdb_like('column_name', name)}"
        )

    def creation(self, table: Table) -> str:
        reason = "DuckDB does not know how a table is partitioned; use a Trino warehouse"
        raise refused("SHOW CREATE TABLE", reason)

    def properties(self, table: Table) -> str:
        reason = "DuckDB does not know a table's properties; use a Trino warehouse"
        raise refused("SHOW TBLPROPERTIES", reason)

    def description(self, table: Table, extended: bool) -> str:
        columns = (
            f"SELECT column_name AS col_name, {_duckdb_type('column_type')} AS data_type, "  # noqa: S608
            f"NULL::VARCHAR AS comment FROM (DESCRIBE {spelled(table)})"
        )
        return f"{columns} UNION ALL {_details(table)}" if extended else columns

    def history(self, table: Table) -> str:
        return (
            'SELECT snapshot_id AS version, timestamp_ms AS "timestamp", '  # noqa: S608
            'NULL::VARCHAR AS operation, NULL::VARCHAR AS "userName" '
            f"FROM iceberg_snapshots({spelled(table)}) ORDER BY sequence_number DESC"
        )


class _Trino:
    def catalogs(self, pattern: str) -> str:
        return (
            "SELECT catalog_name AS catalog FROM system.metadata.catalogs "  # noqa: S608
            f"WHERE catalog_name <> 'system'{_trino_like('catalog_name', pattern)} ORDER BY 1"
        )

    def schemas(self, catalog: str, pattern: str) -> str:
        return (
            f'SELECT schema_name AS "databaseName" FROM {spelled((catalog,))}'  # noqa: S608
            ".information_schema.schemata WHERE schema_name NOT IN ('information_schema', 'system')"
            f"{_trino_like('schema_name', pattern)} ORDER BY 1"
        )

    def tables(self, inside: Session, pattern: str) -> str:
        return self._relations(inside, pattern, "database", "tableName", "")

    def views(self, inside: Session, pattern: str) -> str:
        kind = " AND table_type = 'VIEW'"
        return self._relations(inside, pattern, "namespace", "viewName", kind)

    def columns(self, table: Table) -> str:
        return f"SELECT column_name AS col_name {self._columns(table)} ORDER BY ordinal_position"

    def tables_of(self, catalog: str | None, schema: str, name: str) -> str:
        where = "table_type IN ('TABLE', 'VIEW') AND table_schem <> 'information_schema'"
        where += "" if catalog is None else f" AND table_cat = {_text(catalog.lower())}"
        where += "" if catalog is not None else " AND table_cat <> 'system'"
        where += _trino_like("table_schem", schema) + _trino_like("table_name", name)
        return (
            'SELECT table_schem AS "namespace", table_name AS "tableName", '  # noqa: S608
            'FALSE AS "isTemporary", \'\' AS information, table_cat AS "catalogName", '
            "table_type AS \"tableType\", coalesce(remarks, '') AS remarks "
            f"FROM system.jdbc.tables WHERE {where} ORDER BY 5, 1, 2"
        )

    def columns_of(self, catalog: str, schema: str, table: str, name: str) -> str:
        where = f"table_cat = {_text(catalog.lower())} AND table_schem <> 'information_schema'"
        for column, pattern in (("table_schem", schema), ("table_name", table)):
            # Only an equality keeps Trino from loading every table.
            one = _only_name(pattern)
            exact = f" AND {column} = {_text((one or '').lower())}"
            where += exact if one is not None else _trino_like(column, pattern)
        where += _trino_like("column_name", name)
        return (
            'SELECT column_name AS col_name, table_cat AS "catalogName", '  # noqa: S608
            'table_schem AS "namespace", table_name AS "tableName", '
            f'{_trino_type("type_name")} AS "columnType", '
            'CAST(ordinal_position - 1 AS INTEGER) AS "ordinalPosition", '
            "CASE is_nullable WHEN 'NO' THEN 'false' ELSE 'true' END AS \"isNullable\", "
            "coalesce(remarks, '') AS remarks "
            f"FROM system.jdbc.columns WHERE {where} ORDER BY 3, 4, 6"
        )

    def creation(self, table: Table) -> str:
        return f"SHOW CREATE TABLE {spelled(table)}"

    def properties(self, table: Table) -> str:
        catalog, schema, name = table
        properties = spelled((catalog, schema, f"{name}$properties"))
        return f"SELECT key, value FROM {properties} ORDER BY key"  # noqa: S608

    def description(self, table: Table, extended: bool) -> str:
        columns = (
            f"SELECT column_name AS col_name, {_trino_type('data_type')} AS data_type, "
            f"comment, ordinal_position {self._columns(table)}"
        )
        if extended:
            details = f"SELECT *, 1000000 FROM ({_details(table)})"  # noqa: S608
            columns = f"{columns} UNION ALL {details}"
        chosen = f"SELECT col_name, data_type, comment FROM ({columns})"  # noqa: S608
        return f"{chosen} ORDER BY ordinal_position"

    def history(self, table: Table) -> str:
        catalog, schema, name = table
        snapshots = spelled((catalog, schema, f"{name}$snapshots"))
        return (
            'SELECT snapshot_id AS version, committed_at AS "timestamp", '  # noqa: S608
            "upper(operation) AS operation, "
            "element_at(summary, 'openlake.principal') AS \"userName\" "
            f"FROM {snapshots} ORDER BY committed_at DESC"
        )

    def _columns(self, table: Table) -> str:
        catalog, schema, name = table
        return (
            f"FROM {spelled((catalog,))}.information_schema.columns "
            f"WHERE table_schema = {_text(schema.lower())} AND table_name = {_text(name.lower())}"
        )

    def _relations(
        self, inside: Session, pattern: str, schema_as: str, name_as: str, condition: str
    ) -> str:
        return (
            f'SELECT table_schema AS {schema_as}, table_name AS "{name_as}", '  # noqa: S608
            f'FALSE AS "isTemporary" FROM {spelled((inside.catalog,))}.information_schema.tables '
            f"WHERE table_schema = {_text(inside.schema.lower())}{condition}"
            f"{_trino_like('table_name', pattern)} ORDER BY table_name"
        )


def _only_name(pattern: str) -> str | None:
    """Return the one name that a pattern of `SHOW … LIKE` matches; None where there may be more."""
    inner = pattern.removeprefix("(?i)^(").removesuffix(")$")
    plain = re.sub(r"\\(.)", r"\1", inner)
    return plain if pattern and re.escape(plain) == inner else None


def _details(table: Table) -> str:
    catalog, schema, name = (_text(part) for part in table)
    rows = (
        ("''", "''"),
        ("'# Detailed Table Information'", "''"),
        ("'Catalog'", catalog),
        ("'Database'", schema),
        ("'Table'", name),
        ("'Provider'", "'iceberg'"),
    )
    return "VALUES " + ", ".join(f"({key}, {value}, '')" for key, value in rows)


def _duckdb_like(column: str, pattern: str) -> str:
    return f" AND regexp_matches({column}, {_text(pattern)})" if pattern else ""


def _trino_like(column: str, pattern: str) -> str:
    return f" AND regexp_like({column}, {_text(pattern)})" if pattern else ""


def _trino_type(column: str) -> str:
    """Spell Trino's types as Databricks does."""
    text = column
    for pattern, replacement in (
        (r"timestamp\(\d\) with time zone", "timestamp"),
        (r"timestamp\(\d\)", "timestamp_ntz"),
        (r"\bvarchar\b", "string"),
        (r"\binteger\b", "int"),
        (r"\bvarbinary\b", "binary"),
        (r"\breal\b", "float"),
        (r"decimal\((\d+),\s*(\d+)\)", "decimal{$1,$2}"),
        (r"\brow\(", "struct<"),
        (r"\(", "<"),
        (r"\)", ">"),
        (r"([<,] ?)(\w+) (?=\w)", "$1$2:"),
        (r", ", ","),
        (r"\{(\d+,\d+)\}", "($1)"),
    ):
        text = f"regexp_replace({text}, {_text(pattern)}, {_text(replacement)})"
    return text


def _duckdb_type(column: str) -> str:
    """Spell DuckDB's types as Databricks does; nested lists keep DuckDB's own spelling."""
    text = f"lower({column})"
    for pattern, replacement in (
        (r"timestamp with time zone", "timestamptz"),
        (r"\btimestamp\b", "timestamp_ntz"),
        (r"timestamptz", "timestamp"),
        (r"\bvarchar\b", "string"),
        (r"\binteger\b", "int"),
        (r"\bblob\b", "binary"),
        (r"decimal\((\d+),\s*(\d+)\)", r"decimal{\1,\2}"),
        (r"\(", "<"),
        (r"\)", ">"),
        (r"([<,] ?)\"?(\w+)\"? ([a-z])", r"\1\2:\3"),
        (r", ", ","),
        (r"\{(\d+,\d+)\}", r"(\1)"),
        (r"^([^<\[\]]+)\[\]$", r"array<\1>"),
    ):
        text = f"regexp_replace({text}, {_text(pattern)}, {_text(replacement)}, 'g')"
    return text


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
