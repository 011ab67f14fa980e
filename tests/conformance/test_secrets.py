"""`sdk.secrets` and `sdk.dbutils.secrets`."""

import uuid
from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
)
from databricks.sdk.service.workspace import AclPermission

from tests.conformance.conftest import AsUser


@pytest.fixture
def scope(sdk: WorkspaceClient) -> Iterator[str]:
    """A scope of the admin's."""
    name = f"conformance-{uuid.uuid4()}"
    sdk.secrets.create_scope(name)
    yield name
    try:
        sdk.secrets.delete_scope(name)
    except NotFound:
        pass


def test_scopes_and_secrets_are_made_listed_and_deleted(sdk: WorkspaceClient, scope: str) -> None:
    assert scope in [each.name for each in sdk.secrets.list_scopes()]
    with pytest.raises(ResourceAlreadyExists):
        sdk.secrets.create_scope(scope)
    sdk.secrets.put_secret(scope, "text", string_value="a")
    sdk.secrets.put_secret(scope, "bytes", bytes_value="AAEC")
    sdk.secrets.put_secret(scope, "text", string_value="b")
    listed = list(sdk.secrets.list_secrets(scope))
    assert sorted(each.key or "" for each in listed) == ["bytes", "text"]
    assert all(each.last_updated_timestamp for each in listed)
    sdk.secrets.delete_secret(scope, "text")
    assert [each.key for each in sdk.secrets.list_secrets(scope)] == ["bytes"]
    with pytest.raises(ResourceDoesNotExist):
        sdk.secrets.delete_secret(scope, "text")
    sdk.secrets.delete_scope(scope)
    with pytest.raises(ResourceDoesNotExist):
        sdk.secrets.delete_scope(scope)
    with pytest.raises(ResourceDoesNotExist):
        list(sdk.secrets.list_secrets(scope))


@pytest.mark.refused("secrets.get_secret", "values are given to running tasks alone")
def test_a_value_is_not_given_outside_a_task(sdk: WorkspaceClient, scope: str) -> None:
    sdk.secrets.put_secret(scope, "k", string_value="v")
    with pytest.raises(BadRequest):
        sdk.secrets.get_secret(scope, "k")
    with pytest.raises(BadRequest):
        sdk.dbutils.secrets.get(scope, "k")
    assert [each.key for each in sdk.dbutils.secrets.list(scope)] == ["k"]
    assert scope in [each.getName() for each in sdk.dbutils.secrets.listScopes()]


def test_permissions_on_a_scope(sdk: WorkspaceClient, as_user: AsUser, scope: str) -> None:
    user = as_user("secrets")
    name = user.current_user.me().user_name
    assert name is not None
    with pytest.raises(PermissionDenied):
        list(user.secrets.list_secrets(scope))
    sdk.secrets.put_acl(scope, name, AclPermission.READ)
    assert list(user.secrets.list_secrets(scope)) == []
    with pytest.raises(PermissionDenied):
        user.secrets.put_secret(scope, "k", string_value="v")
    assert sdk.secrets.get_acl(scope, name).permission is AclPermission.READ
    sdk.secrets.put_acl(scope, name, AclPermission.WRITE)
    user.secrets.put_secret(scope, "k", string_value="v")
    with pytest.raises(PermissionDenied):
        user.secrets.put_acl(scope, name, AclPermission.MANAGE)
    given = {item.principal: item.permission for item in sdk.secrets.list_acls(scope)}
    assert given[name] is AclPermission.WRITE
    sdk.secrets.delete_acl(scope, name)
    with pytest.raises(ResourceDoesNotExist):
        sdk.secrets.get_acl(scope, name)


def test_what_breaks_a_rule_is_refused(sdk: WorkspaceClient, scope: str) -> None:
    for wrong in ("", "with space", "x" * 129):
        with pytest.raises(InvalidParameterValue):
            sdk.secrets.create_scope(wrong)
    with pytest.raises(BadRequest):
        sdk.secrets.put_secret(scope, "k")
    with pytest.raises(BadRequest):
        sdk.secrets.put_secret(scope, "k", string_value="x" * (128 * 1024 + 1))


def test_another_workspace_sees_no_scope(other_workspace: WorkspaceClient, scope: str) -> None:
    assert scope not in [each.name for each in other_workspace.secrets.list_scopes()]
    with pytest.raises(ResourceDoesNotExist):
        list(other_workspace.secrets.list_secrets(scope))
