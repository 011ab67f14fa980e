"""Programs of check tasks: a query that must return no row; pure.

Rules for a table become one query that returns a row for each rule that is broken, in SQL that
DuckDB and Trino both read.
"""

from collections.abc import Iterator

from spec.attempts import SqlProgram
from spec.errors import Invalid
from spec.references import Context, resolve
from spec.task_types import CheckTask


def check_texts(check: CheckTask) -> tuple[str, ...]:
    """Return the texts, beside the parameters, in which references are resolved."""
    column = check.freshness.column if check.freshness is not None else None
    return tuple(text for text in (check.table, column) if text is not None)


def check_program(check: CheckTask, context: Context) -> SqlProgram:
    """Return what the engine is to run; job parameters can be named in `sql` as `:name` too.

    Raises:
        Invalid: `table` names no table.
    """
    if check.sql is not None:
        values = {name: resolve(text, context) for name, text in check.parameters.items()}
        return SqlProgram(text=check.sql, parameters=values | dict(context.parameters), check=True)
    return SqlProgram(text=_rules(check, context), check=True)


def _rules(check: CheckTask, context: Context) -> str:
    table = _table(resolve(check.table or "", context))
    column = resolve(check.freshness.column, context) if check.freshness is not None else None
    newest = "" if column is None else f", max({_quoted(column)}) AS newest"
    facts = f"SELECT count(*) AS row_count{newest} FROM {table}"  # noqa: S608 - quoted
    rules = "\n  UNION ALL ".join(_each(check, column))
    return (
        f"WITH facts AS ({facts})\n"
        f"SELECT rule, expected, found FROM (\n  {rules}\n) AS rules\nWHERE NOT holds"
    )


def _each(check: CheckTask, column: str | None) -> Iterator[str]:
    """Yield one SELECT a rule, over one row of facts."""
    rows = "CAST(row_count AS varchar)"
    if check.min_rows is not None:
        at_least = _literal(f"at least {check.min_rows} rows")
        yield _rule("min_rows", at_least, rows, f"row_count >= {check.min_rows}")
    if check.max_rows is not None:
        at_most = _literal(f"at most {check.max_rows} rows")
        yield _rule("max_rows", at_most, rows, f"row_count <= {check.max_rows}")
    if check.freshness is not None:
        age = check.freshness.max_age_seconds
        expected = _literal(f"{column} at most {age} s old")
        found = "coalesce(CAST(newest AS varchar), 'no value')"
        fresh = f"newest >= current_timestamp - INTERVAL '{age}' SECOND"
        yield _rule("freshness", expected, found, f"coalesce({fresh}, false)")


def _rule(name: str, expected: str, found: str, holds: str) -> str:
    return (
        f"SELECT '{name}' AS rule, {expected} AS expected, {found} AS found,"  # noqa: S608 - ours
        f" {holds} AS holds FROM facts"
    )


def _table(name: str) -> str:
    parts = name.split(".")
    if len(parts) not in (2, 3) or not all(part.strip() for part in parts):
        raise Invalid(f"'{name}' names no table; write schema.table or catalog.schema.table")
    return ".".join(_quoted(part.strip()) for part in parts)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
