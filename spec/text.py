"""Text that PostgreSQL and UTF-8 can spell."""

from typing import TypeVar

from pydantic import BaseModel

T = TypeVar("T")
_MOST_LEVELS = 200
_REPLACEMENT = "\ufffd"
"""U+FFFD, which Unicode has for what cannot be shown."""


def storable(value: T) -> T:
    """Return JSON-like data in whose texts U+FFFD stands for NUL and for halves of surrogates.

    PostgreSQL's `jsonb` and `text` refuse the first, UTF-8 the second; user code prints both.

    Raises:
        ValueError: the data is nested too deep.
    """
    return _clean(value, _MOST_LEVELS)  # pyright: ignore[reportReturnType]


def _clean(value: object, levels: int) -> object:
    if levels == 0:
        raise ValueError(f"data is nested at most {_MOST_LEVELS} levels deep")
    if isinstance(value, str):
        text = value.replace("\0", _REPLACEMENT)
        if text.isascii():
            return text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_clean(key, levels - 1): _clean(each, levels - 1) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, BaseModel):
        return _clean(value.model_dump(), levels - 1)
    if isinstance(value, list | tuple):
        return [_clean(each, levels - 1) for each in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value
