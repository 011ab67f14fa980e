"""The proxy in front of MLflow, with an MLflow that says what a test wants."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest
from sqlmodel import col, select, update
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from control.app import create_app
from control.audit.tables import AuditEntry
from control.auth import Caller
from control.db import Database
from control.deps import Deps
from control.gateway.tables import AttemptRow, AttemptState
from control.mlflow import links
from control.mlflow.addresses import from_databricks, place_of, to_databricks
from control.mlflow.asking import Asking
from control.mlflow.calls import named
from control.mlflow.memory import Tracking
from control.mlflow.server import MlflowServer
from control.stack.mlflow_app import Door
from spec.errors import Invalid, NotFound
from tests.control.acting import give, person
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, run_now
from tests.control.test_internal import open_attempt, ref

V2 = "/api/2.0/mlflow"


_TRACE = {"trace_location": {"mlflow_experiment": {"experiment_id": "1"}}}


class Mlflow:
    """An MLflow server with one run and experiments 1 to 5; remembers what it was asked."""

    def __init__(self) -> None:
        """See class."""
        self.asked: list[httpx2.Request] = []
        self.away = False

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        if self.away:
            raise httpx2.ConnectError("away")
        self.asked.append(request)
        path = request.url.path.rpartition("/mlflow/")[2]
        sent = await request.aread()
        body = json.loads(sent) if request.headers.get("content-type") else {}
        query = dict(parse_qsl(request.url.query.decode()))
        if path == "runs/get" and query["run_id"] != "r1":
            return _no("RESOURCE_DOES_NOT_EXIST", 404)
        answers: dict[str, Any] = {
            "runs/get": {"run": {"info": {"experiment_id": "1", "artifact_uri": ""}}},
            "traces/tr-1": {"trace": {"trace_info": _TRACE}},
            "experiments/get": {"experiment": {"experiment_id": "1", "name": "one"}},
            "experiments/create": {"experiment_id": "1"},
            "experiments/search": self._page(body or query),
        }
        return httpx2.Response(200, json=answers.get(path, {}))

    @staticmethod
    def _page(fields: dict[str, Any]) -> dict[str, Any]:
        first, most = int(fields.get("page_token") or 0), min(2, int(fields.get("max_results", 2)))
        rows = [{"experiment_id": str(each)} for each in range(1, 6)][first : first + most]
        more = {"next_page_token": str(first + most)} if first + most < 5 else {}
        return {"experiments": rows, **more}

    def paths(self) -> list[str]:
        """Return what it was asked, in order."""
        return [request.url.path.rpartition("/mlflow/")[2] for request in self.asked]


def _no(code: str, status: int) -> httpx2.Response:
    return httpx2.Response(status, json={"error_code": code, "message": "no"})


@pytest.fixture
def mlflow() -> Mlflow:
    """The server behind the proxy."""
    return Mlflow()


@pytest.fixture
async def deps(deps: Deps, mlflow: Mlflow) -> Deps:
    """The collaborators, with that server."""
    server = MlflowServer("http://mlflow", "s", transport=httpx2.MockTransport(mlflow))
    return replace(deps, tracking=Tracking(server))


async def test_a_metric_costs_no_more_than_its_own_call(
    api: httpx2.AsyncClient, mlflow: Mlflow
) -> None:
    for step in range(3):
        body = {"run_id": "r1", "key": "m", "value": 1, "timestamp": 1, "step": step}
        assert (await api.post(f"{V2}/runs/log-metric", json=body)).status_code == 200
    assert mlflow.paths() == ["runs/get", "experiments/get", *["runs/log-metric"] * 3]
    assert {each.headers["x-mlflow-workspace"] for each in mlflow.asked} == {"default"}
    assert {each.headers["authorization"] for each in mlflow.asked} == {"Bearer s"}


async def test_what_mlflow_refuses_is_said_in_its_words(api: httpx2.AsyncClient) -> None:
    answer = await api.get(f"{V2}/runs/get", params={"run_id": "r2"})
    assert answer.status_code == 404
    assert answer.json() == {
        "error_code": "RESOURCE_DOES_NOT_EXIST",
        "message": "no",
        "details": [],
    }


async def test_while_mlflow_is_away_clients_are_told_to_try_again(
    api: httpx2.AsyncClient, mlflow: Mlflow
) -> None:
    mlflow.away = True
    answer = await api.get(f"{V2}/experiments/get", params={"experiment_id": "1"})
    assert (answer.status_code, answer.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) > 0


async def test_what_is_not_in_the_table_never_reaches_mlflow(
    api: httpx2.AsyncClient, mlflow: Mlflow
) -> None:
    for method, path in (
        ("POST", f"{V2}/gateway/secrets/create"),
        ("POST", "/api/3.0/mlflow/workspaces"),
        ("POST", f"{V2}/unity-catalog/registered-models/create"),
        ("DELETE", f"{V2}/runs/get"),
    ):
        answer = await api.request(method, path)
        assert answer.json()["error_code"] in ("ENDPOINT_NOT_FOUND", "METHOD_NOT_ALLOWED"), path
    assert mlflow.asked == []


async def test_a_call_that_names_nothing_or_in_two_ways_is_refused(
    api: httpx2.AsyncClient, mlflow: Mlflow
) -> None:
    for body in (
        "{",
        "[]",
        "{}",
        '{"run_id": 7.5}',
        '{"run_id": "r1", "runId": "r2"}',
        '{"run_id": "r1", "key": "\\u0000"}',
    ):
        answer = await api.post(f"{V2}/runs/set-tag", content=body)
        assert answer.status_code == 400, body
    assert "runs/set-tag" not in mlflow.paths()


async def test_each_of_two_names_of_a_run_is_checked(api: httpx2.AsyncClient) -> None:
    body = {"run_id": "r1", "run_uuid": "r2", "key": "a", "value": "b"}
    assert (await api.post(f"{V2}/runs/set-tag", json=body)).status_code == 404


async def test_a_trace_is_not_written_over_by_who_may_not_edit_it(
    api: httpx2.AsyncClient, deps: Deps, mlflow: Mlflow
) -> None:
    ada = await person(api, deps, "ada")
    await api.get(f"{V2}/experiments/get", params={"experiment_id": "2"})
    await give(api, "experiments/2", "ada", "CAN_EDIT")
    place = {"mlflow_experiment": {"experiment_id": "2"}}
    for trace_id, status in (("tr-new", 200), ("tr-1", 403)):
        info = {"trace_id": trace_id, "trace_location": place}
        answer = await ada("POST", "/api/3.0/mlflow/traces", json={"trace": {"trace_info": info}})
        assert answer.status_code == status, trace_id


async def test_levels_are_asked_for_and_a_level_once_given_counts(
    api: httpx2.AsyncClient, deps: Deps
) -> None:
    ada = await person(api, deps, "ada")
    made = await api.post(f"{V2}/experiments/create", json={"name": "/Users/admin/x"})
    assert made.json() == {"experiment_id": "1"}
    get, tag = f"{V2}/runs/get?run_id=r1", {"run_id": "r1", "key": "a", "value": "b"}
    assert (await ada("GET", get)).status_code == 403
    await give(api, "experiments/1", "ada", "CAN_READ")
    assert (await ada("GET", get)).status_code == 200
    assert (await ada("POST", f"{V2}/runs/set-tag", json=tag)).status_code == 403
    await give(api, "experiments/1", "ada", "CAN_EDIT")
    assert (await ada("POST", f"{V2}/runs/set-tag", json=tag)).status_code == 200
    gone = {"experiment_id": "1"}
    assert (await ada("POST", f"{V2}/experiments/delete", json=gone)).status_code == 403


async def test_whoever_makes_an_experiment_owns_it_and_that_is_noted(
    api: httpx2.AsyncClient, deps: Deps, database: Database, mlflow: Mlflow
) -> None:
    ada = await person(api, deps, "ada")
    tags = [{"key": "openlake.created_by", "value": "somebody"}, {"key": "a", "value": "b"}]
    await ada("POST", f"{V2}/experiments/create", json={"name": "x", "tags": tags})
    sent = json.loads(mlflow.asked[-1].content)["tags"]
    assert sent == [tags[1], {"key": "openlake.created_by", "value": "ada"}]
    gone = {"experiment_id": "1"}
    assert (await ada("POST", f"{V2}/experiments/delete", json=gone)).status_code == 200
    query = select(AuditEntry).where(AuditEntry.object_type == "mlflowExperiment")
    async with database.read_session() as session:
        deeds = {(row.action, row.actor) for row in (await session.exec(query)).all()}
    assert deeds == {("experiment.created", "ada"), ("experiment.deleted", "ada")}


async def test_pages_of_what_may_be_read_are_full_and_end(
    api: httpx2.AsyncClient, deps: Deps, database: Database, mlflow: Mlflow
) -> None:
    ada, path = await person(api, deps, "ada"), f"{V2}/experiments/search"
    for readable in ("2", "4", "5"):
        await api.get(f"{V2}/experiments/get", params={"experiment_id": readable})
        await give(api, f"experiments/{readable}", "ada", "CAN_READ")
    first = (await ada("POST", path, json={"max_results": 2})).json()
    assert [each["experiment_id"] for each in first["experiments"]] == ["2", "4"]
    following = {"max_results": 2, "page_token": first["next_page_token"]}
    rest = (await ada("POST", path, json=following)).json()
    assert rest == {"experiments": [{"experiment_id": "5"}]}
    wrong = await ada("POST", path, json={"page_token": "x"})
    assert wrong.status_code == 400


@pytest.fixture
async def task(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    database: Database,
    deps: Deps,
    launcher: Recorder,
) -> AsyncIterator[tuple[int, httpx2.AsyncClient]]:
    """A running attempt and its user code's client."""
    await put_file(database, "/jobs/main.py")
    run_id = await run_now(api, await create_job(api))
    work = (await open_attempt(worker, ref(launcher.plans[run_id]))).json()
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=create_app(deps)),
        base_url="http://api",
        headers={"Authorization": f"Bearer {work['api_token']}"},
    ) as client:
        yield work["ref"]["task_run_id"], client


async def test_a_task_logs_as_its_runs_user_until_its_attempt_is_over(
    task: tuple[int, httpx2.AsyncClient], database: Database
) -> None:
    task_run_id, client = task
    body = {"run_id": "r1", "key": "a", "value": "b"}
    assert (await client.post(f"{V2}/runs/set-tag", json=body)).status_code == 200
    async with database.session() as session:
        over = update(AttemptRow).where(col(AttemptRow.task_run_id) == task_run_id)
        await session.exec(over.values(state=AttemptState.OVER))
    answer = await client.post(f"{V2}/runs/set-tag", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


async def test_a_link_is_good_for_one_file_and_one_thing(
    anonymous: httpx2.AsyncClient, deps: Deps, caller: Caller, mlflow: Mlflow
) -> None:
    asking = Asking(deps, caller, base_url="http://api")
    url = links.link(asking, "workspaces/default/1/r1/artifacts/a b", "write")
    assert (await anonymous.put(url, content=b"x")).status_code == 200
    assert mlflow.asked[-1].url.path.endswith("/artifacts/workspaces/default/1/r1/artifacts/a b")
    assert (await anonymous.get(url)).status_code == 403
    assert (await anonymous.put(url.replace("/r1/", "/r2/"), content=b"x")).status_code == 403
    other = url.replace("workspace=1", "workspace=2")
    assert (await anonymous.put(other, content=b"x")).status_code == 403


def test_addresses_are_rewritten_there_and_back() -> None:
    kept, given = "mlflow-artifacts:/workspaces/w7/12", "dbfs:/databricks/mlflow-tracking/12"
    for mine, theirs in (
        ("", ""),
        ("/abc/artifacts/model", "/abc/artifacts/model"),
        ("/models/m-1/artifacts", "/logged_models/m-1/artifacts"),
        ("/traces/tr-1/artifacts", "/tr-1/artifacts"),
    ):
        assert to_databricks(kept + mine) == given + theirs
        assert from_databricks(given + theirs, "w7") == kept + mine
    assert to_databricks("s3://elsewhere") == "s3://elsewhere"


def test_a_path_never_leaves_the_workspace() -> None:
    assert place_of("12/r/artifacts", "w7").path == "workspaces/w7/12/r/artifacts"
    assert place_of("0/r", "default").path == "0/r"
    with pytest.raises(NotFound):
        place_of("workspaces/w8/12/r", "w7")
    for path in ("", "..", "12/../13", "workspaces/w7", "workspaces/w7/x/r", "12//r", "12\\r"):
        with pytest.raises((Invalid, NotFound)):
            place_of(path, "w7")


def test_ids_are_found_wherever_a_call_holds_them() -> None:
    body: dict[str, Any] = {"locations": [{"mlflow_experiment": {"experiment_id": "1"}}, {}]}
    assert named(body, "locations.mlflow_experiment.experiment_id") == ["1"]
    with pytest.raises(Invalid, match="mlflow_experiment"):
        named({"locations": [{"mlflowExperiment": {}}]}, "locations.mlflow_experiment.x")


def test_mlflow_opens_to_its_secret_alone() -> None:
    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    client = TestClient(Door(inside, "tiger"))
    assert client.get("/health").status_code == 200
    assert client.get("/api/2.0/mlflow/runs/get").status_code == 401
    assert client.get("/", headers={"Authorization": "Bearer lion"}).status_code == 401
    assert client.get("/", headers={"Authorization": "Bearer tiger"}).status_code == 200
    assert client.get("/", auth=("anybody", "tiger")).status_code == 200
    assert client.get("/", headers={b"Authorization": b"Basic \xfc"}).status_code == 401
