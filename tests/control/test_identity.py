"""Users, service principals and groups over SCIM: who may change what, and what stays."""

from typing import Any

import httpx2
import pytest

from control.db import Database
from control.tokens import service as tokens
from control.workspaces import principals
from control.workspaces.making import make_admin, make_workspace
from control.workspaces.tables import Workspace

SCIM = "/api/2.0/preview/scim/v2"


async def make(api: httpx2.AsyncClient, place: str, **fields: Any) -> dict[str, Any]:
    """Make a principal."""
    answer = await api.post(f"{SCIM}/{place}", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def step(api: httpx2.AsyncClient, place: str, *steps: dict[str, Any]) -> httpx2.Response:
    """Send a PATCH."""
    return await api.patch(f"{SCIM}/{place}", json={"Operations": list(steps)})


async def group_id(api: httpx2.AsyncClient, name: str) -> str:
    """Return the id of a group."""
    answer = await api.get(f"{SCIM}/Groups", params={"filter": f'displayName eq "{name}"'})
    return answer.json()["Resources"][0]["id"]


async def token_of(database: Database, name: str, workspace_id: int = 1) -> str:
    """Make a token of a principal."""
    async with database.session() as session:
        found = await principals.find(session, workspace_id, name)
        assert found is not None
        return await tokens.issue(session, found, "test")


async def test_a_user_is_made_with_a_home_folder_and_read_back(api: httpx2.AsyncClient) -> None:
    made = await make(
        api,
        "Users",
        userName="ana@example.com",
        displayName="Ana",
        name={"givenName": "Ana", "familyName": "B"},
        entitlements=[{"value": "workspace-access"}],
        externalId="x-1",
    )
    found = (await api.get(f"{SCIM}/Users/{made['id']}")).json()
    assert found == made
    assert (found["active"], found["externalId"]) == (True, "x-1")
    assert found["emails"] == [{"value": "ana@example.com", "type": "work", "primary": True}]
    assert [each["display"] for each in found["groups"]] == ["users"]
    folder = await api.get(
        "/api/2.0/workspace/get-status", params={"path": "/Users/ana@example.com"}
    )
    assert folder.json()["object_type"] == "DIRECTORY"


async def test_me_has_groups_with_their_ids(api: httpx2.AsyncClient) -> None:
    answer = await api.get(f"{SCIM}/Me")
    mine = answer.json()
    admins = await group_id(api, "admins")
    assert {"value": admins, "display": "admins", "type": "direct", "$ref": f"Groups/{admins}"} in (
        mine["groups"]
    )
    assert answer.headers["X-Databricks-Org-Id"] == "1"


async def test_groups_in_groups_count(api: httpx2.AsyncClient) -> None:
    ana = await make(api, "Users", userName="ana")
    inner = await make(api, "Groups", displayName="inner", members=[{"value": ana["id"]}])
    outer = await make(api, "Groups", displayName="outer", members=[{"value": inner["id"]}])
    found = (await api.get(f"{SCIM}/Users/{ana['id']}")).json()
    kinds = {each["display"]: each["type"] for each in found["groups"]}
    assert kinds == {"inner": "direct", "outer": "indirect", "users": "direct"}
    # Groups that contain each other come to an end.
    add = {"op": "add", "path": "members", "value": [{"value": outer["id"]}]}
    assert (await step(api, f"Groups/{inner['id']}", add)).status_code == 200
    assert (await api.get(f"{SCIM}/Users/{ana['id']}")).status_code == 200


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('userName eq "ANA"', ["ana"]),
        ('userName ne "ana" and userName ne "admin@openlake.local"', ["bob", "b_b%"]),
        ('userName sw "b" or displayName co "istra"', ["admin@openlake.local", "bob", "b_b%"]),
        ('userName co "_"', ["b_b%"]),
        ('not (userName ew "b" or active eq true)', ["b_b%"]),
        ("externalId pr", ["bob"]),
        ('name.givenName eq "Robert"', ["bob"]),
        ('emails.value co "ana"', ["ana"]),
    ],
)
async def test_filters(api: httpx2.AsyncClient, text: str, names: list[str]) -> None:
    await make(api, "Users", userName="ana")
    await make(api, "Users", userName="bob", externalId="7", name={"givenName": "Robert"})
    await make(api, "Users", userName="b_b%", active=False)
    answer = await api.get(f"{SCIM}/Users", params={"filter": text})
    assert [each["userName"] for each in answer.json()["Resources"]] == names


@pytest.mark.parametrize(
    "text",
    ["userName", "userName like 1", "(userName pr", "shoe eq 1", 'active co "t"', "pr pr pr"],
)
async def test_a_filter_that_cannot_be_read_is_refused(api: httpx2.AsyncClient, text: str) -> None:
    answer = await api.get(f"{SCIM}/Users", params={"filter": text})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


async def test_pages_end_and_attributes_are_picked(api: httpx2.AsyncClient) -> None:
    for name in ("c", "a", "b"):
        await make(api, "Users", userName=name)
    query: dict[str, Any] = {"sortBy": "userName", "attributes": "userName,groups.display"}
    names: list[str] = []
    for start in (1, 3, 5):
        answer = await api.get(f"{SCIM}/Users", params={**query, "startIndex": start, "count": 2})
        page = answer.json()
        assert page["totalResults"] == 4
        assert page["itemsPerPage"] == len(page["Resources"])
        names += [each["userName"] for each in page["Resources"]]
    assert names == ["a", "admin@openlake.local", "b", "c"]
    first = (await api.get(f"{SCIM}/Users", params={**query, "count": 1})).json()["Resources"][0]
    assert set(first) == {"schemas", "id", "userName", "groups"}
    assert first["groups"] == [{"display": "users"}]
    query = {"excludedAttributes": "groups,emails", "sortBy": "userName", "sortOrder": "descending"}
    last = (await api.get(f"{SCIM}/Users", params=query)).json()["Resources"][0]
    assert last["userName"] == "c" and "groups" not in last and "emails" not in last


async def test_members_are_added_and_removed_by_steps(api: httpx2.AsyncClient) -> None:
    ids = [(await make(api, "Users", userName=name))["id"] for name in ("a", "b", "c")]
    group = await make(api, "Groups", displayName="g")
    where = f"Groups/{group['id']}"
    add = {"op": "Add", "path": "members", "value": [{"value": each} for each in ids]}
    await step(api, where, add, add)
    remove = {"op": "remove", "path": f'members[value eq "{ids[0]}"]'}
    by_value = {"op": "remove", "path": "members", "value": [{"value": ids[1]}]}
    answer = await step(api, where, remove, by_value)
    assert [each["value"] for each in answer.json()["members"]] == [ids[2]]
    assert answer.json()["members"][0]["$ref"] == f"Users/{ids[2]}"
    answer = await step(api, where, {"op": "replace", "value": {"displayName": "h"}})
    assert answer.json()["displayName"] == "h"
    answer = await step(api, where, {"op": "remove", "path": "members"})
    assert "members" not in answer.json()


async def test_steps_change_a_user(api: httpx2.AsyncClient) -> None:
    ana = await make(api, "Users", userName="ana")
    answer = await step(
        api,
        f"Users/{ana['id']}",
        {"op": "replace", "path": "name.givenName", "value": "Ana"},
        {"op": "replace", "value": {"active": "False", "name.familyName": "B"}},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "new@x"},
        {"op": "add", "path": "entitlements", "value": [{"value": "allow-cluster-create"}]},
        {"op": "add", "path": "displayName", "value": "Ana B"},
    )
    found = answer.json()
    assert found["name"] == {"givenName": "Ana", "familyName": "B"}
    assert (found["active"], found["displayName"]) == (False, "Ana B")
    assert found["emails"][0]["value"] == "new@x"
    assert found["entitlements"] == [{"value": "allow-cluster-create"}]
    # As the SDK sends a value that is false.
    await step(api, f"Users/{ana['id']}", {"op": "replace", "value": {"active": True}})
    answer = await step(api, f"Users/{ana['id']}", {"op": "replace", "path": "active"})
    assert answer.json()["active"] is False


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"op": "replace", "path": "shoes", "value": 1}, "invalidPath"),
        ({"op": "remove"}, "invalidPath"),
        ({"op": "replace", "path": "emails[value eq", "value": 1}, "invalidPath"),
        ({"op": "replace", "path": "userName", "value": "bob"}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "1"}]}, "mutability"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "explode", "path": "active"}, "invalidValue"),
    ],
)
async def test_a_step_that_makes_no_sense_is_refused(
    api: httpx2.AsyncClient, given: dict[str, Any], kind: str
) -> None:
    ana = await make(api, "Users", userName="ana")
    answer = await step(api, f"Users/{ana['id']}", given)
    assert (answer.status_code, answer.json()["scimType"]) == (400, kind)


async def test_errors_have_scims_shape(api: httpx2.AsyncClient) -> None:
    await make(api, "Users", userName="ana")
    taken = await api.post(f"{SCIM}/Users", json={"userName": "ANA"})
    assert taken.status_code == 409
    assert taken.json() == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "detail": "User 'ana' already exists in this workspace.",
        "status": "409",
        "scimType": "uniqueness",
    }
    assert (await api.get(f"{SCIM}/Users/77777")).json()["detail"] == (
        "User with id 77777 not found."
    )
    assert (await api.get(f"{SCIM}/Users/abc")).status_code == 404
    assert (await api.get(f"{SCIM}/Shoes")).json()["status"] == "404"
    assert (await api.post(f"{SCIM}/Users", json={"userName": "a/b"})).status_code == 400
    assert (await api.post(f"{SCIM}/Users", json={"userName": "a", "shoe": 1})).status_code == 400
    assert (await api.post(f"{SCIM}/Users", json={})).status_code == 400
    api.headers.pop("Authorization")
    assert (await api.get(f"{SCIM}/Users")).json()["status"] == "401"


async def test_names_are_unique_over_all_kinds(api: httpx2.AsyncClient) -> None:
    await make(api, "Users", userName="ana")
    assert (await api.post(f"{SCIM}/Groups", json={"displayName": "ana"})).status_code == 409
    group = await make(api, "Groups", displayName="g")
    answer = await api.put(f"{SCIM}/Groups/{group['id']}", json={"displayName": "Ana"})
    assert answer.status_code == 409


async def test_only_admins_change_principals(api: httpx2.AsyncClient, database: Database) -> None:
    ana = await make(api, "Users", userName="ana")
    api.headers["Authorization"] = f"Bearer {await token_of(database, 'ana')}"
    where = f"{SCIM}/Users/{ana['id']}"
    assert (await api.get(where)).status_code == 200
    active = {"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]}
    refused = [
        await api.post(f"{SCIM}/Users", json={"userName": "bob"}),
        await api.put(where, json={"displayName": "x"}),
        await api.patch(where, json=active),
        await api.delete(where),
    ]
    assert [each.status_code for each in refused] == [403] * 4
    assert refused[0].json()["status"] == "403"


async def test_built_in_groups_stay(api: httpx2.AsyncClient) -> None:
    for name in ("admins", "users"):
        where = f"{SCIM}/Groups/{await group_id(api, name)}"
        assert (await api.delete(where)).status_code == 400
        assert (await api.put(where, json={"displayName": "x"})).status_code == 400
    everybody = await group_id(api, "users")
    gone = await step(api, f"Groups/{everybody}", {"op": "remove", "path": "members"})
    assert gone.json()["scimType"] == "mutability"


async def test_the_last_admin_stays(api: httpx2.AsyncClient) -> None:
    me = (await api.get(f"{SCIM}/Me")).json()
    admins = f"Groups/{await group_id(api, 'admins')}"
    leave = {"op": "remove", "path": f'members[value eq "{me["id"]}"]'}
    rest = {"op": "replace", "path": "active", "value": False}
    refused = [
        await step(api, admins, leave),
        await step(api, f"Users/{me['id']}", rest),
        await api.delete(f"{SCIM}/Users/{me['id']}"),
    ]
    assert [each.status_code for each in refused] == [400] * 3
    ana = await make(api, "Users", userName="ana")
    inner = await make(api, "Groups", displayName="inner", members=[{"value": ana["id"]}])
    add = {"op": "add", "path": "members", "value": [{"value": inner["id"]}]}
    assert (await step(api, admins, add, leave)).status_code == 200
    assert (await step(api, f"Users/{ana['id']}", rest)).status_code == 403


@pytest.mark.parametrize("way", ["delete", "deactivate"])
async def test_who_is_gone_has_no_tokens(
    api: httpx2.AsyncClient, database: Database, way: str
) -> None:
    ana = await make(api, "Users", userName="ana")
    mine = {"Authorization": f"Bearer {await token_of(database, 'ana')}"}
    assert (await api.get(f"{SCIM}/Me", headers=mine)).status_code == 200
    where = f"{SCIM}/Users/{ana['id']}"
    if way == "delete":
        assert (await api.delete(where)).status_code == 204
        assert (await api.get(where)).status_code == 404
        # The name is free again, for somebody else.
        assert (await make(api, "Users", userName="ana"))["id"] != ana["id"]
    else:
        await step(api, f"Users/{ana['id']}", {"op": "replace", "value": {"active": False}})
        await step(api, f"Users/{ana['id']}", {"op": "replace", "value": {"active": True}})
    assert (await api.get(f"{SCIM}/Me", headers=mine)).status_code == 401


async def test_a_host_of_several_workspaces_names_none(
    api: httpx2.AsyncClient, database: Database
) -> None:
    where = "/.well-known/databricks-config"
    assert (await api.get(where)).json()["workspace_id"] == "1"
    async with database.session() as session:
        await make_workspace(session, Workspace(workspace_id=2, name="two"))
        await make_admin(session, 2, "bea")
    assert "workspace_id" not in (await api.get(where)).json()
    mine = {"Authorization": f"Bearer {await token_of(database, 'bea', 2)}"}
    assert (await api.get(f"{SCIM}/Me", headers=mine)).headers["X-Databricks-Org-Id"] == "2"
