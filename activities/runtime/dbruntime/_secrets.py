"""`dbutils.secrets`: asks the control API with the attempt's own token, good while it runs."""

import base64
import json
import os
import time
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

PATIENCE_S = 120.0
"""For so long an API that is away is asked again: it may be starting anew."""


class SecretMetadata(NamedTuple):
    """A secret's name."""

    key: str


class SecretScope(NamedTuple):
    """A scope's name."""

    name: str

    def getName(self) -> str:
        """Return the name, as Databricks' object does."""
        return self.name


class Secrets:
    """`dbutils.secrets`; what it returns is shown as [REDACTED] in the task's log and output."""

    def get(self, scope: str, key: str) -> str:
        """Return a secret as text."""
        return self.getBytes(scope, key).decode()

    def getBytes(self, scope: str, key: str) -> bytes:
        """Return a secret as bytes."""
        return base64.b64decode(_ask("get", scope=scope, key=key)["value"])

    def list(self, scope: str) -> "list[SecretMetadata]":
        """Return the names of a scope's secrets."""
        return [SecretMetadata(each["key"]) for each in _ask("list", scope=scope)["secrets"]]

    def listScopes(self) -> "list[SecretScope]":
        """Return the scopes that the run may read."""
        return [SecretScope(each["name"]) for each in _ask("scopes/list")["scopes"]]


def _ask(path: str, **query: str) -> dict[str, Any]:
    url, token = os.environ.get("OPENLAKE_API_URL"), os.environ.get("OPENLAKE_API_TOKEN")
    if not url or not token:
        raise RuntimeError("secrets are given to tasks that OpenLake runs, and only there")
    request = Request(  # noqa: S310 - the address comes from the worker
        f"{url.rstrip('/')}/api/2.0/secrets/{path}?{urlencode(query)}",
        headers={"Authorization": f"Bearer {token}"},
    )
    opener = build_opener(ProxyHandler({}))
    deadline, pause = time.monotonic() + PATIENCE_S, 0.2
    while True:
        try:
            with opener.open(request, timeout=30) as answer:
                content: dict[str, Any] = json.load(answer)
                return content
        except HTTPError as error:
            with error:
                refusal = _refusal(error)
            if error.code not in (429, 502, 503, 504) or time.monotonic() > deadline:
                raise refusal from None
        except (URLError, TimeoutError, ConnectionError) as error:
            if time.monotonic() > deadline:
                raise ConnectionError(
                    f"the control API at {url} does not answer: {error}"
                ) from None
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def _refusal(error: HTTPError) -> Exception:
    try:
        message = str(json.load(error)["message"])
    except (ValueError, KeyError, OSError):
        message = f"the control API answered {error.code}"
    if error.code in (401, 403):
        return PermissionError(message)
    return ValueError(message) if error.code < 500 else ConnectionError(message)
