"""Puts a saved query's parameters into its text as markers that statements know; pure.

A query's text names parameters as `:name`, ranges as `:name.min` and `:name.max`. Older queries say
`{{ name }}`, also within quotes of its own, and `{{ name.start }}`: they are read the same way, so
that their values are bound too, where Databricks pasted them.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from spec.errors import Invalid
from spec.query_parameters import Bound, QueryParameter, SqlType

_BRACES = re.compile(r"\{\{\s*([A-Za-z_]\w*)(?:\.(\w+))?\s*\}\}")
_NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_ENDS = {"min": 0, "start": 0, "max": 1, "end": 1}
_NO_MARKER_AFTER = frozenset(
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


@dataclass(frozen=True)
class Value:
    """One value under the name of its marker."""

    name: str
    type: SqlType
    value: str | None


@dataclass(frozen=True)
class BoundText:
    """A text whose markers are all plain `:name`, and their values."""

    text: str
    values: tuple[Value, ...]
    """Those that the text uses."""
    missing: tuple[str, ...]
    """Parameters that the text uses and that have no value."""
    used: frozenset[str]
    """All parameters that the text names."""


@dataclass(frozen=True)
class _Place:
    """Where a text names a parameter."""

    name: str
    end: str | None
    """Which end of a range: `min`, `max`, `start` or `end`."""
    start: int
    stop: int


def bind(
    text: str,
    parameters: Sequence[QueryParameter],
    values: Mapping[str, Bound],
    dialect: str,
    *,
    spell: Callable[[Value], str] = lambda value: f":{value.name}",
) -> BoundText:
    """Return a query's text with plain markers.

    Args:
        text: As saved.
        parameters: Those that the query declares.
        values: What each parameter comes to.
        dialect: Whose quotes and comments count, in sqlglot's word.
        spell: How a value stands in the text.

    Raises:
        Invalid: a marker stands where no value can be bound, or names a part that there is not.
    """
    names = {*values, *(parameter.name for parameter in parameters)}
    pieces: list[str] = []
    bound: dict[str, Value] = {}
    missing: dict[str, None] = {}
    used: set[str] = set()
    at = 0
    for place in _places(text, dialect, names):
        used.add(place.name)
        if place.name not in values:
            missing[place.name] = None
            continue
        stands = _values_at(place, values[place.name], names)
        bound.update((value.name, value) for value in stands)
        pieces += [text[at : place.start], ", ".join(map(spell, stands)) or "NULL"]
        at = place.stop
    pieces.append(text[at:])
    return BoundText("".join(pieces), tuple(bound.values()), tuple(missing), frozenset(used))


def typed(value: Value) -> str:
    """Spell a value's marker with its type, for engines that are given text alone."""
    marker = "NULL" if value.value is None else f":{value.name}"
    if value.type is SqlType.STRING and value.value is not None:
        return marker
    sql_type = "VARCHAR" if value.type is SqlType.STRING else value.type.value
    return f"CAST({marker} AS {sql_type})"


def _values_at(place: _Place, bound: Bound, taken: set[str]) -> list[Value]:
    name = place.name
    if bound.is_range:
        if place.end not in _ENDS:
            raise Invalid(
                f"parameter '{name}' is a range: write :{name}.min and :{name}.max in the text"
            )
        which = _ENDS[place.end]
        own = _free(f"{name}_{('min', 'max')[which]}", taken)
        return [Value(own, bound.type, bound.values[which])]
    if place.end is not None:
        raise Invalid(f"parameter '{name}' has no part '{place.end}': it is not a range")
    if not bound.is_list:
        return [Value(name, bound.type, bound.values[0])]
    return [
        Value(_free(f"{name}_{number}", taken), bound.type, value)
        for number, value in enumerate(bound.values, 1)
    ]


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _places(text: str, dialect: str, names: Collection[str]) -> Iterator[_Place]:
    """Yield where the text names parameters, in order."""
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(text)
    except TokenError as error:
        raise Invalid(f"The query's text cannot be read: {error}") from error
    found = [*_colons(text, tokens), *_braces(text, tokens, names)]
    yield from sorted(found, key=lambda place: place.start)


def _colons(text: str, tokens: Sequence[Token]) -> Iterator[_Place]:
    for before, colon, name in zip([None, *tokens], tokens, tokens[1:], strict=False):
        if colon.token_type is not TokenType.COLON or name.start != colon.end + 1:
            continue
        quoted = name.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
        after_operand = before is not None and before.token_type in _NO_MARKER_AFTER
        if quoted or after_operand or not _NAME.match(name.text):
            continue
        end = re.compile(r"\.(min|max)\b").match(text, name.end + 1)
        yield _Place(name.text, end and end[1], colon.start, end.end() if end else name.end + 1)


def _braces(text: str, tokens: Sequence[Token], names: Collection[str]) -> Iterator[_Place]:
    for found in _BRACES.finditer(text):
        around = next((t for t in tokens if t.start <= found.start() <= t.end), None)
        # In a comment there is no token; and other braces may be anything, e.g. a template's.
        if around is None or found[1] not in names:
            continue
        start, stop = found.span()
        if around.token_type is TokenType.STRING:
            start, stop = around.start, around.end + 1
            if text[start + 1 : stop - 1].strip() != found.group():
                raise Invalid(
                    f"'{found.group()}' stands inside other text, where no value can be bound;"
                    f" write e.g. concat('…', :{found[1]}, '…')"
                )
        elif around.token_type is TokenType.IDENTIFIER:
            raise Invalid(
                f"'{found.group()}' stands for a name; names cannot be parameters in this way"
            )
        yield _Place(found[1], found[2], start, stop)
