"""Access tokens over the API: one's own, those of others, and how they end."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlmodel import col, update

from control.auth import Authenticator
from control.db import Database
from control.tokens.tables import Token
from spec.errors import Unauthenticated
from tests.control.test_identity import SCIM, make, token_of

OWN = "/api/2.0/token"
ALL = "/api/2.0/token-management"


def bearer(token: str) -> dict[str, str]:
    """Return the header of a token."""
    return {"Authorization": f"Bearer {token}"}


async def works(api: httpx2.AsyncClient, token: str) -> bool:
    """Tell whether a token is good."""
    return (await api.get(f"{SCIM}/Me", headers=bearer(token))).status_code == 200


async def test_a_token_is_shown_once_and_ends_when_it_is_deleted(api: httpx2.AsyncClient) -> None:
    made = (await api.post(f"{OWN}/create", json={"comment": "ci", "lifetime_seconds": 60})).json()
    info = made["token_info"]
    assert info["expiry_time"] == info["creation_time"] + 60_000
    assert await works(api, made["token_value"])
    listed = (await api.get(f"{OWN}/list")).json()["token_infos"]
    assert [each["comment"] for each in listed] == ["ci", "first token"]
    assert listed[1]["expiry_time"] == -1
    assert made["token_value"] not in str(listed)
    where = f"{OWN}/{info['token_id']}"
    change = {"token": {"comment": "renamed"}, "update_mask": "comment"}
    assert (await api.patch(where, json=change)).status_code == 200
    assert (await api.get(f"{OWN}/list")).json()["token_infos"][0]["comment"] == "renamed"
    body = {"token_id": info["token_id"]}
    assert (await api.post(f"{OWN}/delete", json=body)).status_code == 200
    assert not await works(api, made["token_value"])
    again = await api.post(f"{OWN}/delete", json=body)
    assert (again.status_code, again.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


async def test_an_expired_token_is_refused(api: httpx2.AsyncClient, database: Database) -> None:
    made = (await api.post(f"{OWN}/create", json={"lifetime_seconds": 60})).json()
    async with database.session() as session:
        mine = col(Token.token_id) == made["token_info"]["token_id"]
        past = datetime.now(UTC) - timedelta(seconds=1)
        await session.exec(update(Token).where(mine).values(expires_at=past))
    assert not await works(api, made["token_value"])
    assert len((await api.get(f"{OWN}/list")).json()["token_infos"]) == 1


async def test_what_a_token_cannot_keep_is_refused(api: httpx2.AsyncClient) -> None:
    for body in ({"scopes": ["sql"]}, {"lifetime_seconds": 0}, {"lifetime_seconds": 10**18}):
        answer = await api.post(f"{OWN}/create", json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


async def test_others_tokens_are_the_admins_to_manage(
    api: httpx2.AsyncClient, database: Database
) -> None:
    await make(api, "Users", userName="ana")
    program = await make(api, "ServicePrincipals", displayName="ci")
    body = {"application_id": program["applicationId"], "comment": "robot"}
    made = (await api.post(f"{ALL}/on-behalf-of/tokens", json=body)).json()
    assert await works(api, made["token_value"])
    info = made["token_info"]
    assert (info["created_by_username"], info["owner_id"]) == (
        "admin@openlake.local",
        int(program["id"]),
    )
    ana = await token_of(database, "ana")
    for refused in (
        await api.get(f"{ALL}/tokens", headers=bearer(ana)),
        await api.get(f"{ALL}/tokens/{info['token_id']}", headers=bearer(ana)),
        await api.delete(f"{ALL}/tokens/{info['token_id']}", headers=bearer(ana)),
        await api.post(f"{ALL}/on-behalf-of/tokens", json=body, headers=bearer(ana)),
    ):
        assert refused.status_code == 403
    # Not one's own, though it is there.
    stolen = {"token_id": info["token_id"]}
    answer = await api.post(f"{OWN}/delete", json=stolen, headers=bearer(ana))
    assert answer.status_code == 404
    listed = (await api.get(f"{ALL}/tokens", params={"created_by_username": "ana"})).json()
    assert [each["comment"] for each in listed["token_infos"]] == ["test"]
    assert len((await api.get(f"{ALL}/tokens")).json()["token_infos"]) == 3
    got = (await api.get(f"{ALL}/tokens/{info['token_id']}")).json()["token_info"]
    assert got["comment"] == "robot" and got["last_used_day"] > 0
    assert (await api.delete(f"{ALL}/tokens/{info['token_id']}")).status_code == 200
    assert not await works(api, made["token_value"])
    unknown = await api.post(f"{ALL}/on-behalf-of/tokens", json={"application_id": "ana"})
    assert unknown.status_code == 404


async def test_who_may_have_tokens_is_a_permission(
    api: httpx2.AsyncClient, database: Database
) -> None:
    await make(api, "Users", userName="ana")
    ana = await token_of(database, "ana")
    assert (await api.post(f"{OWN}/create", json={}, headers=bearer(ana))).status_code == 200
    where = "/api/2.0/permissions/authorization/tokens"
    assert (await api.put(where, json={"access_control_list": []})).status_code == 200
    assert (await api.post(f"{OWN}/create", json={}, headers=bearer(ana))).status_code == 403


async def test_another_process_takes_a_revoked_token_for_five_seconds_at_most(
    api: httpx2.AsyncClient, database: Database, token: str
) -> None:
    now = 0.0
    elsewhere = Authenticator(clock=lambda: now)
    ana = await make(api, "Users", userName="ana")
    value = await token_of(database, "ana")
    assert (await elsewhere.caller(database, value)).user_name == "ana"
    await api.delete(f"{SCIM}/Users/{ana['id']}")
    now = 5.0
    with pytest.raises(Unauthenticated):
        await elsewhere.caller(database, value)
