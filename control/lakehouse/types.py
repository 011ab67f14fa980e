"""Iceberg's types as SQL and Databricks spell them; pure.

Types are Iceberg's JSON (spec, appendix C "JSON Serialization"): a word, or an object for structs,
lists and maps. What Spark has no type for keeps Iceberg's own name.
"""

import json
import re
from typing import Any, cast

from control.lakehouse.base import Json
from spec.api.catalog import TypeName

_WORDS: dict[str, tuple[TypeName, str, str]] = {
    # Iceberg → (Databricks' type_name, SQL, Spark's JSON), as Iceberg's Spark tables are read.
    "boolean": ("BOOLEAN", "boolean", "boolean"),
    "int": ("INT", "int", "integer"),
    "long": ("LONG", "bigint", "long"),
    "float": ("FLOAT", "float", "float"),
    "double": ("DOUBLE", "double", "double"),
    "date": ("DATE", "date", "date"),
    "timestamp": ("TIMESTAMP_NTZ", "timestamp_ntz", "timestamp_ntz"),
    "timestamptz": ("TIMESTAMP", "timestamp", "timestamp"),
    "string": ("STRING", "string", "string"),
    "uuid": ("STRING", "string", "string"),
    "binary": ("BINARY", "binary", "binary"),
    "unknown": ("NULL", "void", "void"),
    "variant": ("VARIANT", "variant", "variant"),
}
_DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_NESTED: dict[str, TypeName] = {"struct": "STRUCT", "list": "ARRAY", "map": "MAP"}


def type_name(kind: Any) -> TypeName:
    """Return Databricks' name of a type."""
    if isinstance(kind, dict):
        return _NESTED.get(str(cast(Json, kind).get("type")), "USER_DEFINED_TYPE")
    word = str(kind)
    if word in _WORDS:
        return _WORDS[word][0]
    if word.startswith("decimal"):
        return "DECIMAL"
    if word.startswith("fixed"):
        return "BINARY"
    if word.startswith("geography"):
        return "GEOGRAPHY"
    return "GEOMETRY" if word.startswith("geometry") else "USER_DEFINED_TYPE"


def precision_and_scale(kind: Any) -> tuple[int, int] | None:
    """Return both numbers of a decimal; None of another type."""
    found = _DECIMAL.fullmatch(kind) if isinstance(kind, str) else None
    return (int(found[1]), int(found[2])) if found else None


def sql(kind: Any) -> str:
    """Spell a type as SQL does: `map<string,decimal(10,2)>`."""
    if not isinstance(kind, dict):
        return _leaf(str(kind), 1)
    nested = cast(Json, kind)
    match nested.get("type"):
        case "struct":
            inside = (f"{each['name']}:{sql(each['type'])}" for each in nested["fields"])
            return f"struct<{','.join(inside)}>"
        case "list":
            return f"array<{sql(nested['element'])}>"
        case "map":
            return f"map<{sql(nested['key'])},{sql(nested['value'])}>"
        case other:
            return str(other)


def spark_field(field: Json) -> str:
    """Return a column as the JSON text of Spark's `StructField`."""
    return json.dumps(_spark_field(field), ensure_ascii=False, separators=(",", ":"))


def _spark_field(field: Json) -> Json:
    doc = field.get("doc")
    return {
        "name": field["name"],
        "type": _spark(field["type"]),
        "nullable": not field.get("required", False),
        "metadata": {"comment": doc} if doc else {},
    }


def _spark(kind: Any) -> Any:
    if not isinstance(kind, dict):
        return _leaf(str(kind), 2)
    nested = cast(Json, kind)
    match nested.get("type"):
        case "struct":
            return {"type": "struct", "fields": [_spark_field(each) for each in nested["fields"]]}
        case "list":
            return {
                "type": "array",
                "elementType": _spark(nested["element"]),
                "containsNull": not nested.get("element-required", False),
            }
        case "map":
            return {
                "type": "map",
                "keyType": _spark(nested["key"]),
                "valueType": _spark(nested["value"]),
                "valueContainsNull": not nested.get("value-required", False),
            }
        case other:
            return str(other)


def _leaf(word: str, place: int) -> str:
    if word in _WORDS:
        return _WORDS[word][place]
    if digits := precision_and_scale(word):
        return f"decimal({digits[0]},{digits[1]})"
    return "binary" if word.startswith("fixed") else word


def nested_fields(kind: Any) -> list[Json]:
    """Return what a nested type is made of, as fields; empty for others."""
    if not isinstance(kind, dict):
        return []
    nested = cast(Json, kind)
    match nested.get("type"):
        case "struct":
            return list(nested["fields"])
        case "list":
            return [_part(nested, "element")]
        case "map":
            return [
                {"id": nested["key-id"], "name": "key", "required": True, "type": nested["key"]},
                _part(nested, "value"),
            ]
        case _:
            return []


def _part(nested: Json, name: str) -> Json:
    required = bool(nested.get(f"{name}-required", False))
    return {"id": nested[f"{name}-id"], "name": name, "required": required, "type": nested[name]}
