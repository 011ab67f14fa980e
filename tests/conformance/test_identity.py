"""Users, groups, service principals, tokens and workspaces by the SDK."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.errors import (
    BadRequest,
    NotFound,
    PermissionDenied,
    ResourceConflict,
    Unauthenticated,
)
from databricks.sdk.service import iam, settings

HERE = "/api/openlake/1.0/workspaces"


def fresh(word: str) -> str:
    """Return a name that no other test has."""
    return f"{word}-{uuid.uuid4().hex[:8]}"


def test_who_one_is(sdk: WorkspaceClient, other_workspace: WorkspaceClient) -> None:
    me = sdk.current_user.me()
    assert me.user_name == "admin@openlake.local" and me.active
    groups = {each.display: each.value for each in me.groups or ()}
    assert set(groups) >= {"admins", "users"}
    admins = next(iter(sdk.groups.list(filter='displayName eq "admins"')))
    assert groups["admins"] == admins.id
    assert sdk.get_workspace_id() != other_workspace.get_workspace_id()


def test_a_user_lives_and_dies(sdk: WorkspaceClient) -> None:
    name = f"{fresh('ana')}@example.com"
    made = sdk.users.create(user_name=name, display_name="Ana", active=True)
    assert made.id is not None
    with pytest.raises(ResourceConflict):
        sdk.users.create(user_name=name)
    listed = list(sdk.users.list(filter=f'userName eq "{name}"', attributes="id,userName"))
    assert [(each.id, each.user_name, each.display_name) for each in listed] == [
        (made.id, name, None)
    ]
    sdk.users.update(made.id, display_name="Ana B", user_name=name, active=True)
    step = iam.Patch(op=iam.PatchOp.REPLACE, path="name.givenName", value="Ana")
    sdk.users.patch(made.id, operations=[step], schemas=[*iam.PatchSchema])
    found = sdk.users.get(made.id)
    assert found.display_name == "Ana B"
    assert found.name is not None and found.name.given_name == "Ana"
    assert sdk.workspace.get_status(f"/Users/{name}").path == f"/Users/{name}"
    with pytest.raises(BadRequest):
        list(sdk.users.list(filter="userName like x"))
    sdk.users.delete(made.id)
    with pytest.raises(NotFound):
        sdk.users.get(made.id)


def test_a_group_has_members(sdk: WorkspaceClient) -> None:
    users = [sdk.users.create(user_name=fresh("member")) for _ in range(2)]
    group = sdk.groups.create(
        display_name=fresh("team"), members=[iam.ComplexValue(value=users[0].id)]
    )
    assert group.id is not None
    add = iam.Patch(op=iam.PatchOp.ADD, path="members", value=[{"value": users[1].id}])
    out = iam.Patch(op=iam.PatchOp.REMOVE, path=f'members[value eq "{users[0].id}"]')
    sdk.groups.patch(group.id, operations=[add, out], schemas=[*iam.PatchSchema])
    found = sdk.groups.get(group.id)
    assert [each.value for each in found.members or ()] == [users[1].id]
    assert group.id in [each.value for each in sdk.users.get(users[1].id or "").groups or ()]
    sdk.groups.update(group.id, display_name=found.display_name, members=[])
    assert not sdk.groups.get(group.id).members
    assert found.display_name in [each.display_name for each in sdk.groups.list(count=2)]
    sdk.groups.delete(group.id)
    with pytest.raises(NotFound):
        sdk.groups.delete(group.id)


def test_the_newer_names_of_the_same_services(sdk: WorkspaceClient) -> None:
    schemas = [*iam.PatchSchema]
    off = iam.Patch(op=iam.PatchOp.REPLACE, path="active", value=False)
    user = sdk.users_v2.create(user_name=fresh("user"))
    group = sdk.groups_v2.create(display_name=fresh("group"))
    program = sdk.service_principals_v2.create(display_name=fresh("program"))
    assert user.id is not None and group.id is not None and program.id is not None
    add = iam.Patch(op=iam.PatchOp.ADD, path="members", value=[{"value": user.id}])
    sdk.groups_v2.patch(group.id, operations=[add], schemas=schemas)
    sdk.users_v2.patch(user.id, operations=[off], schemas=schemas)
    sdk.service_principals_v2.patch(program.id, operations=[off], schemas=schemas)
    sdk.users_v2.update(user.id, display_name="renamed")
    sdk.service_principals_v2.update(program.id, display_name="renamed")
    found = sdk.users_v2.get(user.id)
    assert (found.display_name, found.active) == ("renamed", False)
    assert sdk.service_principals_v2.get(program.id).display_name == "renamed"
    assert [each.value for each in sdk.groups_v2.get(group.id).members or ()] == [user.id]
    sdk.groups_v2.update(group.id, display_name=fresh("group"))
    for service, made in (
        (sdk.users_v2, user.id),
        (sdk.groups_v2, group.id),
        (sdk.service_principals_v2, program.id),
    ):
        assert made in [each.id for each in service.list()]
        service.delete(made)


@pytest.mark.partly("token_management.create_obo_token", "`scopes` and autoscoping are refused")
def test_a_service_principal_works_by_a_token_of_an_admin(
    sdk: WorkspaceClient, as_user: Callable[[str], WorkspaceClient]
) -> None:
    made = sdk.service_principals.create(display_name=fresh("robot"))
    assert made.id is not None and made.application_id is not None
    listed = sdk.service_principals.list(filter=f'applicationId eq "{made.application_id}"')
    assert [each.id for each in listed] == [made.id]
    token = sdk.token_management.create_obo_token(
        made.application_id, comment="ci", lifetime_seconds=600
    )
    robot = WorkspaceClient(host=sdk.config.host, token=token.token_value)
    assert robot.current_user.me().user_name == made.application_id
    assert token.token_info is not None and token.token_info.token_id is not None
    token_id = token.token_info.token_id
    assert sdk.token_management.get(token_id).token_info is not None
    assert token_id in [each.token_id for each in sdk.token_management.list()]
    with pytest.raises(PermissionDenied):
        list(as_user("plain").token_management.list())
    sdk.token_management.delete(token_id)
    with pytest.raises(Unauthenticated):
        robot.current_user.me()
    sdk.service_principals.update(made.id, display_name="renamed", active=True)
    off = iam.Patch(op=iam.PatchOp.REPLACE, path="active", value=False)
    sdk.service_principals.patch(made.id, operations=[off], schemas=[*iam.PatchSchema])
    found = sdk.service_principals.get(made.id)
    assert (found.display_name, found.active) == ("renamed", False)
    sdk.service_principals.delete(made.id)


@pytest.mark.partly("tokens.create", "`scopes` and `autoscope_enabled` are refused")
@pytest.mark.partly("tokens.update", "the comment alone can be changed")
@pytest.mark.partly("token_management.update_token_management", "the comment alone can be changed")
def test_tokens_of_ones_own(sdk: WorkspaceClient) -> None:
    made = sdk.tokens.create(comment="laptop", lifetime_seconds=600)
    assert made.token_info is not None and made.token_info.token_id is not None
    token_id = made.token_info.token_id
    mask = FieldMask(["comment"])
    sdk.tokens.update(token_id, settings.PublicTokenInfo(comment="desk"), mask)
    comments = {each.token_id: each.comment for each in sdk.tokens.list()}
    assert comments[token_id] == "desk"
    info = settings.TokenInfo(comment="shelf")
    changed = sdk.token_management.update_token_management(token_id, info, mask)
    assert changed.comment == "shelf"
    with pytest.raises(BadRequest):
        sdk.tokens.create(scopes=["sql"])
    sdk.tokens.delete(token_id)
    with pytest.raises(NotFound):
        sdk.tokens.delete(token_id)


def test_plain_users_change_nobody(as_user: Callable[[str], WorkspaceClient]) -> None:
    plain = as_user("plain")
    me = plain.current_user.me()
    assert me.id is not None and plain.users.get(me.id).user_name == me.user_name
    with pytest.raises(PermissionDenied):
        plain.users.create(user_name=fresh("x"))
    with pytest.raises(PermissionDenied):
        plain.groups.create(display_name=fresh("x"))


def test_workspaces(sdk: WorkspaceClient, as_user: Callable[[str], WorkspaceClient]) -> None:
    call: Any = sdk.api_client.do
    made = call("POST", HERE, body={"name": fresh("ws"), "admin": "bea@example.com"})
    where = f"{HERE}/{made['workspace_id']}"
    bea = WorkspaceClient(host=sdk.config.host, token=made["token_value"])
    assert bea.get_workspace_id() == made["workspace_id"]
    assert {each.id for each in bea.warehouses.list()} == {"duckdb", "trino"}
    cid = call("POST", f"{where}/members", body={"user_name": "cid", "with_token": False})
    assert [each.user_name for each in bea.users.list()] == ["bea@example.com", cid["user_name"]]
    with pytest.raises(PermissionDenied):
        as_user("plain").api_client.do("POST", HERE, body={"name": fresh("ws")})
    with pytest.raises(NotFound):
        bea.api_client.do("GET", f"{HERE}/1")
    call("DELETE", where)
    with pytest.raises(Unauthenticated):
        bea.current_user.me()
