"""SCIM filters and sort keys (RFC 7644 section 3.4.2.2) as conditions of a query.

Comparisons are `eq`, `ne`, `co`, `sw`, `ew` and `pr`, joined by `and`, `or`, `not` and brackets.
Text is compared without regard to case, as RFC 7643 has it for the attributes that are here.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    String,
    and_,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    true,
)
from sqlmodel import col

from control.identity.errors import InvalidFilter
from control.workspaces.tables import Principal, PrincipalKind

MOST_CHARACTERS = 4_000
_MOST_DEPTH = 30

_TOKEN = re.compile(r'\s*(?:(\(|\))|("(?:[^"\\]|\\.)*")|([^\s()"]+))')


def _kept(*path: str) -> ColumnElement[Any]:
    """Return the text of an attribute that is kept as JSON."""
    return func.jsonb_extract_path_text(col(Principal.attributes), *path, type_=String)


_SHARED: Mapping[str, Any] = {
    "id": cast(col(Principal.principal_id), String),
    "externalid": col(Principal.external_id),
    "active": col(Principal.active),
}
_EMAIL = _kept("emails", "0", "value")
_COLUMNS: Mapping[PrincipalKind, Mapping[str, Any]] = {
    PrincipalKind.USER: {
        **_SHARED,
        "username": col(Principal.user_name),
        "displayname": col(Principal.display_name),
        "name.givenname": _kept("name", "givenName"),
        "name.familyname": _kept("name", "familyName"),
        "emails": _EMAIL,
        "emails.value": _EMAIL,
    },
    PrincipalKind.SERVICE_PRINCIPAL: {
        **_SHARED,
        "applicationid": col(Principal.user_name),
        "displayname": col(Principal.display_name),
    },
    PrincipalKind.GROUP: {
        **{name: column for name, column in _SHARED.items() if name != "active"},
        "displayname": col(Principal.user_name),
    },
}


def column_of(kind: PrincipalKind, attribute: str) -> ColumnElement[Any]:
    """Return the column that an attribute is sorted and filtered by.

    Raises:
        InvalidFilter: there is no such attribute; says which there are.
    """
    columns = _COLUMNS[kind]
    found = columns.get(attribute.rpartition(":")[2].lower())
    if found is None:
        names = ", ".join(columns)
        raise InvalidFilter(f"'{attribute}' cannot be filtered or sorted by; take one of {names}")
    return found


def condition(kind: PrincipalKind, text: str | None) -> ColumnElement[bool]:
    """Return the condition that a filter says; without one, all pass.

    Raises:
        InvalidFilter: it cannot be read; says where.
    """
    if text is None or not text.strip():
        return true()
    if len(text) > MOST_CHARACTERS:
        raise InvalidFilter(f"the filter has more than {MOST_CHARACTERS} characters")
    return _Reader(kind, text).whole()


class _Reader:
    """Reads one filter from left to right."""

    def __init__(self, kind: PrincipalKind, text: str) -> None:
        self._kind = kind
        self._words = _split(text)
        self._at = 0

    def whole(self) -> ColumnElement[bool]:
        found = self._either(0)
        if self._at < len(self._words):
            raise InvalidFilter(f"the filter goes on with '{self._words[self._at]}' after its end")
        return found

    def _either(self, depth: int) -> ColumnElement[bool]:
        parts = [self._both(depth)]
        while self._take("or"):
            parts.append(self._both(depth))
        return or_(false(), *parts)

    def _both(self, depth: int) -> ColumnElement[bool]:
        parts = [self._one(depth)]
        while self._take("and"):
            parts.append(self._one(depth))
        return and_(true(), *parts)

    def _one(self, depth: int) -> ColumnElement[bool]:
        if depth > _MOST_DEPTH:
            raise InvalidFilter("the filter has too many brackets in each other")
        if self._take("not"):
            return not_(self._one(depth + 1))
        if self._take("("):
            inner = self._either(depth + 1)
            if not self._take(")"):
                raise InvalidFilter("the filter lacks a closing bracket")
            return inner
        return self._comparison()

    def _comparison(self) -> ColumnElement[bool]:
        attribute, operator = self._next("an attribute"), self._next("an operator").lower()
        column = column_of(self._kind, attribute)
        if operator == "pr":
            return column.is_not(None)
        compare = _COMPARISONS.get(operator)
        if compare is None:
            known = ", ".join(_COMPARISONS)
            raise InvalidFilter(f"the operator '{operator}' is none of {known}, pr")
        value = self._next("a value")
        if not isinstance(column.type, Boolean):
            return compare(func.lower(func.coalesce(column, "")), _text(value).lower())
        if operator not in ("eq", "ne") or value.lower() not in ("true", "false"):
            raise InvalidFilter(f"'{attribute}' is compared by eq or ne with true or false")
        return compare(column, literal(value.lower() == "true"))

    def _take(self, word: str) -> bool:
        here = self._at < len(self._words) and self._words[self._at].lower() == word
        self._at += here
        return here

    def _next(self, what: str) -> str:
        if self._at >= len(self._words):
            raise InvalidFilter(f"the filter ends where {what} should stand")
        self._at += 1
        return self._words[self._at - 1]


_COMPARISONS: Mapping[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column != value,
    "co": lambda column, value: column.contains(value, autoescape=True),
    "sw": lambda column, value: column.startswith(value, autoescape=True),
    "ew": lambda column, value: column.endswith(value, autoescape=True),
}


def _split(text: str) -> list[str]:
    words: list[str] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise InvalidFilter(f"the filter cannot be read from '{text[at : at + 20]}' on")
        words.append(found[1] or found[2] or found[3])
        at = found.end()
    return words


def _text(value: str) -> str:
    """Return a value without its quotes; one that has none is taken as it is."""
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    plain = re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value
    if any(character < " " for character in plain):
        raise InvalidFilter("the filter has a control character")
    return plain
