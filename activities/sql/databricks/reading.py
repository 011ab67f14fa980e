"""Reads statements of Databricks SQL: into words, or into a tree."""

import re
from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.databricks import Databricks
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.parsers.databricks import DatabricksParser
from sqlglot.tokenizer_core import Token

from spec.errors import EngineRejected

_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"<Token token_type.*SENTINEL.*>")
_DIALECT = Databricks()


def tokens(text: str) -> list[Token]:
    """Return the tokens of a statement, commands taken apart like any other.

    Raises:
        EngineRejected: a quote or comment is never closed.
    """
    try:
        found = _DIALECT.tokenize(text)
        if not found:
            return []
        # sqlglot keeps what follows SHOW and its like as one string.
        first = found[0]
        word = _WORD.match(text, first.start)
        if word is None:
            return found
        rest = " " * word.end() + text[word.end() :]
        rest = "".join("\n" if old == "\n" else new for old, new in zip(text, rest, strict=True))
        verb = Token(first.token_type, word[0], first.line, first.col, first.start, word.end() - 1)
        return [verb, *_DIALECT.tokenize(rest)]
    except TokenError as error:
        raise EngineRejected(f"Databricks SQL cannot be read: {error}") from error


def tree(text: str) -> exp.Expr:
    """Return a statement as a tree.

    Raises:
        EngineRejected: it cannot be read; tells where.
    """
    try:
        found = _Parser(dialect=_DIALECT).parse(_DIALECT.tokenize(text), text)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        place = f"line {first.get('line')}, column {first.get('col')}"
        near = f" near {first.get('highlight')!r}" if first.get("highlight") else ""
        described = _TOKEN.sub("the end", first.get("description") or "it is not valid")
        reason = f"{described.rstrip('.')} at {place}{near}"
        raise EngineRejected(f"Databricks SQL cannot be read: {reason}") from error
    except SqlglotError as error:
        raise EngineRejected(f"Databricks SQL cannot be read: {error}") from error
    if len(found) != 1 or found[0] is None:
        raise EngineRejected("Databricks SQL cannot be read: give one statement")
    return found[0]


def _difference(arguments: list[Any]) -> exp.DateDiff:
    """Without a unit two dates are told apart, with one the time that has passed."""
    if len(arguments) == 2:
        end, start = arguments
        return exp.DateDiff(
            this=end, expression=start, unit=exp.var("DAY"), date_part_boundary=True
        )
    if len(arguments) != 3:
        raise EngineRejected("Databricks SQL: datediff: give two dates, or a unit and two")
    unit, start, end = arguments
    return exp.DateDiff(this=end, expression=start, unit=exp.var(unit.name.upper()))


class _Parser(DatabricksParser):
    FUNCTIONS: ClassVar[dict[str, Callable[..., Any]]] = {
        **DatabricksParser.FUNCTIONS,  # pyright: ignore[reportUnknownMemberType]
        "DATEDIFF": _difference,
        "DATE_DIFF": _difference,
    }
