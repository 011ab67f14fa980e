"""Translates one statement at a time."""

from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError, UnsupportedError

from activities.sql.databricks import commands, duckdb_form, queries, reading, tables, trino_form
from activities.sql.databricks.catalog_queries import Session, Table
from activities.sql.databricks.refusal import refused
from activities.sql.databricks.tables import Columns
from spec.errors import EngineRejected
from spec.tasks import Engine

_NONE: Columns = {}
_FAULTS = (SqlglotError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def translate(
    text: str, engine: Engine, *, catalog: str, schema: str, columns: Columns = _NONE
) -> str:
    """Return one statement of Databricks SQL in the engine's dialect.

    Names stay as they are written: the engine is to look them up in the same catalog and schema.
    Named markers (`:name`) stay markers, though there may be more or fewer of each.

    Args:
        text: One statement, without a semicolon.
        engine: DuckDB or Trino.
        catalog: Of names that give none.
        schema: Of names that give none.
        columns: Of the tables that `needs_columns` names.

    Raises:
        EngineRejected: it cannot be read, or cannot be translated; names the construct and where
            it is, and says what to do instead.
    """
    session = Session(catalog, schema)
    try:
        return _translated(text, engine, session, columns)
    except _FAULTS as error:
        # sqlglot's own stumbling over a statement that nobody has tried before.
        raise EngineRejected(f"Databricks SQL cannot be translated: {error!r}") from error


def needs_columns(text: str, engine: Engine, *, catalog: str, schema: str) -> list[Table]:
    """Return the tables whose columns `translate` must be told: of `MERGE … UPDATE SET *`.

    Raises:
        EngineRejected: the statement cannot be read.
    """
    if engine is not Engine.TRINO or "MERGE" not in text.upper():
        return []
    return tables.unknown_tables(_parsed(text), engine, Session(catalog, schema))


def entered(text: str, *, catalog: str, schema: str) -> tuple[str, str]:
    """Return the catalog and schema after a statement: only `USE` changes them.

    Raises:
        EngineRejected: the statement cannot be read.
    """
    session = commands.entered(text, Session(catalog, schema))
    return session.catalog, session.schema


def _translated(text: str, engine: Engine, session: Session, columns: Columns) -> str:
    command = commands.translated(text, session, engine)
    if command is not None:
        return command
    tree = _parsed(text)
    wanted = _names(tree)
    tables.adjust(tree, engine, session, columns)
    tree = queries.adjust(tree, engine)
    spelled = _spelled(tree, engine)
    _check_nothing_lost(wanted, spelled, engine)
    return spelled


def _parsed(text: str) -> exp.Expr:
    tree = reading.tree(text)
    if not isinstance(tree, tables.KNOWN):
        words = " ".join(text.split()[:2]).upper()
        raise refused(words, "there is no such statement here")
    return tree


def _spelled(tree: exp.Expr, engine: Engine) -> str:
    is_trino = engine is Engine.TRINO
    kind = trino_form.TrinoForm if is_trino else duckdb_form.DuckdbForm
    dialect = trino_form.DIALECT if is_trino else duckdb_form.DIALECT
    form = kind(dialect=dialect, unsupported_level=ErrorLevel.RAISE, comments=False)
    try:
        return form.generate(tree, copy=False)
    except UnsupportedError as error:
        reason = " ".join(str(error).split())
        raise EngineRejected(f"Databricks SQL that {engine.value} cannot do: {reason}") from error


def _names(tree: exp.Expr) -> dict[str, exp.Expr]:
    """Return what must not get lost: columns, tables, markers, variables of lambdas."""
    found: dict[str, exp.Expr] = {}
    for node in tree.find_all(exp.Column, exp.Table, exp.Placeholder, exp.Lambda):
        names = [each.name for each in node.expressions] if isinstance(node, exp.Lambda) else []
        for name in names or [node.name]:
            found.setdefault(name.lower(), node)
    return {name: node for name, node in found.items() if name not in ("", "*")}


def _check_nothing_lost(wanted: dict[str, exp.Expr], spelled: str, engine: Engine) -> None:
    """Make sure that the parser and the generator have dropped no part of the statement."""
    dialect = trino_form.DIALECT if engine is Engine.TRINO else duckdb_form.DIALECT
    there = {token.text.lower() for token in dialect.tokenize(spelled)}
    for name, node in wanted.items():
        if name not in there and name.strip('"') not in spelled.lower():
            reason = f"{engine.value} has no form for what it is part of; write it otherwise"
            raise refused(f"{name!r}", reason, node)
