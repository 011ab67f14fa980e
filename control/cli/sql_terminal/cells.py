"""Values of an answer as text, for tables, CSV and JSON."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, cast

Batch = Any
"""A `pyarrow.RecordBatch`."""

_NUMBERS = frozenset({"BYTE", "SHORT", "INT", "LONG", "FLOAT", "DOUBLE", "DECIMAL"})


def is_number(column: Mapping[str, Any]) -> bool:
    """Tell whether a column stands at the right."""
    return column["type_name"] in _NUMBERS


def rows_of(batch: Batch) -> Iterator[tuple[Any, ...]]:
    """Yield a batch's rows as Python values."""
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)


def plain(value: Any) -> Any:
    """Return a value as JSON has it; what JSON has no form for becomes text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        return {str(key): plain(each) for key, each in fields.items()}
    if isinstance(value, Sequence):
        return _list(cast("Sequence[Any]", value))
    return str(value)


def _list(values: Sequence[Any]) -> Any:
    # Maps come as pairs.
    if values and all(isinstance(each, tuple) for each in values):
        return {str(plain(key)): plain(value) for key, value in values}
    return [plain(each) for each in values]


def text(value: Any) -> str:
    """Return a value that is not NULL as one text; nested ones as JSON."""
    shown = plain(value)
    if isinstance(shown, bool):
        return "true" if shown else "false"
    if isinstance(shown, dict | list):
        return json.dumps(shown, ensure_ascii=False)
    return shown if isinstance(shown, str) else str(shown)


def visible(value: Any) -> str:
    """Return the text for a terminal: nothing in it can steer the terminal."""
    return "".join(each if each.isprintable() else _escaped(each) for each in text(value))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def distinct(names: Sequence[str]) -> list[str]:
    """Return column names of which none comes twice: `n`, `n_2`, …"""
    made: list[str] = []
    for name in names:
        own, number = name, 2
        while own in made or (own != name and own in names):
            own, number = f"{name}_{number}", number + 1
        made.append(own)
    return made
