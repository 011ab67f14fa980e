"""Cluster policies and instance pools: who makes and uses them, and what runs take from them."""

import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from control.app import create_app
from control.db import Database
from control.deps import Deps
from control.tokens import service as tokens
from control.workspaces.making import make_admin, make_workspace
from control.workspaces.tables import Principal, Workspace
from spec.compute import ComputeProfile
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, python_task, run_now
from tests.control.test_internal import open_attempt, ref

_POLICIES, _POOLS = "/api/2.0/policies/clusters", "/api/2.0/instance-pools"
_SMALL = {
    "spark_conf.spark.driver.memory": {"type": "fixed", "value": "2g"},
    "num_workers": {"type": "range", "maxValue": 4, "defaultValue": 1},
    "node_type_id": {"type": "allowlist", "values": ["big"], "isOptional": True},
}


@pytest.fixture
async def deps(deps: Deps) -> Deps:
    """A stack with the profiles `big` and `default`."""
    big = ComputeProfile(
        spark_conf={"spark.master": "local[4]", "spark.driver.memory": "3g", "spark.x.token": "t"},
        spark_env_vars={"TIER": "gold"},
        dependencies=("six==1.17.0",),
    )
    return dataclasses.replace(deps, profiles={"big": big, "default": ComputeProfile()})


As = Callable[[str], Awaitable[httpx2.AsyncClient]]


@pytest.fixture
async def as_user(deps: Deps, api: httpx2.AsyncClient) -> AsyncIterator[As]:
    """Clients of plain users, and of `other`, the admin of another workspace."""
    async with AsyncExitStack() as stack:

        async def client(name: str) -> httpx2.AsyncClient:
            async with deps.database.session() as session:
                who = await _principal(session, name)
                token = await tokens.issue(session, who, "test")
            return await stack.enter_async_context(
                httpx2.AsyncClient(
                    transport=httpx2.ASGITransport(app=create_app(deps)),
                    base_url="http://api",
                    headers={"Authorization": f"Bearer {token}"},
                )
            )

        yield client


async def _principal(session: AsyncSession, name: str) -> Principal:
    if name == "other":
        await make_workspace(session, Workspace(workspace_id=77, name="other"))
        return await make_admin(session, 77, name)
    user = Principal(workspace_id=1, user_name=name)
    session.add(user)
    await session.flush()
    return user


async def make_policy(
    api: httpx2.AsyncClient, rules: dict[str, Any] = _SMALL, **fields: Any
) -> str:
    body = {"name": "small", "definition": json.dumps(rules), **fields}
    answer = await api.post(f"{_POLICIES}/create", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["policy_id"]


async def make_pool(api: httpx2.AsyncClient, node: str = "big", name: str = "warm") -> str:
    body = {"instance_pool_name": name, "node_type_id": node, "min_idle_instances": 2}
    answer = await api.post(f"{_POOLS}/create", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["instance_pool_id"]


async def refused(
    client: httpx2.AsyncClient, method: str, path: str, status: int = 400, **body: Any
) -> dict[str, Any]:
    is_read = method == "GET"
    answer = await client.request(
        method, path, params=body if is_read else None, json=None if is_read else body
    )
    assert answer.status_code == status, answer.text
    return answer.json()


async def share(api: httpx2.AsyncClient, kind: str, object_id: str, name: str, level: str) -> None:
    entry = {"user_name": name, "permission_level": level}
    body = {"access_control_list": [entry]}
    answer = await api.patch(f"/api/2.0/permissions/{kind}/{object_id}", json=body)
    assert answer.status_code == 200, answer.text


async def test_a_policy_is_kept_and_listed(api: httpx2.AsyncClient) -> None:
    libraries = [{"pypi": {"package": "six"}}]
    first = await make_policy(api, description="for tests", libraries=libraries)
    second = await make_policy(api, {}, name="a")
    read = (await api.get(f"{_POLICIES}/get", params={"policy_id": first})).json()
    assert json.loads(read["definition"]) == _SMALL
    assert (read["name"], read["description"], read["libraries"]) == (
        "small",
        "for tests",
        libraries,
    )
    by_name = {"sort_column": "POLICY_NAME"}
    listed = (await api.get(f"{_POLICIES}/list", params=by_name)).json()
    assert [each["policy_id"] for each in listed["policies"]] == [second, first]
    edited = {"policy_id": first, "name": "smaller"}
    assert (await api.post(f"{_POLICIES}/edit", json=edited)).json() == {}
    read = (await api.get(f"{_POLICIES}/get", params={"policy_id": first})).json()
    assert (read["name"], read["libraries"]) == ("smaller", libraries)
    assert json.loads(read["definition"]) == _SMALL
    await api.post(f"{_POLICIES}/delete", json={"policy_id": first})
    gone = await refused(api, "GET", f"{_POLICIES}/get", 404, policy_id=first)
    assert gone["error_code"] == "RESOURCE_DOES_NOT_EXIST"


async def test_what_is_no_policy_is_refused(api: httpx2.AsyncClient) -> None:
    await make_policy(api)
    for body, code, words in (
        ({"name": "small", "definition": "{}"}, "RESOURCE_ALREADY_EXISTS", "already"),
        ({"name": "x"}, "INVALID_PARAMETER_VALUE", "needs a 'definition'"),
        ({"name": "", "definition": "{}"}, "INVALID_PARAMETER_VALUE", "name: "),
        ({"name": "x", "definition": "{"}, "INVALID_PARAMETER_VALUE", "not valid JSON"),
        ({"name": "x", "definition": {}}, "INVALID_PARAMETER_VALUE", "definition: "),
        ({"name": "x\0", "definition": "{}"}, "INVALID_PARAMETER_VALUE", "NUL"),
        ({"name": "x", "policy_family_id": "job-cluster"}, "INVALID_PARAMETER_VALUE", "families"),
        (
            {"name": "x", "definition": "{}", "max_clusters_per_user": 3},
            "INVALID_PARAMETER_VALUE",
            "max_concurrent_runs",
        ),
    ):
        status = 409 if code == "RESOURCE_ALREADY_EXISTS" else 400
        answer = await refused(api, "POST", f"{_POLICIES}/create", status, **body)
        assert (answer["error_code"], words in answer["message"]) == (code, True), answer
    await refused(api, "GET", f"{_POLICIES}/get", 404, policy_id="no\0such")


async def test_a_job_that_breaks_its_policy_is_refused_with_every_rule(
    api: httpx2.AsyncClient,
) -> None:
    policy_id = await make_policy(api)
    cluster = {
        "policy_id": policy_id,
        "num_workers": 9,
        "node_type_id": "i3.xlarge",
        "spark_conf": {"spark.driver.memory": "9g"},
    }
    job = {
        "job_clusters": [{"job_cluster_key": "c", "new_cluster": cluster}],
        "tasks": [
            python_task("a", job_cluster_key="c"),
            python_task("b", new_cluster={"policy_id": policy_id}),
            python_task("d", new_cluster={"policy_id": "none"}),
        ],
    }
    answer = await refused(api, "POST", "/api/2.2/jobs/create", name="j", **job)
    assert answer["error_code"] == "INVALID_PARAMETER_VALUE"
    for words in (
        "job_clusters[c].spark_conf.spark.driver.memory must be 2g, it is 9g (policy 'small')",
        "job_clusters[c].num_workers must be at most 4, it is 9",
        "job_clusters[c].node_type_id must be one of big, it is i3.xlarge",
        "tasks[b].new_cluster.num_workers must be given and be at most 4",
        "tasks[d].new_cluster.policy_id is none, there is no such policy",
    ):
        assert words in answer["message"], answer["message"]
    submitted = await refused(api, "POST", "/api/2.2/jobs/runs/submit", tasks=job["tasks"][1:])
    assert "tasks[b].new_cluster.num_workers" in submitted["message"]


async def test_a_run_has_what_its_policy_makes_of_the_cluster(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    database: Database,
) -> None:
    await put_file(database, "/jobs/main.py")
    rules = {
        **_SMALL,
        "compute_profile": {"type": "fixed", "value": "big"},
        "spark_env_vars.MODE": {"type": "fixed", "value": "safe"},
    }
    libraries = [{"pypi": {"package": "attrs==25.1.0"}}]
    policy_id = await make_policy(api, rules, libraries=libraries)
    cluster = {
        "policy_id": policy_id,
        "apply_policy_default_values": True,
        "spark_conf": {"spark.y": "1"},
    }
    job_id = await create_job(api, tasks=[python_task("a", new_cluster=cluster)])
    read = (await api.get("/api/2.2/jobs/get", params={"job_id": job_id})).json()
    written = read["settings"]["tasks"][0]["new_cluster"]
    assert {name: each for name, each in written.items() if each} == cluster, "as it was written"
    plan = launcher.plans[await run_now(api, job_id)]
    compute = (await open_attempt(worker, ref(plan, 1, "a"))).json()["compute"]
    assert compute["spark_conf"]["spark.driver.memory"] == "2g"
    assert compute["spark_conf"]["spark.master"] == "local[4]"
    assert compute["environment"] == {"TIER": "gold", "MODE": "safe"}
    assert compute["python"]["requirements"] == ["six==1.17.0", "attrs==25.1.0"]
    run = (await api.get("/api/2.2/jobs/runs/get", params={"run_id": plan.run_id})).json()
    assert run["tasks"][0]["new_cluster"]["num_workers"] == 1


async def test_a_run_keeps_to_the_policy_as_it_is_when_it_begins(
    api: httpx2.AsyncClient, database: Database
) -> None:
    await put_file(database, "/jobs/main.py")
    policy_id = await make_policy(api)
    cluster = {"policy_id": policy_id, "num_workers": 3}
    job_id = await create_job(api, tasks=[python_task("a", new_cluster=cluster)])
    await run_now(api, job_id)
    compliance = "/api/2.0/policies/jobs/get-compliance"
    assert (await api.get(compliance, params={"job_id": job_id})).json() == {"is_compliant": True}
    tighter = {"num_workers": {"type": "range", "maxValue": 2}}
    body = {"policy_id": policy_id, "definition": json.dumps(tighter)}
    assert (await api.post(f"{_POLICIES}/edit", json=body)).status_code == 200
    answer = await refused(api, "POST", "/api/2.2/jobs/run-now", job_id=job_id)
    assert "tasks[a].new_cluster.num_workers must be at most 2, it is 3" in answer["message"]
    told = {"tasks[a].new_cluster.num_workers": "must be at most 2, it is 3 (policy 'small')"}
    assert (await api.get(compliance, params={"job_id": job_id})).json() == {
        "is_compliant": False,
        "violations": told,
    }
    listed = await api.get(
        "/api/2.0/policies/jobs/list-compliance", params={"policy_id": policy_id}
    )
    assert listed.json() == {
        "jobs": [{"job_id": job_id, "is_compliant": False, "violations": told}]
    }
    await api.post(f"{_POLICIES}/delete", json={"policy_id": policy_id})
    answer = await refused(api, "POST", "/api/2.2/jobs/run-now", job_id=job_id)
    assert "there is no such policy" in answer["message"]


async def test_only_who_may_use_a_policy_makes_compute_by_it(
    api: httpx2.AsyncClient, as_user: As
) -> None:
    policy_id, ann = await make_policy(api), await as_user("ann@x")
    denied = await refused(ann, "POST", f"{_POLICIES}/create", 403, name="x", definition="{}")
    assert denied["error_code"] == "PERMISSION_DENIED"
    await refused(ann, "POST", f"{_POLICIES}/edit", 403, policy_id=policy_id)
    await refused(ann, "POST", f"{_POLICIES}/delete", 403, policy_id=policy_id)
    await refused(ann, "GET", f"{_POLICIES}/get", 403, policy_id=policy_id)
    assert (await ann.get(f"{_POLICIES}/list")).json()["policies"] == []
    cluster = {"policy_id": policy_id, "num_workers": 1}
    job = {"name": "mine", "tasks": [python_task("a", new_cluster=cluster)]}
    answer = await refused(ann, "POST", "/api/2.2/jobs/create", 403, **job)
    assert "CAN_USE is needed" in answer["message"]
    await share(api, "cluster-policies", policy_id, "ann@x", "CAN_USE")
    assert (await ann.post("/api/2.2/jobs/create", json=job)).status_code == 200
    assert len((await ann.get(f"{_POLICIES}/list")).json()["policies"]) == 1


async def test_a_run_may_use_a_policy_only_while_its_owner_may(
    api: httpx2.AsyncClient, as_user: As, database: Database
) -> None:
    policy_id, ann = await make_policy(api), await as_user("ann@x")
    await share(api, "cluster-policies", policy_id, "ann@x", "CAN_USE")
    cluster = {"policy_id": policy_id, "num_workers": 1}
    job = {"name": "mine", "tasks": [python_task("a", new_cluster=cluster)]}
    job_id = (await ann.post("/api/2.2/jobs/create", json=job)).json()["job_id"]
    nobody = {"access_control_list": []}
    await api.put(f"/api/2.0/permissions/cluster-policies/{policy_id}", json=nobody)
    answer = await refused(api, "POST", "/api/2.2/jobs/run-now", 403, job_id=job_id)
    assert "ann@x" in answer["message"] and "CAN_USE is needed" in answer["message"]


async def test_another_workspace_sees_no_policy_and_no_pool(
    api: httpx2.AsyncClient, as_user: As
) -> None:
    policy_id, pool_id, other = await make_policy(api), await make_pool(api), await as_user("other")
    await refused(other, "GET", f"{_POLICIES}/get", 404, policy_id=policy_id)
    await refused(other, "POST", f"{_POLICIES}/edit", 404, policy_id=policy_id, name="x")
    await refused(other, "POST", f"{_POLICIES}/delete", 404, policy_id=policy_id)
    await refused(other, "GET", "/api/2.0/policies/jobs/list-compliance", 404, policy_id=policy_id)
    assert (await other.get(f"{_POLICIES}/list")).json()["policies"] == []
    await refused(other, "GET", f"{_POOLS}/get", 404, instance_pool_id=pool_id)
    await refused(other, "POST", f"{_POOLS}/delete", 404, instance_pool_id=pool_id)
    assert (await other.get(f"{_POOLS}/list")).json() == {"instance_pools": []}
    for cluster, words in (
        ({"policy_id": policy_id}, "there is no such policy"),
        ({"instance_pool_id": pool_id}, "there is no such instance pool"),
    ):
        job = {"name": "j", "tasks": [python_task("a", new_cluster=cluster)]}
        answer = await refused(other, "POST", "/api/2.2/jobs/create", **job)
        assert words in answer["message"]


async def test_a_pool_says_on_what_its_clusters_run(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    database: Database,
) -> None:
    await put_file(database, "/jobs/main.py")
    pool_id = await make_pool(api)
    read = (await api.get(f"{_POOLS}/get", params={"instance_pool_id": pool_id})).json()
    assert (read["node_type_id"], read["min_idle_instances"], read["state"]) == ("big", 2, "ACTIVE")
    assert read["stats"]["used_count"] == 0
    tasks = [
        python_task("a", new_cluster={"instance_pool_id": pool_id}),
        python_task("b", new_cluster={"node_type_id": "big"}),
        python_task("c", new_cluster={"node_type_id": "i3.xlarge"}),
        python_task("d", existing_cluster_id="default"),
    ]
    job_id = await create_job(api, tasks=tasks, max_concurrent_runs=3)
    plan = launcher.plans[await run_now(api, job_id)]
    masters: list[str | None] = []
    for n, task in enumerate(tasks, 1):
        work = (await open_attempt(worker, ref(plan, n, task["task_key"]))).json()
        masters.append(work["compute"]["spark_conf"].get("spark.master"))
    assert masters == ["local[4]", "local[4]", None, None]
    edited = {"instance_pool_id": pool_id, "instance_pool_name": "w", "node_type_id": "default"}
    assert (await api.post(f"{_POOLS}/edit", json=edited)).json() == {}
    plan = launcher.plans[await run_now(api, job_id)]
    work = (await open_attempt(worker, ref(plan, 1, "a"))).json()
    assert "spark.master" not in work["compute"]["spark_conf"]
    await api.post(f"{_POOLS}/delete", json={"instance_pool_id": pool_id})
    answer = await refused(api, "POST", "/api/2.2/jobs/run-now", job_id=job_id)
    assert "there is no such instance pool" in answer["message"]


async def test_only_who_may_attach_takes_compute_from_a_pool(
    api: httpx2.AsyncClient, as_user: As
) -> None:
    pool_id, ann = await make_pool(api), await as_user("ann@x")
    body = {"instance_pool_name": "mine", "node_type_id": "big"}
    await refused(ann, "POST", f"{_POOLS}/create", 403, **body)
    job = {"name": "j", "tasks": [python_task("a", new_cluster={"instance_pool_id": pool_id})]}
    answer = await refused(ann, "POST", "/api/2.2/jobs/create", 403, **job)
    assert "CAN_ATTACH_TO is needed" in answer["message"]
    await share(api, "instance-pools", pool_id, "ann@x", "CAN_ATTACH_TO")
    assert (await ann.post("/api/2.2/jobs/create", json=job)).status_code == 200
    await refused(ann, "POST", f"{_POOLS}/edit", 403, instance_pool_id=pool_id, **body)
    await share(api, "instance-pools", pool_id, "ann@x", "CAN_MANAGE")
    edited = {"instance_pool_id": pool_id, **body}
    assert (await ann.post(f"{_POOLS}/edit", json=edited)).status_code == 200


async def test_profiles_are_clusters_and_show_no_secrets(api: httpx2.AsyncClient) -> None:
    listed = (await api.get("/api/2.1/clusters/list")).json()["clusters"]
    assert [each["cluster_id"] for each in listed] == ["big", "default"]
    big = (await api.get("/api/2.0/clusters/get", params={"cluster_id": "big"})).json()
    assert (big["state"], big["cluster_cores"], big["cluster_memory_mb"]) == ("RUNNING", 4, 3072)
    assert big["spark_conf"]["spark.x.token"] == "[REDACTED]"
    assert big["spark_env_vars"] == {"TIER": "gold"}
    terminated = {"filter_by.cluster_states": ["TERMINATED"]}
    assert (await api.get("/api/2.1/clusters/list", params=terminated)).json() == {"clusters": []}
    gone = await refused(api, "GET", "/api/2.1/clusters/get", 404, cluster_id="x")
    assert gone["message"].startswith("Cluster x does not exist")
    busy = await refused(api, "POST", "/api/2.1/clusters/start", cluster_id="big")
    assert busy["error_code"] == "INVALID_STATE"
    made = await refused(api, "POST", "/api/2.1/clusters/create", 501, spark_version="x")
    assert "OPENLAKE_WORKER__COMPUTE_PROFILES" in made["message"]
