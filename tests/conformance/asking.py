"""What each method of the databricks-sdk asks a server first, found by calling it.

Every method is called with arguments made from its annotations, on a client whose requests go
nowhere. So what is said of methods that no test drives rests on the SDK's own code.
"""

import dataclasses
import enum
import functools
import inspect
import io
import os
import types
import typing
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.config import Config
from databricks.sdk.service.sql import OwnableObjectType, TransferOwnershipObjectId

from tests.conformance.watching import methods, services

_HOST = "http://localhost"
_PLAIN: dict[Any, Any] = {
    str: "x",
    int: 1,
    float: 1.0,
    bool: False,
    bytes: b"",
    timedelta: timedelta(seconds=1),
    typing.BinaryIO: io.BytesIO(b"x"),
    FieldMask: FieldMask(["x"]),
    Any: "x",
    # A slip of the SDK's annotations.
    any: "x",
}
"""What arguments of these types are."""
_NAMED = {
    "source_path": os.devnull,
    "file_path": "/Volumes/x/x/x/x",
    "directory_path": "/Volumes/x/x/x/x",
}
"""What arguments of these names are."""
_CHOSEN: dict[str, dict[str, Any]] = {
    "dbfs.open": {"path": "/x", "read": True},
    # It opens the file before it asks.
    "files.download_to": {
        "file_path": "/Volumes/x/x/x/x",
        "destination": os.devnull,
        "overwrite": True,
    },
    "dbsql_permissions.transfer_ownership": {
        "object_type": OwnableObjectType.QUERY,
        "object_id": TransferOwnershipObjectId(new_owner="x"),
    },
}
"""What methods are called with that refuse the smallest arguments."""
ELSEWHERE = {
    "sandbox.connect_command": "speaks gRPC, which is not spoken here",
    "sandbox.execute_command": "speaks gRPC, which is not spoken here",
    "serving_endpoints.get_langchain_chat_open_ai_client": "no models are served here",
    "serving_endpoints.get_open_ai_client": "no models are served here",
}
"""Methods that ask the API nothing → why they do not work."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """The first request of a method."""

    verb: str
    path: str


class _Sent(BaseException):
    """Ends a call; the SDK catches exceptions, and would ask for something else."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


@functools.cache
def workspace() -> dict[str, Asked]:
    """Return `service.method` → its first request, for all of a workspace's client."""
    # It would ask the host what it is.
    with patch.object(Config, "_resolve_host_metadata"):
        return dict(_all(WorkspaceClient(host=_HOST, token="none")))


@functools.cache
def account() -> dict[str, Asked]:
    """Return the same of an account's client."""
    with patch.object(Config, "_resolve_host_metadata"):
        client = AccountClient(host=_HOST, token="none", account_id="x")
        return dict(_all(client))


def _all(client: Any) -> Iterator[tuple[str, Asked]]:
    for service, part in services(client):
        for name in methods(part):
            method = f"{service}.{name}"
            if method not in ELSEWHERE:
                yield method, _asked(method, getattr(part, name))


def _asked(name: str, method: Callable[..., Any]) -> Asked:
    """Call a method until it sends something."""

    def send(
        _: Any,
        method: str,
        path: str | None = None,
        url: str | None = None,
        **__: Any,
    ) -> None:
        place = path or (url or "").removeprefix(_HOST)
        raise _Sent(Asked(method, place))

    with patch("databricks.sdk.core.ApiClient.do", send):
        try:
            answer = method(**_CHOSEN.get(name, _arguments(method)))
            if inspect.isgenerator(answer):
                next(answer, None)
        except _Sent as sent:
            return sent.asked
    raise AssertionError(f"{name} has asked nothing")


def _arguments(method: Callable[..., Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(method)
    return {
        name: _NAMED.get(name) or _value(hints.get(name, str))
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }


def _value(hint: Any) -> Any:
    """Return the smallest value of a type."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _value(inner[0])
    if origin in (list, dict):
        return origin()
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return next(iter(hint))
    if dataclasses.is_dataclass(hint):
        return _made(hint)
    raise TypeError(f"no value of {hint} is known; name one in _PLAIN")


def _made(model: Any) -> Any:
    hints = typing.get_type_hints(model)
    needed = [
        each
        for each in dataclasses.fields(model)
        if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
    ]
    return model(**{each.name: _value(hints[each.name]) for each in needed})
