"""Requests and answers of `permissions/…` (Databricks Permissions API 2.0)."""

from pydantic import Field, model_validator

from spec.attempts import Frozen
from spec.model import Model

Name = Field(default=None, min_length=1, max_length=300)


class AccessControl(Model):
    """What one principal is to be given."""

    user_name: str | None = Name
    group_name: str | None = Name
    service_principal_name: str | None = Name
    """A service principal's application id."""
    permission_level: str

    @model_validator(mode="after")
    def _one(self) -> "AccessControl":
        if len(self.named) != 1:
            raise ValueError(
                "an entry of access_control_list names exactly one of 'user_name', 'group_name',"
                " 'service_principal_name'"
            )
        return self

    @property
    def named(self) -> dict[str, str]:
        """Return the fields that name somebody."""
        names = ("user_name", "group_name", "service_principal_name")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


AccessControlList = tuple[AccessControl, ...]


class ChangePermissions(Model):
    """Request of a PUT, which replaces what was given directly, or a PATCH, which adds to it."""

    access_control_list: AccessControlList = Field(default=(), max_length=1000)


class Permission(Frozen):
    """One level that a principal holds."""

    permission_level: str
    inherited: bool = False
    inherited_from_object: tuple[str, ...] | None = None
    """Of an inherited one: what it was given on, e.g. `/jobs/` for all jobs."""


class PrincipalPermissions(Frozen):
    """All levels that one principal holds on an object."""

    user_name: str | None = None
    group_name: str | None = None
    service_principal_name: str | None = None
    display_name: str | None = None
    all_permissions: tuple[Permission, ...]


class ObjectPermissions(Frozen):
    """Who may do what with an object."""

    object_id: str
    """`/jobs/12`: the type's place and the object's id."""
    object_type: str
    access_control_list: tuple[PrincipalPermissions, ...]


class LevelDescription(Frozen):
    """A level that an object's type has."""

    permission_level: str
    description: str


class PermissionLevels(Frozen):
    """The levels of an object's type, weakest first."""

    permission_levels: tuple[LevelDescription, ...]


class SqlAccessControl(Model):
    """One entry of the older `preview/sql/permissions` API; it has no inherited levels."""

    user_name: str | None = Name
    group_name: str | None = Name
    permission_level: str


class SetSqlPermissions(Model):
    """Request of `preview/sql/permissions/{object_type}/{object_id}`: replaces everything."""

    access_control_list: tuple[SqlAccessControl, ...] = Field(default=(), max_length=1000)


class SqlPermissions(Frozen):
    """Who may do what with a query or alert, as the older API shows it."""

    object_id: str
    """`queries/<id>` or `alerts/<id>`."""
    object_type: str
    access_control_list: tuple[SqlAccessControl, ...]


class TransferOwnership(Model):
    """Request of `preview/sql/permissions/…/transfer`."""

    new_owner: str = Field(min_length=1, max_length=300)


class Success(Frozen):
    """Answer of what has nothing else to say."""

    message: str = "Success"
