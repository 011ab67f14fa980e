"""Spells `IS NULL` and `IS NOT NULL` so that DuckDB's Iceberg extension answers them rightly.

The extension (1.4.4) hands these tests down to the scan, which then skips the files that say which
rows were deleted: deleted rows come back (duckdb-iceberg, issue 691). `IS DISTINCT FROM NULL`
means the same and stays above the scan. Only the standard library: dbt's environment runs it too.
"""

import re

_PIECE = re.compile(
    r"""
    (?P<skip> [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
      | --[^\n]* | /\*.*?\*/ | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<test> \b(?:IS\s+(?P<negated>NOT\s+)?NULL | (?P<not>NOTNULL) | ISNULL)\b )
      # Before an operator the words would bind otherwise; there the scan does not see them anyway.
      (?! \s* (?: [=<>!|+*%^&~\[:] | -(?!-) | /(?!\*) | IS\b | COLLATE\b ) )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def respell(statement: str) -> str:
    """Return the statement with its null tests spelled otherwise; quotes and comments stay."""
    return _PIECE.sub(_replace, statement)


def _replace(found: re.Match[str]) -> str:
    if found["test"] is None:
        return found[0]
    is_not = found["negated"] is not None or found["not"] is not None
    return "IS DISTINCT FROM NULL" if is_not else "IS NOT DISTINCT FROM NULL"
