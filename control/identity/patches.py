"""Applies the steps of a SCIM PATCH to a resource (RFC 7644 section 3.5.2); pure.

A resource is the object that a PUT would take. Besides what the RFC has, the forms that identity
providers send are understood: attributes named by a dotted path in an object without a path,
`"True"` for a truth value, and a list of members as the value of a remove.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

from control.identity.errors import Immutable, InvalidPath
from spec.api.scim import Operation

LISTS = ("members", "emails", "entitlements", "roles")
_OBJECTS = ("name",)
_FIXED = ("id", "meta", "schemas", "groups")

_PATH = re.compile(r"^(?P<name>[A-Za-z$]+)(?:\[(?P<filter>[^\]]*)\])?(?:\.(?P<sub>[A-Za-z$]+))?$")
_FILTER = re.compile(r'^\s*(?P<sub>[A-Za-z$]+)\s+eq\s+"?(?P<value>[^"]*)"?\s*$', re.IGNORECASE)

_Entry = dict[str, Any]


@dataclass(frozen=True)
class _Path:
    """`name[filter].sub`."""

    name: str
    sub: str | None = None
    matches: Callable[[_Entry], bool] | None = None


def patched(
    resource: Mapping[str, Any], known: Iterable[str], operations: Iterable[Operation]
) -> dict[str, Any]:
    """Return a resource after all steps, in their order.

    Args:
        resource: As it is; it stays as it is.
        known: The attributes that it may have, spelled as on the wire.
        operations: The steps.

    Raises:
        InvalidPath: a path cannot be read, or there is no such attribute.
        Immutable: a path leads to what only the server writes.
    """
    fresh = deepcopy(dict(resource))
    names = {name.lower(): name for name in known}
    for step in operations:
        if step.path is not None:
            _apply(fresh, _path(step.path, names), step)
            continue
        if step.op == "remove":
            raise InvalidPath("a remove needs a path: it says what is to go")
        given: Any = step.value
        if not isinstance(given, dict):
            raise InvalidPath("a step without a path needs an object of attributes as its value")
        for name, value in cast(dict[str, Any], given).items():
            if name.lower() in (each.lower() for each in _FIXED):
                # As in a PUT: what only the server writes is left alone.
                continue
            inner = step.model_copy(update={"value": value})
            _apply(fresh, _path(name, names), inner)
    return fresh


def _path(text: str, names: Mapping[str, str]) -> _Path:
    """Read a path; the schema's name in front of it may be left out."""
    plain = text.rpartition(":")[2] if text.lower().startswith("urn:") else text
    found = _PATH.match(plain.strip())
    name = names.get(found["name"].lower()) if found else None
    if found is None or name is None:
        there = ", ".join(sorted(names.values()))
        raise InvalidPath(f"'{text}' is no path of this resource; it has {there}")
    if name in _FIXED:
        raise Immutable(f"'{name}' is written by the server alone; groups are changed by members")
    if found["filter"] is None:
        return _Path(name, found["sub"])
    if name not in LISTS:
        raise InvalidPath(f"'{name}' is no list, so '{text}' picks nothing of it")
    return _Path(name, found["sub"], _matcher(found["filter"], text))


def _matcher(text: str, path: str) -> Callable[[_Entry], bool]:
    found = _FILTER.match(text)
    if found is None:
        raise InvalidPath(f"the filter in '{path}' is not of the form attribute eq \"value\"")
    wanted, sub = found["value"].lower(), found["sub"]
    return lambda entry: str(entry.get(sub, "")).lower() == wanted


def _apply(resource: dict[str, Any], path: _Path, step: Operation) -> None:
    given: Any = step.value
    if path.name in LISTS:
        entries = cast(list[_Entry], resource.get(path.name) or [])
        resource[path.name] = _changed(entries, path, step)
    elif path.sub is not None:
        if path.name not in _OBJECTS:
            raise InvalidPath(f"'{path.name}' has no parts, so there is no '{path.sub}' in it")
        inner = cast(dict[str, Any], resource.setdefault(path.name, {}) or {})
        resource[path.name] = inner
        _set(inner, path.sub, step)
    elif path.name in _OBJECTS and step.op != "remove" and isinstance(given, dict):
        before = cast(dict[str, Any], resource.get(path.name) or {})
        resource[path.name] = {**before, **cast(dict[str, Any], given)}
    else:
        _set(resource, path.name, step)


def _set(target: dict[str, Any], name: str, step: Operation) -> None:
    if step.op == "remove":
        target.pop(name, None)
        return
    value = step.value
    if name == "active" and "value" not in step.model_fields_set:
        # Databricks' SDK leaves values out that are false or empty.
        value = False
    if name == "active" and isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    target[name] = value


def _changed(entries: list[_Entry], path: _Path, step: Operation) -> list[_Entry]:
    given = _entries(step.value)
    if path.matches is not None:
        return _picked(entries, path, step, path.matches)
    if path.sub is not None:
        raise InvalidPath(f"say which of '{path.name}' is meant: {path.name}[type eq \"work\"]")
    if step.op == "replace":
        return given
    values = {entry.get("value") for entry in given}
    others = [entry for entry in entries if entry.get("value") not in values]
    if step.op == "add":
        return others + given
    return others if given else []


def _picked(
    entries: list[_Entry], path: _Path, step: Operation, matches: Callable[[_Entry], bool]
) -> list[_Entry]:
    """Change the entries that a filter picks; one to remove that is not there is no error."""
    if step.op == "remove" and path.sub is None:
        return [entry for entry in entries if not matches(entry)]
    chosen = [entry for entry in entries if matches(entry)]
    if not chosen:
        raise InvalidPath(f"nothing of '{path.name}' matches the filter")
    for entry in chosen:
        if path.sub is not None:
            _set(entry, path.sub, step)
        else:
            entry.update(*_entries(step.value)[:1])
    return entries


def _entries(value: Any) -> list[_Entry]:
    """Return a value as entries: an object, a list of them, or bare values."""
    if value is None:
        return []
    items = cast(list[Any], value) if isinstance(value, list) else [value]
    return [
        dict(cast(_Entry, item)) if isinstance(item, dict) else {"value": item} for item in items
    ]
