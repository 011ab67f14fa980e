"""Pydantic's findings in plain words: what is wrong, and what to do."""

from collections.abc import Callable
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Path = tuple[int | str, ...]


class Mistake(NamedTuple):
    """One finding; `path` leads to the value, or to the place where a value is missing."""

    path: Path
    message: str
    of_key: bool = False
    """True when the key itself is the mistake, not its value."""


def mistakes(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """Return all findings of a failed validation of `model`, in its order."""
    found = error.errors(include_url=False)
    return [
        Mistake(details["loc"], _message(details, model), details["type"] == "extra_forbidden")
        for details in found
        if not _echoes(details, found)
    ]


def _echoes(details: ErrorDetails, found: list[ErrorDetails]) -> bool:
    """Tell whether a list is called too short only because its wrong elements were not counted."""
    place = details["loc"]
    return details["type"] == "too_short" and any(
        other["loc"][: len(place)] == place for other in found if len(other["loc"]) > len(place)
    )


def _message(details: ErrorDetails, model: type[BaseModel]) -> str:
    context = details.get("ctx", {})
    word = _WORDS.get(details["type"])
    if details["type"] == "extra_forbidden":
        return _unknown_field(details["loc"], model)
    if details["type"] in ("value_error", "assertion_error"):
        return str(context.get("error", details["msg"]))
    return word(details["input"], context) if word is not None else details["msg"]


def _unknown_field(path: Path, model: type[BaseModel]) -> str:
    name = str(path[-1])
    owner = model_at(model, path[:-1])
    known = sorted(owner.model_fields) if owner is not None else []
    near = get_close_matches(name, known, n=1)
    if near:
        return f"unknown field '{name}'; did you mean '{near[0]}'?"
    return f"unknown field '{name}'; known here: {', '.join(known)}"


def model_at(model: Any, path: Path) -> type[BaseModel] | None:
    """Return the model that this path inside `model` leads to; None when it is not a model."""
    inner: Any = _bare(model)
    for step in path:
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            field = inner.model_fields.get(str(step))
            inner = _bare(field.annotation) if field is not None else None
        else:
            arguments = [argument for argument in get_args(inner) if argument is not Ellipsis]
            inner = _bare(arguments[-1]) if arguments else None
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _bare(annotation: Any) -> Any:
    """Strip `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else annotation
    return annotation


def shown(value: Any) -> str:
    """Spell a value for a message: short, and as YAML would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    return f"'{text if len(text) <= 60 else text[:57] + '…'}'"


def _must_be(what: str) -> Callable[[Any, dict[str, Any]], str]:
    return lambda value, _: f"this must be {what}, not {shown(value)}"


def _one_of(value: Any, context: dict[str, Any]) -> str:
    expected = str(context["expected"])
    choices = [choice.strip("'\" ") for choice in expected.replace(" or ", ", ").split(",")]
    near = get_close_matches(str(value).upper(), [choice.upper() for choice in choices], n=1)
    hint = next((f"; did you mean '{c}'?" for c in choices if [c.upper()] == near), "")
    return f"this must be {expected}, not {shown(value)}{hint}"


def _pattern(value: Any, context: dict[str, Any]) -> str:
    characters = {
        r"^[A-Za-z0-9_-]+$": "letters, digits, '_' and '-'",
        r"^[A-Za-z0-9_.-]+$": "letters, digits, '_', '.' and '-'",
    }.get(context["pattern"])
    if characters is None:
        form = _FORMS.get(context["pattern"], context["pattern"])
        return f"{shown(value)} does not have the form {form}"
    return f"{shown(value)} may hold only {characters}; rename it"


_FORMS = {
    r"^\s*dbt(\s|$)": "dbt …, e.g. dbt run",
    r"^s3a?://[^/]+/.*": "s3://bucket/prefix/",
    r"^[^:\s]+:[^:\s]+(:[^:\s]+)+$": "group:artifact:version",
    r"^[0-9a-fA-F]{7,64}$": "of a commit's hash",
}


def _too_short(value: Any, context: dict[str, Any]) -> str:
    return (
        f"there are {context.get('actual_length')} entries; give at least {context['min_length']}"
    )


def _too_long(value: Any, context: dict[str, Any]) -> str:
    return f"there are {context.get('actual_length')} entries; at most {context['max_length']} fit"


_TEXT = _must_be("text")
_NUMBER = _must_be("a whole number")
_BOOL = _must_be("true or false")
_LIST = _must_be("a list (each element on a line that begins with '- ')")
_MAPPING = _must_be("a mapping (lines of the form 'key: value')")

_WORDS: dict[str, Callable[[Any, dict[str, Any]], str]] = {
    "missing": lambda _, __: "this is missing; add it",
    "string_type": _TEXT,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_parsing_size": _NUMBER,
    "int_from_float": _NUMBER,
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "enum": _one_of,
    "literal_error": _one_of,
    "string_pattern_mismatch": _pattern,
    "string_too_short": lambda _, __: "this is empty; give it a value",
    "string_too_long": lambda _, c: f"this is too long; at most {c['max_length']} characters",
    "too_long": _too_long,
    "too_short": _too_short,
    "greater_than": lambda v, c: f"this must be more than {c['gt']}, not {shown(v)}",
    "greater_than_equal": lambda v, c: f"this must be at least {c['ge']}, not {shown(v)}",
    "less_than_equal": lambda v, c: f"this must be at most {c['le']}, not {shown(v)}",
}
