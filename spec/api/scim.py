"""Requests and answers of SCIM 2.0 (RFC 7643, RFC 7644), as far as Databricks' preview goes.

Names are SCIM's own camel case on the wire. What a client may not write (`id`, `meta`, `groups`)
is read and left alone in requests, as RFC 7643 section 7 has it for read-only attributes.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from spec.model import Model

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SERVICE_PRINCIPAL = "urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

MOST_RESULTS = 10_000
"""Entries of one page; `count` may ask for more and is given as many."""

MOST_MEMBERS = 10_000
"""Direct members of one group."""

Line = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f]*$")]
"""Text without control characters."""
UserName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x20/\\]+$")]
"""Also the name of the user's home folder."""
GroupName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f/\\]+$")]


class Scim(Model):
    """Base: SCIM's camel case on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Value(Scim):
    """One entry of a list: an e-mail address, a member, a group, an entitlement."""

    value: Line | None = None
    display: Line | None = None
    primary: bool | None = None
    type: Line | None = None
    ref: Line | None = Field(default=None, alias="$ref")


class Named(Scim):
    """The parts of a person's name."""

    given_name: Line | None = None
    family_name: Line | None = None
    formatted: Line | None = None


class _Resource(Scim):
    schemas: tuple[Line, ...] = ()
    id: Line | None = None
    external_id: Line | None = None
    meta: dict[str, Any] | None = None
    groups: tuple[Value, ...] = ()
    """The groups that it is in; change the groups to change this."""
    entitlements: tuple[Value, ...] = ()
    """Kept and read back; without effect, permissions on objects count."""
    roles: tuple[Value, ...] = ()
    """Kept and read back; without effect, there are no cloud roles."""


class User(_Resource):
    """A user, as it is sent and as it is read."""

    user_name: UserName | None = None
    """Needed in a new one; it never changes."""
    display_name: Line | None = None
    name: Named | None = None
    emails: tuple[Value, ...] = ()
    active: bool | None = None


class ServicePrincipal(_Resource):
    """A service principal: a program's own identity."""

    application_id: UserName | None = None
    """A UUID is made up for one that has none; it never changes."""
    display_name: Line | None = None
    active: bool | None = None


class Group(_Resource):
    """A group of users, service principals and groups."""

    display_name: GroupName | None = None
    """Needed in a new one."""
    members: tuple[Value, ...] = Field(default=(), max_length=MOST_MEMBERS)
    """`value` is the id of a principal."""


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class Operation(Scim):
    """One step of a PATCH (RFC 7644 section 3.5.2)."""

    op: Annotated[Literal["add", "remove", "replace"], BeforeValidator(_lower)]
    """Some identity providers send it with a capital."""
    path: str | None = Field(default=None, max_length=1000)
    value: Any = None


class Patch(Scim):
    """Request of every PATCH."""

    schemas: tuple[Line, ...] = ()
    operations: tuple[Operation, ...] = Field(alias="Operations", min_length=1, max_length=1000)


class Page(Scim):
    """One page of a list; an empty one ends it."""

    schemas: tuple[str, ...] = (LIST,)
    total_results: int
    start_index: int
    items_per_page: int
    resources: tuple[dict[str, Any], ...] = Field(default=(), serialization_alias="Resources")


class ScimError(Scim):
    """What an error looks like on these paths."""

    schemas: tuple[str, ...] = (ERROR,)
    detail: str
    status: str
    """The HTTP status, as text."""
    scim_type: str = ""
    """One of RFC 7644 table 9, or empty: clients print it in front of the detail."""
