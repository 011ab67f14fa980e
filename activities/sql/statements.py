"""Splits a SQL script and finds its `:name` markers, by tokens: never inside quotes or comments."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from spec.errors import EngineRejected

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OPERANDS = frozenset(
    {
        TokenType.VAR,
        TokenType.IDENTIFIER,
        TokenType.STRING,
        TokenType.NUMBER,
        TokenType.R_PAREN,
        TokenType.R_BRACKET,
        TokenType.R_BRACE,
    }
)
"""After one of these a colon is an operator (slice, key of a struct), never a marker."""


@dataclass(frozen=True)
class Marker:
    """One `:name` in a statement's text."""

    name: str
    start: int
    end: int
    """Offset after the last character."""


@dataclass(frozen=True)
class Statement:
    """One statement as written, and the parameters it names."""

    text: str
    markers: tuple[Marker, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters in the order of their markers, repeated as they are."""
        return tuple(marker.name for marker in self.markers)

    def bound(self, spelling: Callable[[str], str]) -> str:
        """Return the text with every marker spelled as the engine wants it."""
        pieces: list[str] = []
        at = 0
        for marker in self.markers:
            pieces += [self.text[at : marker.start], spelling(marker.name)]
            at = marker.end
        return "".join([*pieces, self.text[at:]])


def split(script: str, dialect: str) -> list[Statement]:
    """Return the statements of a script, without the semicolons between them.

    Args:
        script: One or more statements.
        dialect: Whose quotes and comments count: `duckdb` or `trino`.

    Raises:
        EngineRejected: a quote or comment is never closed.
    """
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(script)
    except TokenError as error:
        raise EngineRejected(f"The SQL cannot be read: {error}") from error
    groups: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            groups.append([])
        else:
            groups[-1].append(token)
    return [_statement(script, group) for group in groups if group]


def check_values(statements: list[Statement], values: dict[str, str]) -> None:
    """Make sure that every parameter has a value.

    Raises:
        EngineRejected: some have none; names them all.
    """
    missing = sorted({name for each in statements for name in each.names} - set(values))
    if missing:
        names = ", ".join(f"':{name}'" for name in missing)
        raise EngineRejected(
            f"The SQL uses {names} but the task gives no such parameter; "
            "add it to the task's 'parameters'"
        )


def _statement(script: str, tokens: list[Token]) -> Statement:
    start = tokens[0].start
    text = script[start : tokens[-1].end + 1]
    markers = [
        Marker(name.text, colon.start - start, name.end + 1 - start)
        for before, colon, name in zip([None, *tokens], tokens, tokens[1:], strict=False)
        if _is_marker(before, colon, name)
    ]
    return Statement(text, tuple(markers))


def _is_marker(before: Token | None, colon: Token, name: Token) -> bool:
    return (
        colon.token_type is TokenType.COLON
        and name.start == colon.end + 1
        and _NAME.match(name.text) is not None
        and name.token_type not in (TokenType.STRING, TokenType.IDENTIFIER)
        and (before is None or before.token_type not in _OPERANDS)
    )
