"""Permissions: how they are read and changed, and that every level lets do what it says."""

from typing import Any

import httpx2
import pytest
from sqlmodel import select

from control.audit.tables import AuditEntry
from control.deps import Deps
from control.permissions.levels import LEVELS, MEANING, Kind, Level, includes
from control.workspaces.tables import Principal, PrincipalKind
from tests.control.acting import Person, give, person
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, run_now, settings

ADMIN = "admin@openlake.local"
Acl = dict[str, list[tuple[str, bool]]]


def acl(answer: httpx2.Response) -> Acl:
    """Return {principal: [(level, is inherited)]} of an answer."""
    assert answer.status_code == 200, answer.text
    return {
        each.get("user_name") or each.get("group_name") or each["service_principal_name"]: [
            (one["permission_level"], one["inherited"]) for one in each["all_permissions"]
        ]
        for each in answer.json()["access_control_list"]
    }


def entries(**levels: str) -> dict[str, Any]:
    """Return the body that gives users, whose names lack their domain, these levels."""
    users = {"admin": ADMIN}
    return {
        "access_control_list": [
            {"user_name": users.get(who, f"{who}@x"), "permission_level": level}
            for who, level in levels.items()
        ]
    }


async def test_a_job_has_an_owner_and_inherits_what_admins_may(
    api: httpx2.AsyncClient, deps: Deps
) -> None:
    await put_file(deps.database, "/jobs/main.py")
    job_id = await create_job(api)
    answer = await api.get(f"/api/2.0/permissions/jobs/{job_id}")
    assert answer.json() == {
        "object_id": f"/jobs/{job_id}",
        "object_type": "job",
        "access_control_list": [
            {
                "user_name": ADMIN,
                "display_name": "Administrator",
                "all_permissions": [{"permission_level": "IS_OWNER", "inherited": False}],
            },
            {
                "group_name": "admins",
                "all_permissions": [
                    {
                        "permission_level": "CAN_MANAGE",
                        "inherited": True,
                        "inherited_from_object": ["/jobs/"],
                    }
                ],
            },
        ],
    }
    levels = await api.get(f"/api/2.0/permissions/jobs/{job_id}/permissionLevels")
    names = [each["permission_level"] for each in levels.json()["permission_levels"]]
    assert names == ["CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"]


async def test_put_replaces_and_patch_adds(api: httpx2.AsyncClient, deps: Deps) -> None:
    job_id = await create_job(api)
    for name in ("ann", "bob"):
        await person(api, deps, f"{name}@x")
    place = f"/api/2.0/permissions/jobs/{job_id}"
    added = acl(await api.patch(place, json=entries(ann="CAN_VIEW", bob="CAN_MANAGE")))
    assert added["ann@x"] == [("CAN_VIEW", False)] and added["bob@x"] == [("CAN_MANAGE", False)]
    changed = acl(await api.patch(place, json=entries(ann="CAN_MANAGE_RUN")))
    assert changed["ann@x"] == [("CAN_MANAGE_RUN", False)] and "bob@x" in changed
    left = acl(await api.put(place, json=entries(admin="IS_OWNER", ann="CAN_VIEW")))
    assert set(left) == {ADMIN, "ann@x", "admins"}
    moved = await api.put(place, json=entries(bob="IS_OWNER", admin="CAN_MANAGE"))
    assert acl(moved)["bob@x"] == [("IS_OWNER", False)]
    job = (await api.get("/api/2.2/jobs/get", params={"job_id": job_id})).json()
    assert (job["creator_user_name"], job["run_as_user_name"]) == (ADMIN, "bob@x")
    async with deps.database.read_session() as session:
        query = select(AuditEntry.action).where(AuditEntry.object_id == str(job_id))
        deeds = list((await session.exec(query)).all())
    assert deeds.count("permissions.updated") == 2 and deeds.count("permissions.replaced") == 2


@pytest.mark.parametrize(
    "method, body, status, message",
    [
        ("PUT", entries(ann="CAN_VIEW"), 400, "The job must have exactly one owner."),
        ("PATCH", entries(ann="IS_OWNER"), 400, "The job must have exactly one owner."),
        ("PATCH", entries(admin="CAN_VIEW"), 400, "The job must have exactly one owner."),
        ("PATCH", entries(nobody="CAN_VIEW", none="CAN_VIEW"), 404, "'nobody@x', user 'none@x'"),
        ("PATCH", entries(ann="CAN_FLY"), 400, "CAN_VIEW, CAN_MANAGE_RUN, CAN_MANAGE, IS_OWNER"),
        ("PATCH", entries(ann="CAN_USE"), 400, "'CAN_USE' is no permission level of a job"),
        (
            "PATCH",
            {
                "access_control_list": [
                    *entries(ann="CAN_VIEW")["access_control_list"],
                    *entries(ann="CAN_MANAGE")["access_control_list"],
                ]
            },
            400,
            "both CAN_VIEW and CAN_MANAGE",
        ),
        ("PATCH", {"access_control_list": [{"permission_level": "CAN_VIEW"}]}, 400, "exactly one"),
        (
            "PUT",
            {"access_control_list": [{"group_name": "users", "permission_level": "IS_OWNER"}]},
            400,
            "the group 'users' cannot be an owner",
        ),
    ],
)
async def test_what_cannot_be_given_is_refused(
    api: httpx2.AsyncClient,
    deps: Deps,
    method: str,
    body: dict[str, Any],
    status: int,
    message: str,
) -> None:
    job_id = await create_job(api)
    await person(api, deps, "ann@x")
    answer = await api.request(method, f"/api/2.0/permissions/jobs/{job_id}", json=body)
    assert (answer.status_code, message in answer.json()["message"]) == (status, True), answer.text


async def test_types_and_objects_that_are_not_there_are_named(api: httpx2.AsyncClient) -> None:
    for place, status, message in (
        ("repos/1", 400, "there are no Git folders"),
        ("pipelines/1", 400, "there are no pipelines"),
        ("spoons/1", 400, "the types are jobs, "),
        ("sql/spoons/1", 400, "'sql/spoons' has no permissions"),
        ("jobs/x", 400, "'x' is no id of a job"),
        ("jobs/99", 404, "Job 99 does not exist"),
        ("sql/warehouses/0000000000000000", 404, "does not exist"),
        ("notebooks/99", 404, "has no notebook with the id 99"),
        ("authorization/passwords", 400, "authorization/tokens only"),
    ):
        answer = await api.get(f"/api/2.0/permissions/{place}")
        assert answer.status_code == status and message in answer.json()["message"], answer.text


# What each level lets do -------------------------------------------------------------------

Deed = tuple[Level, str, str, dict[str, Any]]
"""The least level, and the request; more than one of a kind may be sent by one who may."""


async def may(who: Person, deed: Deed) -> bool:
    """Tell whether somebody may do something: whatever else is wrong with it, it is not 403."""
    _, method, path, request = deed
    return (await who(method, path, **request)).status_code != 403


async def check_levels(
    api: httpx2.AsyncClient, deps: Deps, kind: Kind, place: str, deeds: list[Deed]
) -> None:
    """Try every deed with every level of a kind, and without any."""
    for wanted, *_ in deeds:
        assert wanted in LEVELS[kind]
    nobody = await person(api, deps, "nobody@x")
    assert [deed for deed in deeds if await may(nobody, deed)] == []
    for held in LEVELS[kind]:
        if held is Level.IS_OWNER:
            continue
        who = await person(api, deps, f"{held.lower()}@x")
        await give(api, place, who.name, held)
        wrong = [
            deed for deed in deeds if await may(who, deed) is not includes(kind, held, deed[0])
        ]
        assert wrong == [], f"{held} on {kind}"


async def test_levels_of_a_job(api: httpx2.AsyncClient, deps: Deps, launcher: Recorder) -> None:
    await put_file(deps.database, "/jobs/main.py")
    job_id = await create_job(api, max_concurrent_runs=1000)
    run_id = await run_now(api, job_id)
    view, run, manage = Level.CAN_VIEW, Level.CAN_MANAGE_RUN, Level.CAN_MANAGE
    jobs, own, job, of_run = (
        "/api/2.2/jobs",
        "/api/openlake/1.0",
        {"job_id": job_id},
        {"run_id": run_id},
    )
    dates = {"first": "2024-01-01", "last": "2024-01-02", "dry_run": True}
    await check_levels(
        api,
        deps,
        Kind.JOB,
        f"jobs/{job_id}",
        [
            (view, "GET", f"{jobs}/get", {"params": job}),
            (view, "GET", f"{jobs}/runs/get", {"params": of_run}),
            (view, "GET", f"{own}/runs/{run_id}/evidence", {}),
            (view, "GET", f"{own}/runs/{run_id}/settings", {}),
            (view, "GET", f"{own}/jobs/{job_id}/versions/1/diff", {}),
            (view, "GET", f"{own}/jobs/{job_id}/backfills", {}),
            (view, "GET", f"/api/2.0/permissions/jobs/{job_id}", {}),
            (run, "POST", f"{jobs}/run-now", {"json": job}),
            (run, "POST", f"{jobs}/runs/cancel", {"json": of_run}),
            (run, "POST", f"{jobs}/runs/repair", {"json": {**of_run, "rerun_tasks": ["a"]}}),
            (run, "POST", f"{jobs}/runs/cancel-all", {"json": job}),
            (run, "POST", f"{own}/runs/{run_id}/replay", {}),
            (run, "POST", f"{own}/jobs/{job_id}/backfills", {"json": dates}),
            (manage, "POST", f"{jobs}/update", {"json": {**job, "new_settings": {"name": "n"}}}),
            (manage, "POST", f"{jobs}/reset", {"json": {**job, "new_settings": settings()}}),
            (manage, "POST", f"{own}/jobs/{job_id}/versions/1/restore", {}),
            (manage, "POST", f"{jobs}/runs/delete", {"json": of_run}),
            (manage, "PATCH", f"/api/2.0/permissions/jobs/{job_id}", {"json": {}}),
        ],
    )


async def test_levels_of_a_warehouse(api: httpx2.AsyncClient, deps: Deps) -> None:
    made = await api.post("/api/2.0/sql/warehouses", json={"name": "w", "cluster_size": "Small"})
    warehouse_id = made.json()["id"]
    place = f"/api/2.0/sql/warehouses/{warehouse_id}"
    statement = {"statement": "SELECT 1", "warehouse_id": warehouse_id, "wait_timeout": "0s"}
    await check_levels(
        api,
        deps,
        Kind.WAREHOUSE,
        f"sql/warehouses/{warehouse_id}",
        [
            (Level.CAN_VIEW, "GET", place, {}),
            (Level.CAN_USE, "POST", "/api/2.0/sql/statements", {"json": statement}),
            (Level.CAN_MANAGE, "POST", f"{place}/edit", {"json": {"auto_stop_mins": 30}}),
            (Level.CAN_MANAGE, "POST", f"{place}/stop", {}),
            (Level.CAN_MANAGE, "POST", f"{place}/start", {}),
            (
                Level.CAN_MANAGE,
                "PATCH",
                f"/api/2.0/permissions/warehouses/{warehouse_id}",
                {"json": {}},
            ),
        ],
    )
    history = "/api/2.0/sql/history/queries"
    for level, seen in (("can_use@x", {"can_use@x"}), ("can_monitor@x", None)):
        who = await _again(api, deps, level)
        users = {each["user_name"] for each in (await who("GET", history)).json()["res"]}
        assert users == seen or (seen is None and {"can_use@x", "can_monitor@x"} <= users)
    mine = await (await _again(api, deps, "can_use@x"))(
        "POST", "/api/2.0/sql/statements", json=statement
    )
    of_mine = f"/api/2.0/sql/statements/{mine.json()['statement_id']}"
    assert (await (await _again(api, deps, "can_manage@x"))("GET", of_mine)).status_code == 403
    assert (await api.get(of_mine)).status_code == 200, "admins see every statement"


async def _again(api: httpx2.AsyncClient, deps: Deps, name: str) -> Person:
    from control.auth import caller_named
    from tests.control.make import make_token

    async with deps.database.session() as session:
        caller = await caller_named(session, 1, name)
    return Person(api, caller, await make_token(deps.database, caller))


async def test_levels_of_a_query_and_an_alert(api: httpx2.AsyncClient, deps: Deps) -> None:
    made = await api.post(
        "/api/2.0/sql/queries", json={"query": {"display_name": "q", "query_text": "SELECT 1"}}
    )
    query_id = made.json()["id"]
    place, own = f"/api/2.0/sql/queries/{query_id}", f"/api/openlake/1.0/queries/{query_id}"
    change = {"query": {"description": "d"}, "update_mask": "description"}
    gift = {"query": {"owner_user_name": ADMIN + "x"}, "update_mask": "owner_user_name"}
    view, run, edit = Level.CAN_VIEW, Level.CAN_RUN, Level.CAN_EDIT
    deeds: list[Deed] = [
        (view, "GET", place, {}),
        (view, "GET", f"{own}/versions", {}),
        (view, "GET", f"{own}/versions/1/diff", {}),
        (run, "POST", f"{own}/run", {"json": {"wait_timeout": "0s"}}),
        (edit, "PATCH", place, {"json": change}),
        (edit, "POST", f"{own}/versions/1/restore", {}),
        (Level.IS_OWNER, "PATCH", place, {"json": gift}),
        (Level.CAN_MANAGE, "PATCH", f"/api/2.0/permissions/sql/queries/{query_id}", {"json": {}}),
    ]
    await check_levels(api, deps, Kind.QUERY, f"queries/{query_id}", deeds)
    condition = {
        "op": "GREATER_THAN",
        "operand": {"column": {"name": "x"}},
        "threshold": {"value": {"double_value": 1}},
    }
    alert = {"alert": {"display_name": "a", "query_id": query_id, "condition": condition}}
    made = await api.post("/api/2.0/sql/alerts", json=alert)
    alert_id = made.json()["id"]
    place = f"/api/2.0/permissions/alerts/{alert_id}"
    who = await _again(api, deps, "can_edit@x")
    other = f"/api/2.0/sql/alerts/{alert_id}"
    renamed = {"alert": {"display_name": "b"}, "update_mask": "display_name"}
    assert (await who("GET", other)).status_code == 403
    await give(api, f"alerts/{alert_id}", who.name, "CAN_VIEW")
    assert (await who("GET", other)).status_code == 200
    assert (await who("PATCH", other, json=renamed)).status_code == 403
    await give(api, f"alerts/{alert_id}", who.name, "CAN_EDIT")
    assert (await who("PATCH", other, json=renamed)).status_code == 200
    assert (await who("DELETE", other)).status_code == 403
    # The older API, and giving away.
    old = f"/api/2.0/preview/sql/permissions/queries/{query_id}"
    rights = {"access_control_list": [{"user_name": who.name, "permission_level": "CAN_RUN"}]}
    shown = (await api.post(old, json=rights)).json()
    assert {"user_name": who.name, "permission_level": "CAN_RUN", "group_name": None} in shown[
        "access_control_list"
    ]
    assert {"user_name": ADMIN, "permission_level": "CAN_MANAGE", "group_name": None} in shown[
        "access_control_list"
    ]
    assert (await who("POST", f"{old}/transfer", json={"new_owner": who.name})).status_code == 403
    assert (await api.post(f"{old}/transfer", json={"new_owner": who.name})).status_code == 200
    assert (await api.get(f"/api/2.0/sql/queries/{query_id}")).json()["owner_user_name"] == who.name
    assert (await who("GET", old)).status_code == 200
    refused = await api.patch(
        f"/api/2.0/permissions/queries/{query_id}", json=entries(admin="IS_OWNER")
    )
    assert refused.status_code == 400 and "owner_user_name" in refused.json()["message"]


# Folders -----------------------------------------------------------------------------------


def content(path: str, **more: Any) -> dict[str, Any]:
    """Return a request that imports a file."""
    return {"json": {"path": path, "content": "YQ==", "format": "RAW", **more}}


async def status(who: Person, path: str) -> int:
    """Return the status with which somebody is told what is at a path."""
    answer = await who("GET", "/api/2.0/workspace/get-status", params={"path": path})
    return answer.status_code


async def test_what_lies_in_folders_inherits_from_them(api: httpx2.AsyncClient, deps: Deps) -> None:
    ann, bob = [await person(api, deps, f"{name}@x") for name in ("ann", "bob")]
    files = "/api/2.0/workspace"
    for who in (ann, bob):
        answer = await who("POST", f"{files}/mkdirs", json={"path": f"/Users/{who.name}/p"})
        assert answer.status_code == 200, answer.text
    assert (await ann("POST", f"{files}/import", **content("/Users/ann@x/p/f"))).status_code == 200
    assert (await ann("POST", f"{files}/mkdirs", json={"path": "/Shared/s"})).status_code == 200
    for path in ("/Users/bob@x/q", "/top", "/Users"):
        answer = await ann("POST", f"{files}/mkdirs", json={"path": path})
        assert answer.status_code == (200 if path == "/Users" else 403), path
    top = (await bob("GET", f"{files}/list", params={"path": "/"})).json()["objects"]
    homes = (await bob("GET", f"{files}/list", params={"path": "/Users"})).json()["objects"]
    assert {each["path"] for each in top} == {"/Shared", "/Users"}
    assert {each["path"] for each in homes} == {"/Users/bob@x"}
    assert [await status(bob, p) for p in ("/Users/ann@x/p/f", "/Users/ann@x", "/Shared/s")] == [
        403,
        403,
        200,
    ]
    # CAN_READ on the folder is inherited, and said to be.
    found = (await ann("GET", f"{files}/get-status", params={"path": "/Users/ann@x/p"})).json()
    folder_id = found["object_id"]
    body = entries(bob="CAN_READ")
    given = await ann("PATCH", f"/api/2.0/permissions/directories/{folder_id}", json=body)
    assert given.status_code == 200, given.text
    file = (await bob("GET", f"{files}/get-status", params={"path": "/Users/ann@x/p/f"})).json()
    shown = (await bob("GET", f"/api/2.0/permissions/files/{file['object_id']}")).json()
    (held,) = [e for e in shown["access_control_list"] if e.get("user_name") == "bob@x"]
    assert held["all_permissions"] == [
        {
            "permission_level": "CAN_READ",
            "inherited": True,
            "inherited_from_object": [f"/directories/{folder_id}"],
        }
    ]
    assert "ann@x" in acl(await bob("GET", f"/api/2.0/permissions/files/{file['object_id']}"))
    replaced = content("/Users/ann@x/p/f", overwrite=True)
    assert (await bob("POST", f"{files}/import", **replaced)).status_code == 403
    await give(api, f"files/{file['object_id']}", "bob@x", "CAN_EDIT")
    assert (await bob("POST", f"{files}/import", **replaced)).status_code == 200
    assert (await bob("POST", f"{files}/import", **content("/Users/ann@x/p/g"))).status_code == 403
    gone = {"path": "/Users/ann@x/p/f"}
    assert (await bob("POST", f"{files}/delete", json=gone)).status_code == 403
    assert (await ann("POST", f"{files}/delete", json=gone)).status_code == 200
    assert (
        await ann("POST", f"{files}/delete", json={"path": "/Shared", "recursive": True})
    ).status_code == 403
    assert (
        await ann("POST", f"{files}/delete", json={"path": "/Users/ann@x", "recursive": True})
    ).status_code == 403


# Runs --------------------------------------------------------------------------------------


async def test_a_run_may_use_what_its_user_may(api: httpx2.AsyncClient, deps: Deps) -> None:
    ann = await person(api, deps, "ann@x")
    await put_file(deps.database, "/secret/main.py")
    file = {"spark_python_task": {"python_file": "/secret/main.py"}, "task_key": "a"}
    submit = {
        "json": {
            "tasks": [file],
            "access_control_list": [{"group_name": "users", "permission_level": "CAN_VIEW"}],
        }
    }
    refused = await ann("POST", "/api/2.2/jobs/runs/submit", **submit)
    assert refused.status_code == 403 and "'/secret/main.py'" in refused.json()["message"]
    found = await api.get("/api/2.0/workspace/get-status", params={"path": "/secret/main.py"})
    await give(api, f"files/{found.json()['object_id']}", ann.name, "CAN_READ")
    answer = await ann("POST", "/api/2.2/jobs/runs/submit", **submit)
    assert answer.status_code == 200, answer.text
    run = {"run_id": answer.json()["run_id"]}
    bob = await person(api, deps, "bob@x")
    assert (await bob("GET", "/api/2.2/jobs/runs/get", params=run)).status_code == 200
    assert (await bob("POST", "/api/2.2/jobs/runs/cancel", json=run)).status_code == 403
    assert (await ann("POST", "/api/2.2/jobs/runs/cancel", json=run)).status_code == 200
    alone = await ann("POST", "/api/2.2/jobs/runs/submit", json={"tasks": [file]})
    listed = [
        {
            each["run_id"]
            for each in (await who("GET", "/api/2.2/jobs/runs/list")).json().get("runs", [])
        }
        for who in (ann, bob)
    ]
    assert listed == [{run["run_id"], alone.json()["run_id"]}, {run["run_id"]}]


async def test_a_job_is_made_with_permissions_at_once(api: httpx2.AsyncClient, deps: Deps) -> None:
    ann, bob = [await person(api, deps, f"{name}@x") for name in ("ann", "bob")]
    others = {"group_name": "users", "permission_level": "CAN_VIEW"}
    body = settings(access_control_list=[others])
    made = await ann("POST", "/api/2.2/jobs/create", json=body)
    assert made.status_code == 200, made.text
    place = f"/api/2.0/permissions/jobs/{made.json()['job_id']}"
    held = acl(await ann("GET", place))
    assert held["ann@x"] == [("IS_OWNER", False)] and held["users"] == [("CAN_VIEW", False)]
    names = [each["job_id"] for each in (await bob("GET", "/api/2.2/jobs/list")).json()["jobs"]]
    assert names == [made.json()["job_id"]]
    shown = await ann("GET", "/api/2.2/jobs/get", params={"job_id": names[0]})
    assert "access_control_list" not in shown.json()["settings"]
    # Nobody gives himself another's rights.
    stolen = settings(access_control_list=entries(bob="IS_OWNER")["access_control_list"])
    assert (await ann("POST", "/api/2.2/jobs/create", json=stolen)).status_code == 403
    assert (await ann("PUT", place, json=entries(bob="IS_OWNER"))).status_code == 403
    unknown = settings(access_control_list=entries(nobody="CAN_VIEW")["access_control_list"])
    assert (await ann("POST", "/api/2.2/jobs/create", json=unknown)).status_code == 404
    jobs = (await ann("GET", "/api/2.2/jobs/list")).json()["jobs"]
    assert len(jobs) == 1, "what could not be given leaves no job behind"


async def test_groups_and_service_principals_hold_permissions_and_secrets(
    api: httpx2.AsyncClient, deps: Deps
) -> None:
    async with deps.database.session() as session:
        for kind, name in (
            (PrincipalKind.GROUP, "team"),
            (PrincipalKind.SERVICE_PRINCIPAL, "5f0c"),
        ):
            session.add(Principal(workspace_id=1, kind=kind, user_name=name, display_name=name))
    ann = await person(api, deps, "ann@x", "team")
    job_id = await create_job(api)
    body = {
        "access_control_list": [
            {"group_name": "team", "permission_level": "CAN_VIEW"},
            {"service_principal_name": "5f0c", "permission_level": "CAN_MANAGE_RUN"},
        ]
    }
    held = acl(await api.patch(f"/api/2.0/permissions/jobs/{job_id}", json=body))
    assert held["5f0c"] == [("CAN_MANAGE_RUN", False)]
    assert (await ann("GET", "/api/2.2/jobs/get", params={"job_id": job_id})).status_code == 200
    secrets = "/api/2.0/secrets"
    await api.post(f"{secrets}/scopes/create", json={"scope": "s"})
    assert (await ann("GET", f"{secrets}/list", params={"scope": "s"})).status_code == 403
    for who, status_code in (("team", 200), ("5f0c", 200), ("nobody", 400)):
        body = {"scope": "s", "principal": who, "permission": "READ"}
        answer = await api.post(f"{secrets}/acls/put", json=body)
        assert answer.status_code == status_code, answer.text
    assert (await ann("GET", f"{secrets}/list", params={"scope": "s"})).status_code == 200


def test_every_level_of_every_kind_has_a_meaning() -> None:
    assert {kind: list(said) for kind, said in MEANING.items()} == {
        kind: list(levels) for kind, levels in LEVELS.items()
    }
