"""Arrow types as Databricks names them in a result's schema."""

from typing import Any

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]

from spec.statements import Column, TypeName

ArrowType = Any
"""pyarrow has no types of its own for type checkers."""

_types: Any = pa.types


_PLAIN: tuple[tuple[Any, TypeName, str], ...] = (
    (_types.is_boolean, TypeName.BOOLEAN, "BOOLEAN"),
    (_types.is_int8, TypeName.BYTE, "TINYINT"),
    (_types.is_int16, TypeName.SHORT, "SMALLINT"),
    (_types.is_uint8, TypeName.SHORT, "SMALLINT"),
    (_types.is_int32, TypeName.INT, "INT"),
    (_types.is_uint16, TypeName.INT, "INT"),
    (_types.is_int64, TypeName.LONG, "BIGINT"),
    (_types.is_uint32, TypeName.LONG, "BIGINT"),
    (_types.is_float32, TypeName.FLOAT, "FLOAT"),
    (_types.is_float64, TypeName.DOUBLE, "DOUBLE"),
    (_types.is_date, TypeName.DATE, "DATE"),
    (_types.is_null, TypeName.NULL, "VOID"),
    (_types.is_binary, TypeName.BINARY, "BINARY"),
    (_types.is_large_binary, TypeName.BINARY, "BINARY"),
    (_types.is_fixed_size_binary, TypeName.BINARY, "BINARY"),
    (_types.is_interval, TypeName.INTERVAL, "INTERVAL"),
    (_types.is_duration, TypeName.INTERVAL, "INTERVAL DAY TO SECOND"),
)


def column_of(name: str, kind: ArrowType) -> Column:
    """Return a column of an answer.

    What Databricks has no word for (times of day, UUIDs, enums, JSON) is a STRING.
    """
    if _types.is_decimal(kind) or _types.is_uint64(kind):
        precision, scale = (20, 0) if _types.is_uint64(kind) else (kind.precision, kind.scale)
        text = f"DECIMAL({precision},{scale})"
        return Column(
            name=name,
            type_name=TypeName.DECIMAL,
            type_text=text,
            precision=precision,
            scale=scale,
        )
    interval = "DAY TO SECOND" if _types.is_duration(kind) else None
    return Column(name=name, type_name=_name(kind), type_text=text_of(kind), interval=interval)


def text_of(kind: ArrowType) -> str:
    """Spell a type as Databricks' DDL does."""
    for is_it, _, text in _PLAIN:
        if is_it(kind):
            return text
    if _types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if _types.is_uint64(kind):
        return "DECIMAL(20,0)"
    if _types.is_timestamp(kind):
        return "TIMESTAMP" if kind.tz else "TIMESTAMP_NTZ"
    if _is_list(kind):
        return f"ARRAY<{text_of(kind.value_type)}>"
    if _types.is_map(kind):
        return f"MAP<{text_of(kind.key_type)}, {text_of(kind.item_type)}>"
    if _types.is_struct(kind):
        fields = ", ".join(f"{field.name}: {text_of(field.type)}" for field in kind)
        return f"STRUCT<{fields}>"
    return "STRING"


def _name(kind: ArrowType) -> TypeName:
    for is_it, name, _ in _PLAIN:
        if is_it(kind):
            return name
    if _types.is_timestamp(kind):
        return TypeName.TIMESTAMP
    if _is_list(kind):
        return TypeName.ARRAY
    if _types.is_map(kind):
        return TypeName.MAP
    return TypeName.STRUCT if _types.is_struct(kind) else TypeName.STRING


def _is_list(kind: ArrowType) -> bool:
    return bool(
        _types.is_list(kind) or _types.is_large_list(kind) or _types.is_fixed_size_list(kind)
    )
