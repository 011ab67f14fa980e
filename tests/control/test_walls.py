"""The wall between workspaces: nobody reaches an object of another one, by any operation.

Every operation of the OpenAPI document that takes an id is called with the token of a second
workspace and the ids of the first one's objects; all must answer 404. An operation with an id that
is not known here fails the test: add it to the samples.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from control.db import Database
from control.openapi import documents
from control.projection import Projector
from spec.events import RunStarted
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, run_now
from tests.control.test_identity import SCIM, make
from tests.control.test_identity_tokens import bearer
from tests.control.test_projection import T0, Play
from tests.control.test_workspaces import create

OWN = "/api/openlake/1.0"
SHARED = {
    "name": "tables are the whole stack's",
    "full_name": "tables are the whole stack's",
    "securable_type": "tables are the whole stack's",
    "metastore_id": "tables are the whole stack's",
    "cluster_id": "compute profiles are the whole stack's",
    "node_type_id": "kinds of machines are the whole stack's",
    "policy_family_id": "families of policies come with OpenLake",
    "timezone_id": "names a time zone",
    "request_id": "filters a list of the own workspace",
    "created_by_id": "filters a list of the own workspace",
    "run_as_user_id": "filters a list of the own workspace",
    "application_id": "of a service principal; see test_identity_tokens",
    "default_warehouse_id": "of the own workspace, else 404; see test_workspaces",
    "budget_policy_id": "without effect",
    "usage_policy_id": "without effect",
    "latest_repair_id": "of the run that is named beside it",
    "experiment_id": "see the tests of MLflow",
    "query_template_id": "not kept",
    "path": "names what is in the own workspace; see the next test",
}
"""Parameters that name no object of one workspace."""
SIGNED = ("/file-transfers/", "/artifacts", "/mlflow")
"""Operations that a signed link opens, or that MLflow answers: they have tests of their own."""
ELSE = {
    # These make something of their own.
    ("post", "/api/2.0/secrets/scopes/create"),
    ("post", f"{OWN}/deployments/begin"),
    ("post", "/api/2.0/sql/queries"),
    ("post", "/api/2.0/sql/alerts"),
    ("post", "/api/2.0/preview/sql/alerts"),
    # Refused to everybody but a running task, before anything is looked up.
    ("get", "/api/2.0/secrets/get"),
}
"""Operations that are right to answer otherwise."""


@pytest.fixture
async def samples(
    api: httpx2.AsyncClient, database: Database, launcher: Recorder
) -> dict[str, Any]:
    """Make one object of each kind in the first workspace; return parameter → its id."""
    await put_file(database, "/jobs/main.py")
    job_id = await create_job(api)
    run_id = await run_now(api, job_id)
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    await Projector(database).project(play.batch())
    run = (await api.get("/api/2.2/jobs/runs/get", params={"run_id": run_id})).json()

    async def post(path: str, field: str, **body: Any) -> Any:
        answer = await api.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json()[field]

    sql = "/api/2.0/sql"
    query = {"display_name": "q", "query_text": "select 1", "warehouse_id": "duckdb"}
    query_id = await post(f"{sql}/queries", "id", query=query)
    column = {"operand": {"column": {"name": "x"}}, "op": "EQUAL"}
    condition = {**column, "threshold": {"value": {"double_value": 1}}}
    alert = {"display_name": "a", "query_id": query_id, "condition": condition}
    warehouse_id = await post(f"{sql}/warehouses", "id", name="w")
    statement = {"statement": "select 1", "warehouse_id": "duckdb", "wait_timeout": "0s"}
    hook = {"generic_webhook": {"url": "https://example.com/hook"}}
    days = {"from": "2026-01-01", "to": "2026-01-02", "every": "1d"}
    group = await make(api, "Groups", displayName="g")
    bundle = {"bundle_name": "b", "target": "t", "root_path": "/b", "holder": "h"}
    begun = (await api.post(f"{OWN}/deployments/begin", json=bundle)).json()
    policy = {"name": "p", "definition": "{}"}
    pool = {"instance_pool_name": "p", "node_type_id": "none"}
    await api.post("/api/2.0/secrets/scopes/create", json={"scope": "s"})
    await api.post("/api/2.0/secrets/put", json={"scope": "s", "key": "k", "string_value": "v"})
    upload = await api.post(f"{OWN}/uploads", params={"name": "a.csv"}, content=b"a\n1\n")
    pools = await api.post("/api/2.0/instance-pools/create", json=pool)
    return {
        "job_id": job_id,
        "run_id": run_id,
        "run_ids": [run_id],
        "task_run_id": run["tasks"][0]["run_id"],
        "query_id": query_id,
        "alert_id": await post(f"{sql}/alerts", "id", alert=alert),
        "warehouse_id": warehouse_id,
        "data_source_id": warehouse_id,
        "statement_id": await post(f"{sql}/statements", "statement_id", **statement),
        "session_id": await post(f"{sql}/sessions", "session_id", warehouse_id="duckdb"),
        "destination_id": await post(
            "/api/2.0/notification-destinations", "id", display_name="d", config=hook
        ),
        "delivery_id": "1",
        "backfill_id": await post(f"{OWN}/jobs/{job_id}/backfills", "backfill_id", **days),
        "token_id": (await post("/api/2.0/token/create", "token_info"))["token_id"],
        "user_id": (await make(api, "Users", userName="u"))["id"],
        "user_name": "u",
        "group_id": group["id"],
        "service_principal_id": (await make(api, "ServicePrincipals", displayName="p"))["id"],
        "upload_id": upload.json()["upload_id"],
        "policy_id": await post("/api/2.0/policies/clusters/create", "policy_id", **policy),
        "instance_pool_id": pools.json().get("instance_pool_id", "0" * 16),
        "deployment_id": begun["deployment"]["deployment_id"],
        "lock_id": begun["lock_id"],
        "workspace_id": 1,
        "scope": "s",
        "key": "k",
        "object_type": "jobs",
        "object_id": job_id,
        "chunk_index": 0,
        "number": 1,
        "version": 1,
    }


BODIES: dict[str, dict[str, Any]] = {
    "replace_user": {"displayName": "x"},
    "replace_group": {"displayName": "x"},
    "replace_service_principal": {"displayName": "x"},
    "patch": {"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]},
    "/preview/sql/queries/{query_id}": {"name": "x"},
    "/queries/{query_id}": {"query": {"query_text": "x"}, "update_mask": "query_text"},
    "/preview/sql/alerts/{alert_id}": {
        "name": "x",
        "options": {"column": "x", "op": ">", "value": 1},
    },
    "/alerts/{alert_id}": {"alert": {"display_name": "x"}, "update_mask": "display_name"},
    "/token/{token_id}": {"token": {"comment": "x"}, "update_mask": "comment"},
    "/tokens/{token_id}": {"token": {"comment": "x"}, "update_mask": "comment"},
    "/notification-destinations/{destination_id}": {"display_name": "x"},
    "/permissions/{object_type}/{object_id}": {"access_control_list": []},
    "/backfills": {"from": "2026-01-01", "to": "2026-01-02", "every": "1d"},
    "/load": {"table": "a.b"},
    "/finish": {"lock_id": "x", "outcome": "failed"},
    "/transfer": {"new_owner": "u"},
    "/members": {"user_name": "x"},
    "/repair": {"rerun_all_failed_tasks": True},
    "/jobs/update": {"new_settings": {"name": "x"}},
    "/jobs/reset": {"new_settings": {"name": "x", "tasks": []}},
    "/acls/put": {"principal": "u", "permission": "READ"},
    "/acls/delete": {"principal": "u"},
    "/acls/get": {"principal": "u"},
    "/secrets/put": {"string_value": "x"},
    "/instance-pools/edit": {"instance_pool_name": "x", "node_type_id": "none"},
    "/policies/clusters/edit": {"name": "x", "definition": "{}"},
    "/diff": {"against": 1},
}
"""What a request needs beside ids, by the end of its path."""


def operations() -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Yield method, path, operation and the schema of its body, for every operation."""
    document = json.loads(documents()["openapi.json"])
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        if path.startswith("/.well-known") or any(each in path for each in SIGNED):
            continue
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            found = next((each.get("schema", {}) for each in content.values()), {})
            name = found.get("$ref", "").rpartition("/")[2]
            yield method, path, operation, schemas.get(name, found)


def names_of(operation: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    """Return the parameters that may name an object."""
    given = operation.get("parameters", [])
    found = {each["name"] for each in given if each["in"] == "path"}
    named = {each["name"] for each in given} | set(schema.get("properties", {}))
    found |= {name for name in named if name.endswith(("_id", "_ids")) and "." not in name}
    needed = {each["name"] for each in given if each.get("required")}
    return found | ({"scope", "path"} & (needed | set(schema.get("required", []))))


def unsampled(samples: dict[str, Any]) -> list[str]:
    """Return the ids that operations take and nothing here knows."""
    return [
        f"{method} {path}: {name}"
        for method, path, operation, schema in operations()
        for name in sorted(names_of(operation, schema) - samples.keys() - SHARED.keys())
    ]


async def test_ids_of_another_workspace_are_not_found(
    api: httpx2.AsyncClient, samples: dict[str, Any]
) -> None:
    assert not unsampled(samples), "these ids need a sample: " + "; ".join(unsampled(samples))
    other = bearer((await create(api, name="other"))["token_value"])
    leaks: list[str] = []
    tried = 0
    for method, path, operation, schema in operations():
        names = names_of(operation, schema) - SHARED.keys() - {"version"}
        required = set(schema.get("required", [])) | {
            each["name"] for each in operation.get("parameters", []) if each.get("required")
        }
        if not names & required or (method, path) in ELSE:
            continue
        request = _request(method, path, operation, schema, samples)
        answer = await api.request(**request, headers=other)
        tried += 1
        if answer.status_code != 404 or "ENDPOINT_NOT_FOUND" in answer.text:
            leaks.append(f"{method} {path}: {answer.status_code} {answer.text[:150]}")
            continue
        if method == "get" and not path.endswith(FOLLOWED):
            # The sample is one that its owner does find: the 404 is no accident.
            own = await api.request(**request)
            if own.status_code == 404 and path not in EMPTY:
                leaks.append(f"{method} {path}: not found by its owner: {own.text[:150]}")
    assert not leaks, "\n".join(leaks)
    assert tried > 100


FOLLOWED = ("/events", "/stream")
"""What goes on until the run ends."""
EMPTY = (
    f"{OWN}/deliveries/{{delivery_id}}",
    f"{OWN}/runs/{{run_id}}/transaction",
    f"{OWN}/runs/{{run_id}}/evidence",
    "/api/2.0/sql/statements/{statement_id}/result/chunks/{chunk_index}",
    f"{OWN}/statements/{{statement_id}}/chunks/{{chunk_index}}",
    f"{OWN}/statements/{{statement_id}}/download",
    "/api/2.0/secrets/acls/get",
)
"""What the samples have nothing of."""


def _request(
    method: str,
    path: str,
    operation: dict[str, Any],
    schema: dict[str, Any],
    samples: dict[str, Any],
) -> dict[str, Any]:
    """Return a request that is right but for the workspace."""
    extra: dict[str, Any] = {}
    # The longest end comes first: what fits an older path too is not sent there.
    for end in sorted(BODIES, key=len, reverse=True):
        if path.endswith(end) or operation.get("operationId", "").startswith(end):
            extra = BODIES[end]
            break
    wanted = samples | ({"version": "2.2"} if path.startswith("/api/{version}") else {})
    if "/sql/" in path and "permissions" in path:
        wanted |= {"object_type": "queries", "object_id": samples["query_id"]}
    if path.startswith("/api/2.0/preview/sql/permissions"):
        wanted |= {"object_type": "queries", "object_id": samples["query_id"]}
    query: dict[str, Any] = {}
    for each in operation.get("parameters", []):
        name = each["name"]
        if each["in"] == "path":
            path = path.replace(f"{{{name}}}", str(wanted.get(name, "x")))
        elif each["in"] == "query" and each.get("required"):
            query[name] = extra.get(name, wanted.get(name))
    path = path.replace("{version}", str(wanted["version"]))
    properties = set(schema.get("properties", {}))
    body = {name: value for name, value in extra.items() if not properties or name in properties}
    body |= {name: wanted[name] for name in schema.get("required", []) if name in wanted}
    request: dict[str, Any] = {"method": method.upper(), "url": path, "params": query}
    return request | ({"json": body} if method in ("post", "put", "patch") else {})


async def test_lists_show_nothing_of_another_workspace(
    api: httpx2.AsyncClient, samples: dict[str, Any]
) -> None:
    other = bearer((await create(api, name="other"))["token_value"])
    lists = {
        "/api/2.2/jobs/list": "jobs",
        "/api/2.2/jobs/runs/list": "runs",
        "/api/2.0/sql/queries": "results",
        "/api/2.0/sql/alerts": "results",
        "/api/2.0/sql/history/queries": "res",
        "/api/2.0/secrets/scopes/list": "scopes",
        "/api/2.0/notification-destinations": "results",
        "/api/2.0/policies/clusters/list": "policies",
        "/api/2.0/instance-pools/list": "instance_pools",
        f"{OWN}/uploads": "uploads",
        f"{OWN}/deliveries": "deliveries",
        f"{OWN}/jobs": "jobs",
    }
    for path, field in lists.items():
        answer = await api.get(path, headers=other)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        assert answer.json().get(field, []) == [], path
    users = (await api.get(f"{SCIM}/Users", headers=other)).json()["Resources"]
    assert [each["userName"] for each in users] == ["admin@openlake.local"]
    entries = (await api.get(f"{OWN}/audit", headers=other)).json()["entries"]
    assert {each["object_type"] for each in entries} <= {"workspace", "user", "token"}
    filtered = {"job_id": samples["job_id"]}
    runs = await api.get("/api/2.2/jobs/runs/list", params=filtered, headers=other)
    assert runs.status_code in (200, 404) and not runs.json().get("runs")


async def test_paths_of_another_workspace_are_not_found(
    api: httpx2.AsyncClient, samples: dict[str, Any]
) -> None:
    other = bearer((await create(api, name="other"))["token_value"])
    for name in ("export", "get-status"):
        where = f"/api/2.0/workspace/{name}"
        query = {"path": "/jobs/main.py"}
        assert (await api.get(where, params=query)).status_code == 200
        assert (await api.get(where, params=query, headers=other)).status_code == 404
