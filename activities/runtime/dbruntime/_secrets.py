"""`dbutils.secrets`: asks the control API with the attempt's own token, good while it runs."""

import base64
from typing import Any, NamedTuple

from dbruntime._api import ask


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
    return ask(f"2.0/secrets/{path}", "secrets", **query)
