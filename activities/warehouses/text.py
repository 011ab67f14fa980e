"""Arrow columns as text, as JSON_ARRAY and CSV have them.

Instants are ISO 8601 (`2024-02-29T01:02:03.000Z`, without the Z for TIMESTAMP_NTZ, microseconds
only where there are any), binary is base64, nested values are JSON, NaN and Infinity are words.
Whole columns at a time where Arrow can: a value at a time is twenty times slower.
"""

import base64
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]
import pyarrow.compute as pc  # pyright: ignore[reportMissingTypeStubs]

Array = Any
"""pyarrow has no types of its own for type checkers."""

_pa: Any = pa
_pc: Any = pc
_types: Any = pa.types

_WORDS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_ZEROS = r"(\.\d{3})000(Z?)$"
_CONTROLS = r"[\x00-\x1f]"


def texts(array: Array) -> Array:
    """Return a column as text; nulls stay null."""
    kind = array.type
    if _types.is_dictionary(kind):
        return texts(array.dictionary_decode())
    if _types.is_null(kind):
        return _pa.nulls(len(array), _pa.string())
    if _types.is_string(kind):
        return array
    if _types.is_large_string(kind):
        return array.cast(_pa.string())
    if _types.is_timestamp(kind):
        return _instants(array)
    if _types.is_floating(kind):
        return _floats(array)
    if _types.is_decimal(kind):
        return _decimals(array)
    if _is_plain(kind):
        return array.cast(_pa.string())
    nested = _types.is_nested(kind)
    values = [
        None if value is None else _json(value, kind) if nested else _scalar(value)
        for value in array.to_pylist()
    ]
    return _pa.array(values, _pa.string())


def json_cells(column: Array) -> Array:
    """Return a column of text as JSON strings, and `null`."""
    escaped = _pc.replace_substring(column, "\\", "\\\\")
    escaped = _pc.replace_substring(escaped, '"', '\\"')
    if _pc.any(_pc.match_substring_regex(escaped, _CONTROLS)).as_py():
        cells = [None if each is None else _quoted(each) for each in column.to_pylist()]
        return _pc.fill_null(_pa.array(cells, _pa.string()), "null")
    quoted = _pc.binary_join_element_wise('"', escaped, '"', "")
    return _pc.fill_null(quoted, "null")


def _is_plain(kind: Any) -> bool:
    return bool(
        _types.is_integer(kind)
        or _types.is_boolean(kind)
        or _types.is_date(kind)
        or _types.is_time(kind)
    )


def _instants(array: Array) -> Array:
    kind = array.type
    if kind.unit != "us":
        array = array.cast(_pa.timestamp("us", kind.tz), safe=False)
    if kind.tz is not None:
        array = array.cast(_pa.timestamp("us", "UTC"))
    text = _pc.replace_substring(array.cast(_pa.string()), " ", "T", max_replacements=1)
    return _pc.replace_substring_regex(text, _ZEROS, r"\1\2")


def _floats(array: Array) -> Array:
    text = array.cast(_pa.string())
    for ours, theirs in _WORDS.items():
        text = _pc.if_else(_pc.equal(text, ours), theirs, text)
    return text


def _decimals(array: Array) -> Array:
    text = array.cast(_pa.string())
    if not _pc.any(_pc.match_substring(text, "E")).as_py():
        return text
    values = [None if value is None else f"{value:f}" for value in array.to_pylist()]
    return _pa.array(values, _pa.string())


def _scalar(value: Any) -> str:
    if isinstance(value, _pa.lib.MonthDayNano):
        return _interval(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        digits = "milliseconds" if value.microsecond % 1000 == 0 else "microseconds"
        at = value.astimezone(UTC) if value.tzinfo else value
        return at.isoformat(timespec=digits).replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return _WORDS.get(str(value), repr(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _json(value: Any, kind: Any) -> str:
    """Spell a value as JSON; numbers keep all their digits."""
    if value is None:
        return "null"
    if _types.is_map(kind):
        pairs = ((key, _json(each, kind.item_type)) for key, each in value)
        return (
            f"{{{','.join(f'{_quoted(_key(key, kind.key_type))}:{each}' for key, each in pairs)}}}"
        )
    if _types.is_struct(kind):
        fields = (f"{_quoted(field.name)}:{_json(value[field.name], field.type)}" for field in kind)
        return f"{{{','.join(fields)}}}"
    if _types.is_nested(kind):
        return f"[{','.join(_json(each, kind.value_type) for each in value)}]"
    text = _scalar(value)
    is_bare = isinstance(value, int | float | Decimal) and text not in _WORDS.values()
    return text if is_bare else _quoted(text)


def _key(key: Any, kind: Any) -> str:
    return _json(key, kind) if _types.is_nested(kind) else _scalar(key)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _interval(value: Any) -> str:
    """Spell months, days and nanoseconds as DuckDB does: `1 year 2 months 3 days 04:05:06`."""
    years, months = divmod(abs(value.months), 12)
    sign = -1 if value.months < 0 else 1
    counted = ((sign * years, "year"), (sign * months, "month"), (value.days, "day"))
    parts = [f"{n} {unit}{'' if abs(n) == 1 else 's'}" for n, unit in counted if n]
    if value.nanoseconds or not parts:
        micros = abs(value.nanoseconds) // 1000
        seconds, rest = divmod(micros, 1_000_000)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        sign = "-" if value.nanoseconds < 0 else ""
        parts.append(f"{sign}{clock}" + (f".{rest:06}" if rest else ""))
    return " ".join(parts)
