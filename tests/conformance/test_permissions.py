"""`sdk.permissions`, and the permissions of every kind that the SDK has methods for."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
)
from databricks.sdk.service import iam, jobs, settings, sql, workspace

from tests.conformance.conftest import AsUser


@pytest.fixture
def job_id(sdk: WorkspaceClient) -> Iterator[str]:
    """A job of the admin's without tasks."""
    made = sdk.jobs.create(name=f"permissions {uuid.uuid4()}").job_id
    assert made is not None
    yield str(made)
    sdk.jobs.delete(made)


@pytest.fixture
def query_id(sdk: WorkspaceClient) -> Iterator[str]:
    """A saved query of the admin's."""
    query = sql.CreateQueryRequestQuery(display_name=str(uuid.uuid4()), query_text="SELECT 1")
    made = sdk.queries.create(query=query).id
    assert made is not None
    yield made
    sdk.queries.delete(made)


def name_of(client: WorkspaceClient) -> str:
    """Return who a client's user is."""
    return client.current_user.me().user_name or ""


def entry(user: str, level: iam.PermissionLevel) -> iam.AccessControlRequest:
    """Return an entry that gives a user a level."""
    return iam.AccessControlRequest(user_name=user, permission_level=level)


def test_any_objects_permissions_are_read_replaced_and_added_to(
    sdk: WorkspaceClient, as_user: AsUser, job_id: str
) -> None:
    reader = as_user("reader")
    with pytest.raises(PermissionDenied):
        reader.permissions.get("jobs", job_id)
    given = [entry(name_of(reader), iam.PermissionLevel.CAN_VIEW)]
    found = sdk.permissions.update("jobs", job_id, access_control_list=given)
    assert (found.object_id, found.object_type) == (f"/jobs/{job_id}", "job")
    held = {each.user_name or each.group_name: each for each in found.access_control_list or []}
    (inherited,) = held["admins"].all_permissions or []
    assert inherited.inherited and inherited.inherited_from_object == ["/jobs/"]
    assert reader.permissions.get("jobs", job_id).object_id == f"/jobs/{job_id}"
    assert reader.jobs.get(int(job_id)).job_id == int(job_id)
    with pytest.raises(PermissionDenied):
        reader.jobs.run_now(int(job_id))
    with pytest.raises(PermissionDenied):
        reader.permissions.update("jobs", job_id, access_control_list=given)
    with pytest.raises(InvalidParameterValue, match="exactly one owner"):
        sdk.permissions.set("jobs", job_id, access_control_list=given)
    owner = entry(name_of(sdk), iam.PermissionLevel.IS_OWNER)
    sdk.permissions.set("jobs", job_id, access_control_list=[owner])
    with pytest.raises(PermissionDenied):
        reader.jobs.get(int(job_id))
    levels = sdk.permissions.get_permission_levels("jobs", job_id).permission_levels or []
    assert [each.permission_level for each in levels] == [
        iam.PermissionLevel.CAN_VIEW,
        iam.PermissionLevel.CAN_MANAGE_RUN,
        iam.PermissionLevel.CAN_MANAGE,
        iam.PermissionLevel.IS_OWNER,
    ]
    with pytest.raises(NotFound, match="nobody@x"):
        nobody = entry("nobody@x", iam.PermissionLevel.CAN_VIEW)
        sdk.permissions.update("jobs", job_id, access_control_list=[nobody])


def test_another_workspace_does_not_see_the_object(
    other_workspace: WorkspaceClient, job_id: str
) -> None:
    with pytest.raises(NotFound):
        other_workspace.permissions.get("jobs", job_id)


def test_a_job_is_shared_when_it_is_made(sdk: WorkspaceClient, as_user: AsUser) -> None:
    runner = as_user("runner")
    given = jobs.JobAccessControlRequest(
        user_name=name_of(runner), permission_level=jobs.JobPermissionLevel.CAN_MANAGE_RUN
    )
    made = sdk.jobs.create(name="shared", access_control_list=[given]).job_id
    assert made is not None
    assert made in [each.job_id for each in runner.jobs.list()]
    with pytest.raises(PermissionDenied):
        runner.jobs.delete(made)
    sdk.jobs.delete(made)


def test_a_warehouse(sdk: WorkspaceClient, as_user: AsUser) -> None:
    user = as_user("analyst")
    warehouse_id = "duckdb"
    before = sdk.warehouses.get_permissions(warehouse_id).access_control_list or []
    assert "users" in [each.group_name for each in before]
    given = sql.WarehouseAccessControlRequest(
        user_name=name_of(user), permission_level=sql.WarehousePermissionLevel.CAN_MONITOR
    )
    sdk.warehouses.update_permissions(warehouse_id, access_control_list=[given])
    everybody = sql.WarehouseAccessControlRequest(
        group_name="users", permission_level=sql.WarehousePermissionLevel.CAN_USE
    )
    sdk.warehouses.set_permissions(warehouse_id, access_control_list=[everybody])
    levels = sdk.warehouses.get_permission_levels(warehouse_id).permission_levels or []
    assert sql.WarehousePermissionLevel.CAN_USE in [each.permission_level for each in levels]
    with pytest.raises(PermissionDenied):
        user.warehouses.update_permissions(warehouse_id, access_control_list=[given])


def test_files_and_folders(sdk: WorkspaceClient, as_user: AsUser) -> None:
    ann, bob = as_user("ann"), as_user("bob")
    home = f"/Users/{name_of(ann)}/{uuid.uuid4()}"
    ann.workspace.mkdirs(home)
    folder_id = str(ann.workspace.get_status(home).object_id)
    with pytest.raises(PermissionDenied):
        list(bob.workspace.list(home))
    given = workspace.WorkspaceObjectAccessControlRequest(
        user_name=name_of(bob),
        permission_level=workspace.WorkspaceObjectPermissionLevel.CAN_READ,
    )
    ann.workspace.update_permissions("directories", folder_id, access_control_list=[given])
    assert list(bob.workspace.list(home)) == []
    assert bob.workspace.get_permissions("directories", folder_id).object_type == "directory"
    levels = ann.workspace.get_permission_levels("directories", folder_id).permission_levels or []
    assert len(levels) == 4
    ann.workspace.set_permissions("directories", folder_id, access_control_list=[])
    with pytest.raises(PermissionDenied):
        list(bob.workspace.list(home))
    ann.workspace.delete(home, recursive=True)


def test_queries_in_the_older_api(sdk: WorkspaceClient, as_user: AsUser, query_id: str) -> None:
    user, kind = as_user("editor"), sql.ObjectTypePlural.QUERIES
    given = sql.AccessControl(
        user_name=name_of(user), permission_level=sql.PermissionLevel.CAN_VIEW
    )
    sdk.dbsql_permissions.set(kind, query_id, access_control_list=[given])
    held = sdk.dbsql_permissions.get(kind, query_id).access_control_list or []
    assert given in held
    assert user.queries.get(query_id).id == query_id
    with pytest.raises(PermissionDenied):
        user.queries.delete(query_id)
    # The SDK puts the id into the path as it is, whatever its annotation says.
    owned: Any = query_id
    sdk.dbsql_permissions.transfer_ownership(
        sql.OwnableObjectType.QUERY, owned, new_owner=name_of(user)
    )
    assert user.queries.get(query_id).owner_user_name == name_of(user)


def test_tokens(sdk: WorkspaceClient) -> None:
    before = sdk.token_management.get_permissions().access_control_list or []
    assert "users" in [each.group_name for each in before]
    users = settings.TokenAccessControlRequest(
        group_name="users", permission_level=settings.TokenPermissionLevel.CAN_USE
    )
    sdk.token_management.update_permissions(access_control_list=[users])
    found = sdk.token_management.set_permissions(access_control_list=[users])
    assert (found.object_id, found.object_type) == ("/authorization/tokens", "tokens")
    levels = sdk.token_management.get_permission_levels().permission_levels or []
    assert [each.permission_level for each in levels] == [settings.TokenPermissionLevel.CAN_USE]


_WITHOUT = {
    "repos": "there are no Git folders; a job takes its files from git_source",
    "pipelines": "there are no pipelines",
    "apps": "there are no apps",
    "knowledge_assistants": "there are no assistants",
    "serving_endpoints": "nothing is served",
    "supervisor_agents": "there are no agents",
    "vector_search_endpoints": "there are no vector indexes",
    "users": "nobody has a password",
    "users_v2": "nobody has a password",
}
"""Services of what there is not → why it has no permissions."""


@pytest.mark.parametrize(
    ("service", "method"),
    [
        pytest.param(service, method, marks=pytest.mark.refused(f"{service}.{method}", why))
        for service, why in _WITHOUT.items()
        for method in (
            "get_permissions",
            "get_permission_levels",
            "set_permissions",
            "update_permissions",
        )
    ],
)
def test_what_there_is_not_has_no_permissions(
    sdk: WorkspaceClient, service: str, method: str
) -> None:
    ask: Callable[..., object] = getattr(getattr(sdk, service), method)
    with pytest.raises(InvalidParameterValue, match=r"has no permissions here|no permissions on"):
        ask(*(() if service.startswith("users") else ("1",)))
