"""Watches which methods of the databricks-sdk a test calls, and which of them return."""

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config

_OWN = ("config", "api_client", "dbutils")
"""What of a client is no service of the API."""


@dataclass
class Calls:
    """What one test has called, as `service.method`."""

    returned: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)


def offered() -> list[str]:
    """Return every public method of every service of the installed SDK, in its order."""
    # It would ask the host what it is.
    with patch.object(Config, "_resolve_host_metadata"):
        client = WorkspaceClient(host="http://localhost", token="none")
    return [f"{service}.{name}" for service, part in services(client) for name in methods(part)]


def services(client: WorkspaceClient) -> Iterator[tuple[str, Any]]:
    """Walk the services of a client with their names, those inside others too."""
    for name in _properties(client):
        if name not in _OWN:
            yield from _inside(name, getattr(client, name))


def _inside(name: str, part: Any) -> Iterator[tuple[str, Any]]:
    yield name, part
    for inner in _properties(part):
        found = getattr(part, inner)
        if type(found).__module__.startswith("databricks.sdk.") and methods(found):
            yield from _inside(f"{name}.{inner}", found)


def _properties(thing: Any) -> list[str]:
    found = inspect.getmembers_static(type(thing), lambda each: isinstance(each, property))
    return sorted(name for name, _ in found if not name.startswith("_"))


def methods(part: Any) -> list[str]:
    """Return the names of a service's public methods."""
    found = inspect.getmembers(type(part), inspect.isfunction)
    return sorted(name for name, _ in found if not name.startswith("_"))


def watch(client: WorkspaceClient, calls: Callable[[], Calls]) -> WorkspaceClient:
    """Let every service of a client note its calls; returns the client."""
    for service, part in services(client):
        for name in methods(part):
            watched = _watched(f"{service}.{name}", getattr(part, name), calls)
            setattr(part, name, watched)
    return client


def _watched(
    name: str, method: Callable[..., Any], calls: Callable[[], Calls]
) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            answer = method(*args, **kwargs)
        except Exception:
            calls().raised.append(name)
            raise
        if inspect.isgenerator(answer):
            return _followed(answer)
        calls().returned.append(name)
        return answer

    def _followed(items: Iterator[Any]) -> Iterator[Any]:
        # A list asks the server only when it is read.
        asked = False
        try:
            for item in items:
                if not asked:
                    calls().returned.append(name)
                    asked = True
                yield item
        except Exception:
            calls().raised.append(name)
            raise
        if not asked:
            calls().returned.append(name)

    return call
