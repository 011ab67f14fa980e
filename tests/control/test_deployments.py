"""Deployments: one deploys at a time, what was made is remembered, nobody else sees it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from control.auth import Caller
from control.db import Database
from control.deployments.tables import Deployment
from control.tokens import service as tokens
from control.workspaces.making import make_admin, make_workspace
from control.workspaces.tables import Principal, Workspace

BASE = "/api/openlake/1.0/deployments"
BUNDLE = {"bundle_name": "shop", "target": "dev", "root_path": "/Workspace/Users/a/.bundle/shop"}


async def begin(api: httpx2.AsyncClient, **more: Any) -> httpx2.Response:
    """Take the lock."""
    return await api.post(f"{BASE}/begin", json={**BUNDLE, "holder": "a@laptop", **more})


async def begun(api: httpx2.AsyncClient, **more: Any) -> tuple[str, str]:
    """Take the lock; returns the deployment's id and the lock's."""
    answer = await begin(api, **more)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["deployment"]["deployment_id"], body["lock_id"]


async def record(api: httpx2.AsyncClient, place: tuple[str, str], **done: Any) -> httpx2.Response:
    """Note what was done."""
    return await api.post(f"{BASE}/{place[0]}/record", json={"lock_id": place[1], **done})


async def finish(api: httpx2.AsyncClient, place: tuple[str, str], outcome: str) -> httpx2.Response:
    """Let go."""
    return await api.post(
        f"{BASE}/{place[0]}/finish", json={"lock_id": place[1], "outcome": outcome}
    )


JOB = {"kind": "jobs", "key": "one", "name": "one", "object_id": "7"}


async def test_what_was_made_is_remembered_until_it_is_destroyed(api: httpx2.AsyncClient) -> None:
    place = await begun(api)
    file = {"path": "/x/a.py", "sha256": "0" * 64, "modified_at": 5}
    assert (await record(api, place, resources=[JOB], files=[file])).json()["version"] == 1
    assert (await finish(api, place, "deployed")).status_code == 200
    listed = (await api.get(BASE, params={"bundle_name": "shop"})).json()["deployments"]
    assert [(each["version"], "lock" in each) for each in listed] == [(1, False)]
    read = (await api.get(f"{BASE}/{place[0]}")).json()
    assert (read["resources"], read["files"]) == ([JOB | {"permissions": {}}], [file])
    assert read["root_path"] == "/Users/a/.bundle/shop", "as the workspace spells it"
    again = await begun(api, version=1)
    assert again[0] == place[0], "the same bundle is the same deployment"
    refused = await finish(api, again, "destroyed")
    assert refused.status_code == 409, "something is left of it"
    await record(api, again, forgotten=[{"kind": "jobs", "key": "one"}])
    assert (await finish(api, again, "destroyed")).status_code == 200
    assert (await api.get(f"{BASE}/{place[0]}")).status_code == 404
    actions = [e["action"] for e in (await api.get("/api/openlake/1.0/audit")).json()["entries"]]
    assert actions[:3] == ["deployment.destroyed", "deployment.recorded", "deployment.begun"]


async def test_one_deploys_at_a_time(api: httpx2.AsyncClient, database: Database) -> None:
    first = await begun(api)
    refused = await begin(api)
    assert refused.status_code == 409 and "(a@laptop) has been deploying" in refused.text
    second = await begun(api, force=True)
    lost = await record(api, first, resources=[JOB])
    assert lost.status_code == 409 and "taken it over" in lost.text
    assert (await record(api, second)).status_code == 200
    async with database.session() as session:
        row = (await session.exec(select(Deployment))).one()
        row.locked_until = datetime.now(UTC) - timedelta(seconds=1)
    await begun(api)  # Nobody has renewed the lock for too long.


async def test_a_plan_that_is_out_of_date_is_refused(api: httpx2.AsyncClient) -> None:
    place = await begun(api)
    await record(api, place, resources=[JOB])
    await finish(api, place, "failed")
    refused = await begin(api)
    assert refused.status_code == 409 and "while this plan was made" in refused.text


async def test_only_those_with_permission_deploy_or_look(
    api: httpx2.AsyncClient, database: Database, caller: Caller
) -> None:
    place = await begun(api)
    await finish(api, place, "deployed")
    mine = api.headers["Authorization"]
    async with database.session() as session:
        user = Principal(workspace_id=caller.workspace_id, user_name="b", display_name="b")
        session.add(user)
        await make_workspace(session, Workspace(workspace_id=77, name="other"))
        other = await make_admin(session, 77, "c")
        await session.flush()
        of_user = await tokens.issue(session, user, "t")
        of_other = await tokens.issue(session, other, "t")
    wanted = [(of_user, (403, 403)), (of_other, (404, 404))]
    for token, codes in wanted:
        api.headers["Authorization"] = f"Bearer {token}"
        read = await api.get(f"{BASE}/{place[0]}")
        written = await record(api, place)
        assert (read.status_code, written.status_code) == codes
        assert (await api.get(BASE)).json().get("deployments", []) == []
    api.headers["Authorization"] = f"Bearer {of_user}"
    assert (await begin(api)).status_code == 403
    api.headers["Authorization"] = mine
    level = {"user_name": "b", "permission_level": "CAN_MANAGE"}
    given = await api.patch(
        f"/api/2.0/permissions/deployments/{place[0]}", json={"access_control_list": [level]}
    )
    assert given.status_code == 200, given.text
    api.headers["Authorization"] = f"Bearer {of_user}"
    await begun(api)


@pytest.mark.parametrize(
    "wrong",
    [
        {"root_path": "no/slash"},
        {"root_path": "/a/../b"},
        {"bundle_name": ""},
        {"version": -1},
        {"sort": 1},
    ],
)
async def test_bad_requests_are_refused(api: httpx2.AsyncClient, wrong: dict[str, Any]) -> None:
    assert (await begin(api, **wrong)).status_code == 400
