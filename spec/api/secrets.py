"""Requests and answers of `secrets/…` (Databricks Secrets API 2.0)."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from spec.attempts import Frozen
from spec.model import Model

MOST_SECRET_BYTES = 128 * 1024
MOST_SECRETS = 1000
"""Of one scope."""
MOST_SCOPES = 1000
"""Of one workspace."""

SecretName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.-]+$")]
Principal = Annotated[str, Field(min_length=1, max_length=300)]


class Permission(StrEnum):
    """What a principal may do with a scope; each one includes those before it."""

    READ = "READ"
    WRITE = "WRITE"
    MANAGE = "MANAGE"


class CreateScope(Model):
    """Request of `secrets/scopes/create`."""

    scope: SecretName
    initial_manage_principal: Literal["users"] | None = None
    """Who gets MANAGE; the creator when it is not given."""
    scope_backend_type: Literal["DATABRICKS"] = "DATABRICKS"


class ScopeName(Model):
    """Request of `secrets/scopes/delete`."""

    scope: SecretName


class ScopeView(Frozen):
    """One scope."""

    name: str
    backend_type: Literal["DATABRICKS"] = "DATABRICKS"


class ScopeList(Frozen):
    """Answer of `secrets/scopes/list`, by name."""

    scopes: tuple[ScopeView, ...] = ()


class PutSecret(Model):
    """Request of `secrets/put`; exactly one of the values."""

    scope: SecretName
    key: SecretName
    string_value: str | None = None
    bytes_value: str | None = None
    """Base64."""


class SecretKey(Model):
    """Request of `secrets/delete`."""

    scope: SecretName
    key: SecretName


class SecretMetadata(Frozen):
    """A secret without its value."""

    key: str
    last_updated_timestamp: int
    """Milliseconds since 1970."""


class SecretList(Frozen):
    """Answer of `secrets/list`, by key."""

    secrets: tuple[SecretMetadata, ...] = ()


class SecretValue(Frozen):
    """Answer of `secrets/get`."""

    key: str
    value: str
    """Base64."""


class PutAcl(Model):
    """Request of `secrets/acls/put`."""

    scope: SecretName
    principal: Principal
    permission: Permission


class AclKey(Model):
    """Request of `secrets/acls/delete`."""

    scope: SecretName
    principal: Principal


class AclItem(Frozen):
    """What one principal may do."""

    principal: str
    permission: Permission


class AclList(Frozen):
    """Answer of `secrets/acls/list`, by principal."""

    items: tuple[AclItem, ...] = ()
