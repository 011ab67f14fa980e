"""What differs between two settings of a job, as a person would say it; pure.

Lists whose entries have a name (tasks, parameters, environments, …) are matched by it, so that a
task that moved, or one put before it, does not make all that follow look changed. Every other list
is one value.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import JsonValue

from spec.attempts import Frozen

_NAMES = ("task_key", "job_cluster_key", "environment_key", "metric", "id", "name")
"""By which of its fields an entry of a list is known, in the order of choice."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


class Change(Frozen):
    """One place where two settings differ."""

    path: str
    """E.g. `tasks[clean].notebook_task.base_parameters.month`; of a list whose entries merely
    changed places, the list."""
    before: JsonValue = None
    """None when it was not there."""
    after: JsonValue = None
    """None when it is not there any more."""


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return how `after` differs from `before`, in the order of the fields; [] when it does not."""
    return list(_fields("", before, after))


def _values(path: str, before: Any, after: Any) -> Iterator[Change]:
    if _canonical(before) == _canonical(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _fields(path, cast(Mapping[str, Any], before), cast(Mapping[str, Any], after))
        return
    field = _name_of(before, after)
    if field is None:
        yield Change(path=path, before=cast(Any, before), after=after)
        return
    named = _by(field, cast(list[Any], before)), _by(field, cast(list[Any], after))
    yield from _entries(path, *named)


def _fields(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in (*before, *(name for name in after if name not in before)):
        plain = _PLAIN.fullmatch(name)
        step = name if plain else f"[{json.dumps(name, ensure_ascii=False)}]"
        where = f"{path}.{step}" if path and plain else path + step
        yield from _values(where, before.get(name), after.get(name))


def _entries(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in (*before, *(name for name in after if name not in before)):
        yield from _values(f"{path}[{name}]", before.get(name), after.get(name))
    stayed = [name for name in before if name in after]
    moved = [name for name in after if name in before]
    if stayed != moved:
        yield Change(path=path, before=cast(Any, stayed), after=cast(Any, moved))


def _by(field: str, entries: list[Any]) -> dict[str, Any]:
    return {entry[field]: entry for entry in entries}


def _canonical(value: Any) -> str:
    # Python takes 1 for True; settings do not.
    return json.dumps(value, sort_keys=True)


def _name_of(before: Any, after: Any) -> str | None:
    """Return the field that names every entry of both lists; None when there is none."""
    if not isinstance(before, list) or not isinstance(after, list) or not before or not after:
        return None
    for field in _NAMES:
        if _names_all(cast(list[Any], before), field) and _names_all(cast(list[Any], after), field):
            return field
    return None


def _names_all(entries: list[Any], field: str) -> bool:
    names = [
        cast(dict[str, Any], entry).get(field) if isinstance(entry, dict) else None
        for entry in entries
    ]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
