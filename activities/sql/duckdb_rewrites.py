"""Statements that DuckDB's Iceberg extension lacks, done by writing a table's rows anew.

`INSERT OVERWRITE`, `MERGE` and `INSERT` with names of columns (1.4.4 has none of them on Iceberg).
Each is one commit; readers see the table before or after. A merge happens in a temporary table, and
all rows are written anew, so it costs as much as the table is large.
"""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import duckdb
from sqlglot import exp

from activities.sql import portable
from spec.errors import EngineRejected

STAGE = "temp.main.__openlake_stage"
"""Rows on their way into a table."""

_MAYBE = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:MERGE|INSERT|WITH)\b", re.I | re.S)
"""Only these are worth a closer look."""

Run = Callable[[], Any]


class Lake(Protocol):
    """What a rewrite asks of the connection it works on."""

    def name_of(self, table: exp.Table) -> str | None:
        """Return a table's full name in SQL; None when it is not in the lakehouse."""
        ...

    def column_names(self, name: str) -> list[str]:
        """Return the columns of a table, by its full name in SQL; none when it does not exist."""
        ...


def rewriting(
    db: duckdb.DuckDBPyConnection, lake: Lake, text: str, values: Mapping[str, Any]
) -> Run | None:
    """Return what does the statement, or None when DuckDB can do it by itself.

    Args:
        db: Has the lakehouse attached.
        lake: Knows its tables.
        text: One statement in DuckDB's dialect.
        values: Of its parameters (`$name`).
    """
    if _MAYBE.match(text) is None:
        return None
    tree = portable.parse(text, "duckdb")
    target = tree.this if isinstance(tree, exp.Merge | exp.Insert) else None
    table = target.this if isinstance(target, exp.Schema) else target
    name = lake.name_of(table) if isinstance(table, exp.Table) else None
    if name is None:
        return None
    if isinstance(tree, exp.Merge):
        return lambda: _merge(db, tree, name, dict(values))
    if isinstance(tree, exp.Insert) and (
        tree.args.get("overwrite") or tree.args.get("by_name") or isinstance(target, exp.Schema)
    ):
        return lambda: _insert(db, lake, tree, name, dict(values))
    return None


def refill(db: duckdb.DuckDBPyConnection, name: str, fill: str) -> Any:
    """Replace all rows of a table in one commit, by those that the query `fill` gives.

    Raises:
        duckdb.Error: nothing has changed.
    """
    db.execute("BEGIN")
    with _undone_on_error(db):
        db.execute(f"DELETE FROM {name}")  # noqa: S608
        count = db.execute(f"INSERT INTO {name} {fill}").fetchone()
        db.execute("COMMIT")
    return _counted(db, count)


def _insert(
    db: duckdb.DuckDBPyConnection, lake: Lake, tree: exp.Insert, name: str, values: dict[str, Any]
) -> Any:
    query = tree.expression.sql(dialect="duckdb")
    common = tree.args.get("with_")
    query = f"{common.sql(dialect='duckdb')} {query}" if common is not None else query
    # Staged first: the query may read the very table that it fills.
    db.execute(f"CREATE OR REPLACE TEMP TABLE {STAGE} AS {query}", values)
    fill = f"SELECT * FROM {STAGE}"  # noqa: S608
    if isinstance(tree.this, exp.Schema):
        fill = _in_order(db, lake.column_names(name), [each.name for each in tree.this.expressions])
    elif tree.args.get("by_name"):
        fill = _in_order(db, lake.column_names(name), None)
    if tree.args.get("overwrite"):
        return refill(db, name, fill)
    return db.execute(f"INSERT INTO {name} {fill}")


def _in_order(db: duckdb.DuckDBPyConnection, table: list[str], named: list[str] | None) -> str:
    """Select what is staged in the order of the table's columns; those not named are null."""
    staged = [row[0] for row in db.execute(f"DESCRIBE {STAGE}").fetchall()]
    names = staged if named is None else named
    if len(names) != len(staged):
        raise EngineRejected(f"INSERT names {len(names)} columns and gives {len(staged)} values")
    found = {name.lower(): column for name, column in zip(names, staged, strict=True)}
    unknown = sorted(set(found) - {name.lower() for name in table})
    if unknown:
        raise EngineRejected(f"INSERT names columns the table lacks: {', '.join(unknown)}")
    values = [_quoted(found[name.lower()]) if name.lower() in found else "NULL" for name in table]
    return f"SELECT {', '.join(values)} FROM {STAGE}"  # noqa: S608


def _merge(
    db: duckdb.DuckDBPyConnection, tree: exp.Merge, name: str, values: dict[str, Any]
) -> Any:
    merge = _on_stage(tree)
    # The copy is made in the transaction that replaces it: a writer in between is a conflict.
    db.execute("BEGIN")
    with _undone_on_error(db):
        db.execute(f"CREATE OR REPLACE TEMP TABLE {STAGE} AS SELECT * FROM {name}")  # noqa: S608
        _check_single_matches(db, merge, values)
        count = db.execute(merge.sql(dialect="duckdb"), values).fetchone()
        db.execute(f"DELETE FROM {name}")  # noqa: S608
        db.execute(f"INSERT INTO {name} SELECT * FROM {STAGE}")  # noqa: S608
        db.execute("COMMIT")
    return _counted(db, count)


def _on_stage(tree: exp.Merge) -> exp.Merge:
    """Return the same merge into the stage, which goes by the target's name."""
    merge = tree.copy()
    target: exp.Table = merge.this
    alias = target.alias or target.name
    for column in merge.find_all(exp.Column):
        if column.args.get("db") is not None and column.table == target.name:
            column.set("db", None)
            column.set("catalog", None)
    catalog, schema, table = STAGE.split(".")
    target.replace(exp.alias_(exp.table_(table, db=schema, catalog=catalog), alias, table=True))
    return merge


def _check_single_matches(
    db: duckdb.DuckDBPyConnection, merge: exp.Merge, values: dict[str, Any]
) -> None:
    """Refuse a row that several source rows would update: DuckDB takes any of them."""
    whens: list[exp.When] = merge.args["whens"].expressions
    if not any(
        when.args.get("matched") and isinstance(when.args.get("then"), exp.Update) for when in whens
    ):
        return
    target, source, condition = (
        merge.args[part].sql(dialect="duckdb") for part in ("this", "using", "on")
    )
    row = f"{_quoted(merge.this.alias)}.rowid"
    used = {
        each.name
        for part in ("using", "on")
        for each in merge.args[part].find_all(exp.Parameter, exp.Placeholder)
    }
    found = db.execute(
        f"SELECT {row} FROM {target} JOIN {source} ON {condition} "  # noqa: S608
        f"GROUP BY {row} HAVING count(*) > 1 LIMIT 1",
        {name: value for name, value in values.items() if name in used},
    ).fetchone()
    if found is not None:
        raise EngineRejected(
            "MERGE: several source rows match one row of the table; make them one in the source"
        )


@contextmanager
def _undone_on_error(db: duckdb.DuckDBPyConnection) -> Generator[None]:
    try:
        yield
    except (duckdb.Error, EngineRejected):
        # A commit that failed has ended the transaction by itself.
        with suppress(duckdb.TransactionException):
            db.execute("ROLLBACK")
        raise


def _counted(db: duckdb.DuckDBPyConnection, count: tuple[Any, ...] | None) -> Any:
    return db.execute(f"SELECT {count[0] if count else 0}::BIGINT AS Count")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
