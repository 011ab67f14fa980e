"""Runs a case on an engine and tells how it went."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol

import duckdb

from activities.sql.databricks import Table
from activities.sql.scripts import SqlScript, Step
from activities.sql.statements import Statement
from spec.attempts import SqlDialect
from spec.errors import EngineRejected
from spec.tasks import Engine
from tests.activities.dialect.cases import ANYTHING, Case

PARAMETERS = {"number": "1", "text": "p:"}

Rows = list[tuple[str, ...]]

_TRINO_NUMBER = re.compile(r"(decimal|double|real|bigint|integer|smallint|tinyint)")
_FRACTION = re.compile(r"(:\d\d)\.(\d*?)0+( UTC)?$")


class EngineFailed(Exception):
    """The engine refused what it was told; the message is its first line."""


class Connection(Protocol):
    """One engine, to run statements on."""

    engine: Engine

    async def run(self, step: Step, statement: Statement) -> Rows:
        """Return a statement's rows as text.

        Raises:
            EngineFailed: the engine refuses it.
        """
        ...

    async def columns(self, table: Table) -> Sequence[str]:
        """Return a table's columns; none when there is no such table."""
        ...


async def run_script(connection: Connection, text: str, schema: str) -> Rows:
    """Run a script of Databricks SQL and return the last rows."""
    rows: Rows = []
    remembered = ""
    at = ("lakehouse", schema)
    for part in text.replace("{schema}", schema).split("; "):
        part = part.replace("{remembered}", remembered)
        if part.startswith("REMEMBER "):
            table = part.removeprefix("REMEMBER ")
            history = SqlScript(
                f"DESCRIBE HISTORY {table}", SqlDialect.DATABRICKS, connection.engine, *at
            )
            found = await connection.run(history.steps[0], history.spelled(history.steps[0]))
            remembered = found[0][0]
            continue
        # One script would be the same; this way a part may name what an earlier one has told.
        script = SqlScript(part + "; SELECT 1", SqlDialect.DATABRICKS, connection.engine, *at)
        step, after = script.steps[0], script.steps[1]
        known: dict[Table, Sequence[str]] = {}
        for table in script.unknown_tables(step):
            known[table] = await connection.columns(table)
        rows = await connection.run(step, script.spelled(step, known))
        at = (after.catalog, after.schema)
    return rows


async def outcome(connection: Connection, case: Case, schema: str) -> str:
    """Return `works`, `refused: …` by the translation, or `fails: …` at the engine.

    Raises:
        AssertionError: it works, and gives something else than it should.
    """
    try:
        rows = await run_script(connection, case.sql, schema)
    except EngineRejected as error:
        return f"refused: {_general(str(error), schema)}"
    except EngineFailed as error:
        return f"fails: {_general(str(error), schema)}"
    wanted = [tuple(cell.replace("{schema}", schema) for cell in row) for row in case.rows]
    found = rows if case.keeps_order else sorted(rows)
    assert _agree(found, wanted), f"{case.construct}: {found} instead of {wanted}"
    return "works"


def plain(value: Any, kind: str = "") -> str:
    """Return a value as text that is the same from every engine.

    Args:
        value: As the engine's client gives it.
        kind: Its type, where the value alone does not tell.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    is_number = isinstance(value, int | float | Decimal) or _TRINO_NUMBER.match(kind) is not None
    if is_number and str(value) not in ("NaN", "nan", "Infinity", "inf"):
        number = Decimal(str(value)).normalize()
        return f"{number:f}"
    if isinstance(value, datetime):
        zone = " UTC" if value.tzinfo is not None else ""
        moment = value.astimezone(UTC) if value.tzinfo is not None else value
        return _moment(moment.replace(tzinfo=None).isoformat(" ") + zone)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        inner = kind.removeprefix("array(").removesuffix(")") if kind.startswith("array(") else ""
        return f"[{', '.join(plain(each, inner) for each in value)}]"
    if isinstance(value, dict):
        return json.dumps(value, default=str, sort_keys=True)
    return _moment(str(value)) if kind.startswith("timestamp") else str(value)


class Duckdb:
    """Runs statements on DuckDB.

    Args:
        execute: Runs one, with its parameters (`$name`).
        enter: Makes a catalog and a schema those of names without them.
    """

    engine = Engine.DUCKDB

    def __init__(
        self,
        execute: Callable[[str, dict[str, str]], duckdb.DuckDBPyConnection],
        enter: Callable[[str, str], object],
    ) -> None:
        self._execute = execute
        self._enter = enter

    async def run(self, step: Step, statement: Statement) -> Rows:
        self._enter(step.catalog, step.schema)
        values = {name: PARAMETERS[name] for name in statement.names}
        try:
            found = self._execute(statement.bound(lambda name: f"${name}"), values).fetchall()
        except duckdb.Error as error:
            raise EngineFailed(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
        return [tuple(plain(cell) for cell in row) for row in found]

    async def columns(self, table: Table) -> Sequence[str]:
        raise AssertionError("DuckDB needs no columns")


def _moment(text: str) -> str:
    """Cut a fraction's zeros."""
    found = _FRACTION.search(text)
    if found is None:
        return text
    fraction = f".{found[2]}" if found[2] else ""
    return text[: found.start()] + found[1] + fraction + (found[3] or "")


def _agree(found: Rows, wanted: Rows) -> bool:
    if wanted == [ANYTHING]:
        return bool(found)
    return len(found) == len(wanted) and all(
        len(row) == len(expected)
        and all(cell in ("*", value) for cell, value in zip(expected, row, strict=True))
        for row, expected in zip(found, wanted, strict=True)
    )


def _general(message: str, schema: str) -> str:
    """Take out of a message what differs from run to run."""
    first = message.splitlines()[0].replace(schema, "schema")
    return re.sub(r"\d{12,}|\d{4}-\d\d-\d\d [\d:.]+ UTC", "…", first)
