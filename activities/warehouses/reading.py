"""What a statement's text says before it runs: one statement, its parameters, what it is about."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlglot import Dialect, exp

from activities.sql import databricks, portable
from activities.sql.statements import Statement, split
from spec.attempts import SqlDialect
from spec.errors import EngineRejected
from spec.statements import Parameter, StatementBody
from spec.tasks import Engine
from spec.warehouses import WarehouseConfig

ColumnsOf = Callable[[tuple[str, str, str]], Awaitable[Sequence[str]]]

_DIALECTS = {Engine.DUCKDB: "duckdb", Engine.TRINO: "trino"}
"""sqlglot's names."""
_MOST_NAMED = 5
_SHOWING = ("SHOW", "DESCRIBE", "DESC", "EXPLAIN", "SUMMARIZE")
_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Into)


@dataclass(frozen=True)
class Reading:
    """One statement in the engine's SQL."""

    statement: Statement
    parameters: dict[str, Parameter]
    """Exactly those that its markers name."""
    tree: exp.Expr | None
    """None when sqlglot does not know its form."""
    kind: str
    """Its first word, e.g. SELECT; of CREATE, DROP and ALTER the first two."""

    @property
    def only_reads(self) -> bool:
        """Running it twice is the same as once; it is run with a token that cannot write."""
        return self.is_query or self.kind in _SHOWING

    @property
    def is_query(self) -> bool:
        """It is a query and leaves nothing behind, not even in its session."""
        return isinstance(self.tree, portable.Query) and not self.tree.find(*_CHANGES)

    @property
    def is_repeatable(self) -> bool:
        """Running it twice is the same as once, by its form alone."""
        return self.only_reads or portable.is_repeatable(self.tree)


async def read(
    body: StatementBody, warehouse: WarehouseConfig, place: tuple[str, str], columns: ColumnsOf
) -> Reading:
    """Read a statement, and translate it if the warehouse takes Databricks SQL.

    Args:
        body: As sent.
        warehouse: Whose dialect and engine count.
        place: Catalog and schema of names that give none.
        columns: Tells the columns of a table, which some translations need.

    Raises:
        EngineRejected: there is no statement or more than one, a marker without a value or a value
            without a marker; a quote or comment is never closed; or it cannot be translated.
    """
    dialect = _DIALECTS[warehouse.engine]
    if warehouse.dialect is SqlDialect.ENGINE:
        written = statement = _only(split(body.text, dialect))
    else:
        written = _only(split(body.text, "databricks"))
        statement = await _translated(written.text, warehouse.engine, place, columns)
    given = _checked(written, body)
    named = {name: given[name] for name in statement.names}
    tree = portable.parse(statement.bound(lambda name: "?"), dialect)
    return Reading(statement, named, tree, _kind(written.text, dialect))


def _only(statements: list[Statement]) -> Statement:
    if len(statements) != 1:
        raise EngineRejected(
            "The text has no SQL statement in it."
            if not statements
            else f"The text has {len(statements)} SQL statements; send them one by one, or run them"
            " as a sql task of a job."
        )
    return statements[0]


async def _translated(
    text: str, engine: Engine, place: tuple[str, str], columns: ColumnsOf
) -> Statement:
    where = {"catalog": place[0], "schema": place[1]}
    tables = databricks.needs_columns(text, engine, **where)
    known = {table: await columns(table) for table in tables}
    translated = databricks.translate(text, engine, **where, columns=known)
    return _only(split(translated, _DIALECTS[engine]))


def _checked(statement: Statement, body: StatementBody) -> dict[str, Parameter]:
    given = {each.name: each for each in body.parameters}
    named = set(statement.names)
    if missing := sorted(named - given.keys()):
        raise EngineRejected(
            f"The statement names {_listed(missing)}, which has no value; give it one in"
            " 'parameters'."
        )
    if unused := sorted(given.keys() - named):
        raise EngineRejected(
            f"The statement has no marker {_listed(unused)}, though 'parameters' gives a value;"
            " markers in quotes and comments do not count."
        )
    return given


def _listed(names: list[str]) -> str:
    shown = ", ".join(f":{name}" for name in names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and others"


def _kind(text: str, dialect: str) -> str:

    words = [token.text.upper() for token in Dialect.get_or_raise(dialect).tokenize(text)[:8]]
    words = [word for word in words if word not in ("OR", "REPLACE", "TEMP", "TEMPORARY", "(")]
    if not words:
        return ""
    return " ".join(words[:2]) if words[0] in ("CREATE", "DROP", "ALTER") else words[0][:30]
