"""References in nested JSON, such as the `conf` of an Airflow task; pure."""

from collections.abc import Iterator
from typing import Any, cast

from spec.references import Context, resolve


def texts_in(value: Any) -> Iterator[str]:
    """Return every text of a JSON value; keys are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in cast(dict[str, Any], value).values():
            yield from texts_in(each)
    elif isinstance(value, list | tuple):
        for each in cast(list[Any], value):
            yield from texts_in(each)


def resolve_in(value: Any, context: Context) -> Any:
    """Return a JSON value with the references of every text resolved; keys stay as they are."""
    if isinstance(value, str):
        return resolve(value, context)
    if isinstance(value, dict):
        fields = cast(dict[str, Any], value)
        return {key: resolve_in(each, context) for key, each in fields.items()}
    if isinstance(value, list | tuple):
        return [resolve_in(each, context) for each in cast(list[Any], value)]
    return value
