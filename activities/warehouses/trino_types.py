"""Trino's types: read from their text, as Arrow types, and their JSON values as Arrow arrays.

See Trino's documentation "Data types" and the client protocol's encoding of them as JSON.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]

from activities.warehouses.types import column_of
from spec.statements import Column, TypeName

_pa: Any = pa

_TOKEN = re.compile(r'\s*("(?:[^"]|"")*"|[(),]|[^\s(),"]+)')
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)\Z")

_PLAIN: dict[str, Any] = {
    "boolean": _pa.bool_(),
    "tinyint": _pa.int8(),
    "smallint": _pa.int16(),
    "integer": _pa.int32(),
    "bigint": _pa.int64(),
    "real": _pa.float32(),
    "double": _pa.float64(),
    "date": _pa.date32(),
    "varbinary": _pa.binary(),
    "unknown": _pa.null(),
}
_INTERVALS = {
    "interval year to month": "YEAR TO MONTH",
    "interval day to second": "DAY TO SECOND",
}


@dataclass(frozen=True)
class TrinoType:
    """A type, read."""

    name: str
    """Without its arguments, e.g. `timestamp with time zone`."""
    numbers: tuple[int, ...] = ()
    """Length, or precision and scale."""
    parts: tuple["TrinoType", ...] = ()
    """Of an array its elements', of a map its keys' and values', of a row its fields'."""
    fields: tuple[str, ...] = ()
    """Names of a row's fields; empty text for those without."""

    @property
    def arrow(self) -> Any:
        """The Arrow type of its values; what Arrow has no type for is text."""
        if self.name in _PLAIN:
            return _PLAIN[self.name]
        match self.name:
            case "decimal":
                return _pa.decimal128(*self.numbers)
            case "timestamp" | "timestamp with time zone":
                zone = "UTC" if self.name != "timestamp" else None
                return _pa.timestamp("us" if (self.numbers or (3,))[0] <= 6 else "ns", zone)
            case "array":
                return _pa.list_(self.parts[0].arrow)
            case "map":
                return _pa.map_(self.parts[0].arrow, self.parts[1].arrow)
            case "row":
                names = self.field_names
                return _pa.struct(
                    [(name, part.arrow) for name, part in zip(names, self.parts, strict=True)]
                )
            case _:
                return _pa.string()

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of a row's fields; those without one are numbered."""
        return tuple(name or f"field{i}" for i, name in enumerate(self.fields))

    def column(self, name: str) -> Column:
        """Return a result column of this type."""
        if (interval := _INTERVALS.get(self.name)) is None:
            return column_of(name, self.arrow)
        return Column(
            name=name,
            type_name=TypeName.INTERVAL,
            type_text=f"INTERVAL {interval}",
            interval=interval,
        )

    def array(self, values: Sequence[Any]) -> Any:
        """Return values, as the client protocol has them, as an Arrow array."""
        arrow = self.arrow
        if self.name in ("decimal", "date", "timestamp"):
            # As text at once: a value at a time is ten times slower.
            return _pa.array(values, _pa.string()).cast(arrow)
        if self.name in ("boolean", "tinyint", "smallint", "integer", "bigint", "varchar"):
            return _pa.array(values, arrow)
        if self.name in ("real", "double") and not any(isinstance(each, str) for each in values):
            return _pa.array(values, arrow)
        return _pa.array([self._value(each) for each in values], arrow)

    def _value(self, value: Any) -> Any:
        """Return one value as pyarrow takes it."""
        if value is None:
            return None
        match self.name:
            case "array":
                return [self.parts[0]._value(each) for each in value]
            case "map":
                keys, items = self.parts
                return [(keys._key(key), items._value(each)) for key, each in value.items()]
            case "row":
                named = zip(self.field_names, self.parts, value, strict=True)
                return {name: part._value(each) for name, part, each in named}
            case "real" | "double":
                return float(value)
            case "decimal":
                return Decimal(value)
            case "varbinary":
                return base64.b64decode(value)
            case "date":
                return datetime.fromisoformat(value).date()
            case "timestamp":
                return datetime.fromisoformat(value[:26])
            case "timestamp with time zone":
                return _instant(value)
            case "boolean" | "tinyint" | "smallint" | "integer" | "bigint" | "unknown":
                return value
            case _:
                return str(value)

    def _key(self, text: str) -> Any:
        """Return a key of a map, which JSON has as text."""
        match self.name:
            case "tinyint" | "smallint" | "integer" | "bigint":
                return int(text)
            case "boolean":
                return text == "true"
            case _:
                return self._value(text)


def read_type(text: str) -> TrinoType:
    """Read a type as Trino spells it."""
    tokens = [found[1] for found in _TOKEN.finditer(text)]
    kind, _ = _type(tokens, 0)
    return kind


def _type(tokens: list[str], at: int) -> tuple[TrinoType, int]:
    words = [tokens[at].lower()]
    at += 1
    numbers: list[int] = []
    parts: list[TrinoType] = []
    names: list[str] = []
    if at < len(tokens) and tokens[at] == "(":
        at += 1
        while tokens[at] != ")":
            if tokens[at] == ",":
                at += 1
            elif tokens[at].isdecimal():
                numbers.append(int(tokens[at]))
                at += 1
            else:
                name, at = _field_name(tokens, at) if words[0] == "row" else ("", at)
                part, at = _type(tokens, at)
                parts.append(part)
                names.append(name)
        at += 1
    while at < len(tokens) and tokens[at] not in "(),":
        # The rest of `timestamp(3) with time zone` and `interval day to second`.
        words.append(tokens[at].lower())
        at += 1
    return TrinoType(" ".join(words), tuple(numbers), tuple(parts), tuple(names)), at


def _field_name(tokens: list[str], at: int) -> tuple[str, int]:
    """Read the name of a row's field, which may be missing."""
    if tokens[at].startswith('"'):
        return tokens[at][1:-1].replace('""', '"'), at + 1
    following = tokens[at + 1] if at + 1 < len(tokens) else ")"
    has_name = following not in "()," and tokens[at].lower() not in (
        "interval",
        "timestamp",
        "time",
    )
    return (tokens[at], at + 1) if has_name else ("", at)


def _instant(text: str) -> datetime:
    """Read `2024-02-29 01:02:03.000 Europe/Berlin`; what is finer than microseconds is cut."""
    local, _, zone = text.rpartition(" ")
    at = datetime.fromisoformat(local[:26])
    if zone == "UTC":
        return at.replace(tzinfo=UTC)
    if offset := _OFFSET.match(zone):
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return at.replace(tzinfo=timezone(ahead if offset[1] == "+" else -ahead))
    return at.replace(tzinfo=ZoneInfo(zone))
