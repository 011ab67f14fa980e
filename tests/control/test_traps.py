"""The traps of the databricks-sdk and of Airflow's provider: what a server must not do to them.

Each is numbered; `ELSEWHERE` says where those are tested that other tests look at already. A test
here is named by the number of its trap.

 1. A waiter dies without `state`, and newer clients read `status`: send both, on every item.
 2. A failed run ends as INTERNAL_ERROR and FAILED, its task as TERMINATED and FAILED.
 3. An empty `next_page_token` sends the client round for ever: the key is left out.
 4. SCIM's lists honour `startIndex`; past the end `Resources` is empty.
 5. What is missing is RESOURCE_DOES_NOT_EXIST: the client mends other codes at the root path only.
 6. A 400 without `error_code` breaks the parser: there always is one.
 7. Some words in messages, 429 and 503 are tried again for minutes: no such words, `Retry-After`.
 8. POSTs are sent again: tokens make one run of them, and nothing is 503 once it is committed.
 9. The console's pages do not cover `/api`, `/.well-known` and `/oidc`.
10. The workspace's id is told in the host's configuration and in a header, in digits.
11. A warehouse is STARTING before its start is answered; so its waiter goes on.
12. SQL that fails is 200 and FAILED; what cannot be asked is 4xx. Nobody is held for a minute.
13. Cells of JSON_ARRAY are text or null.
14. Lists have the key that the client reads.
15. Values of enumerations are ones that the SDK knows.
16. `update` merges tasks by key, and `fields_to_remove` takes them away.
17. `get-output` of a job's run with tasks is 400; each task has a run id of its own.
18. Lists are paged with a limit alone; without `expand_tasks` there are no tasks.
19. `workspace.upload` is a form, `import_` is JSON, `download` wants bytes.
20. Large files go up in parts.
21. Clusters and Unity Catalog are 2.1, jobs 2.2, all else 2.0.
22. A body of `{}` and none at all are the same; an answer of nothing is no plain text.
23. Policies and object ids are text of a form of their own; PUT replaces and PATCH adds.
24. Ids of jobs and runs are numbers that JavaScript can read; those of users and warehouses text.
25. `end_time` is 0 while a run goes on; `depends_on` and settings come back as they were sent.
"""

import ast
import re
from enum import Enum
from pathlib import Path
from typing import Any

import httpx2
import pytest
from databricks.sdk.service import jobs as sdk_jobs
from databricks.sdk.service import settings as sdk_settings
from databricks.sdk.service import sql as sdk_sql

from control.db import Database
from control.projection import Projector
from spec import states
from spec.alerts import AlertState
from spec.api.notifications import DestinationType
from spec.api.query_history import QueryStatus
from spec.attempts import AttemptResult
from spec.events import RunStarted
from spec.statements import StatementState
from spec.warehouses import WarehouseState
from tests.conformance.asking import workspace
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, python_task, run_now
from tests.control.test_projection import T0, Play

ROOT = Path(__file__).parents[2]
TRAPS = range(1, 26)
ELSEWHERE: dict[int, tuple[str, ...]] = {
    2: (
        "tests/control/test_projection.py::test_a_failed_run_reads_as_on_databricks",
        "tests/conformance/test_runs.py::test_a_failed_run_raises_and_is_repaired",
    ),
    4: ("tests/control/test_identity.py::test_pages_end_and_attributes_are_picked",),
    7: (
        "tests/control/test_errors.py::test_a_database_that_is_away_is_503",
        "tests/control/test_limits.py::test_a_token_that_asks_too_often_is_told_when_to_come_back",
        "tests/conformance/test_rules.py::test_messages_hold_no_words_that_make_the_client_try_again",
    ),
    8: (
        "tests/control/test_admission.py::test_fifty_asks_with_one_token_are_one_run",
        "tests/control/test_admission.py::test_the_relay_starts_what_the_request_could_not",
    ),
    9: (
        "tests/control/test_console_pages.py::test_what_no_api_serves_is_not_found_there",
        "tests/control/test_console_pages.py::test_every_path_of_the_api_is_kept_from_the_pages",
    ),
    11: ("tests/conformance/test_sql.py::test_a_warehouse_lives_and_dies",),
    12: (
        "tests/conformance/test_sql.py::test_sql_that_fails_is_a_state_and_a_bad_request_an_error",
    ),
    13: ("tests/conformance/test_sql.py::test_a_statement_answers_text_with_types",),
    16: (
        "tests/control/test_sdk.py::test_a_job_lives_and_dies",
        "tests/conformance/test_jobs.py::test_update_merges_tasks_by_key_and_removes_what_is_named",
    ),
    17: (
        "tests/control/test_outputs.py::test_a_run_of_several_tasks_has_no_output_of_its_own",
        "tests/conformance/test_runs.py::test_a_run_succeeds_and_is_read_in_every_way",
    ),
    18: (
        "tests/control/test_sdk.py::test_jobs_and_runs_are_listed_by_pages",
        "tests/control/test_errors.py::test_a_get_may_carry_its_query_as_a_body",
        "tests/conformance/test_jobs.py::test_lists_are_paged_even_with_a_limit_alone",
    ),
    19: (
        "tests/control/test_sdk.py::test_files_and_notebooks",
        "tests/conformance/test_workspace_objects.py::test_files_go_up_and_come_down",
    ),
    20: ("tests/conformance/test_files.py::test_a_large_file_goes_in_parts_and_comes_in_ranges",),
    23: (
        "tests/control/test_permissions.py::test_put_replaces_and_patch_adds",
        "tests/conformance/test_compute.py::test_a_policy_is_made_changed_listed_and_deleted",
    ),
}
"""Trap → the tests that look at it."""


def _functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_trap_has_a_test() -> None:
    for test in (test for tests in ELSEWHERE.values() for test in tests):
        file, _, name = test.partition("::")
        assert name in _functions(ROOT / file), f"{test} is gone"
    here = {
        int(found[1])
        for name in _functions(Path(__file__))
        if (found := re.match(r"test_trap_(\d+)_", name))
    }
    assert sorted(here | ELSEWHERE.keys()) == list(TRAPS)
    assert [int(number) for number in re.findall(r"(?m)^ ?(\d+)\. ", __doc__ or "")] == list(TRAPS)


@pytest.fixture
async def job_id(api: httpx2.AsyncClient, database: Database) -> int:
    """A job of two tasks, one after the other."""
    await put_file(database, "/jobs/main.py")
    return await create_job(api, tasks=[python_task("a"), python_task("b", "a")])


@pytest.fixture
async def failed(
    api: httpx2.AsyncClient, job_id: int, launcher: Recorder, database: Database
) -> int:
    """A run whose first task has failed."""
    run_id = await run_now(api, job_id)
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("a", AttemptResult.FAILED)
    await Projector(database).project(play.batch())
    return run_id


async def test_trap_1_every_item_tells_its_state_in_both_ways(
    api: httpx2.AsyncClient, failed: int
) -> None:
    params = {"run_id": failed, "include_history": "true"}
    run = (await api.get("/api/2.2/jobs/runs/get", params=params)).json()
    one = (
        await api.get("/api/2.2/jobs/runs/get", params={"run_id": run["tasks"][0]["run_id"]})
    ).json()
    listed = (await api.get("/api/2.2/jobs/runs/list", params={"expand_tasks": "true"})).json()
    items = [run, one, *run["tasks"], *run["repair_history"]]
    items += [*listed["runs"], *listed["runs"][0]["tasks"]]
    assert len(items) >= 8
    for item in items:
        ended = item["status"]["state"] == "TERMINATED"
        assert item["state"]["life_cycle_state"]
        assert ("result_state" in item["state"]) == ended
        assert ("termination_details" in item["status"]) == ended


async def test_trap_3_a_last_page_has_no_token(api: httpx2.AsyncClient, failed: int) -> None:
    for path in (
        "/api/2.2/jobs/list",
        "/api/2.2/jobs/runs/list",
        f"/api/2.2/jobs/runs/get?run_id={failed}",
        "/api/2.0/sql/queries",
        "/api/2.0/sql/warehouses",
        "/api/2.0/sql/history/queries",
        "/api/2.0/notification-destinations",
    ):
        answer = await api.get(path)
        assert answer.status_code == 200 and "next_page_token" not in answer.json(), path


async def test_trap_5_what_is_missing_has_the_code_that_the_client_knows(
    api: httpx2.AsyncClient,
) -> None:
    for path in (
        "/api/2.2/jobs/get?job_id=7",
        "/api/2.2/jobs/runs/get?run_id=7",
        "/api/2.1/clusters/get?cluster_id=none",
        "/api/2.2/jobs/runs/get-output?run_id=7",
        "/api/2.0/sql/warehouses/0123456789abcdef",
        "/api/2.0/workspace/get-status?path=/none",
        "/api/2.0/secrets/list?scope=none",
    ):
        answer = await api.get(path)
        told = (answer.status_code, answer.json()["error_code"])
        assert told == (404, "RESOURCE_DOES_NOT_EXIST"), path


async def test_trap_6_a_bad_request_has_a_code(api: httpx2.AsyncClient) -> None:
    for path in (
        "/api/2.2/jobs/get",
        "/api/2.2/jobs/runs/get?run_id=x",
        "/api/2.1/clusters/get",
    ):
        answer = await api.get(path)
        told = (answer.status_code, answer.json()["error_code"])
        assert told == (400, "INVALID_PARAMETER_VALUE"), path


def test_trap_7_no_message_says_the_words_that_are_tried_again() -> None:
    words = (
        "Unexpected error",
        "ClusterNotReadyException",
        "Please try again later or try a faster operation",
        "RPC token bucket limit has been exceeded",
    )
    folders = ("control", "spec", "workflows", "activities")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > 200
    for file in files:
        text = file.read_text("utf-8")
        assert not [word for word in words if word in text], file


async def test_trap_10_the_workspace_is_told_in_digits(
    api: httpx2.AsyncClient, anonymous: httpx2.AsyncClient
) -> None:
    found = await anonymous.get("/.well-known/databricks-config")
    assert found.headers["content-type"].startswith("application/json")
    assert found.json()["workspace_id"].isdecimal()
    assert "{" not in found.json()["oidc_endpoint"]
    me = await api.get("/api/2.0/preview/scim/v2/Me")
    assert me.headers["X-Databricks-Org-Id"] == found.json()["workspace_id"]


async def test_trap_11_a_warehouse_is_starting_from_the_first_look(api: httpx2.AsyncClient) -> None:
    place = "/api/2.0/sql/warehouses"
    made = (await api.post(place, json={"name": "w", "cluster_size": "Small"})).json()["id"]
    assert (await api.get(f"{place}/{made}")).json()["state"] == "STARTING"
    await api.post(f"{place}/{made}/stop")
    assert (await api.get(f"{place}/{made}")).json()["state"] in ("STOPPING", "STOPPED")
    await api.post(f"{place}/{made}/start")
    assert (await api.get(f"{place}/{made}")).json()["state"] == "STARTING"


async def test_trap_12_nobody_is_held_for_a_minute(api: httpx2.AsyncClient) -> None:
    for wait in ("51s", "1s", "60s", "-5s", "soon"):
        body = {"statement": "SELECT 1", "warehouse_id": "duckdb", "wait_timeout": wait}
        answer = await api.post("/api/2.0/sql/statements", json=body)
        told = (answer.status_code, answer.json()["error_code"])
        assert told == (400, "INVALID_PARAMETER_VALUE"), wait


async def test_trap_14_lists_have_the_key_that_is_read(
    api: httpx2.AsyncClient, failed: int
) -> None:
    await api.post("/api/2.0/secrets/scopes/create", json={"scope": "s"})
    await api.post("/api/2.0/secrets/put", json={"scope": "s", "key": "k", "string_value": "v"})
    await api.post("/api/2.0/workspace/mkdirs", json={"path": "/Shared/a"})
    await api.post("/api/2.0/token/create", json={"comment": "c"})
    query = {"query": {"display_name": "q", "query_text": "SELECT 1"}}
    await api.post("/api/2.0/sql/queries", json=query)
    statement = {"statement": "SELECT 1", "warehouse_id": "duckdb", "wait_timeout": "0s"}
    await api.post("/api/2.0/sql/statements", json=statement)
    await api.post("/api/2.0/dbfs/put", json={"path": "/a", "contents": "YQ=="})
    for path, key in {
        "/api/2.0/secrets/acls/list?scope=s": "items",
        "/api/2.0/secrets/scopes/list": "scopes",
        "/api/2.0/secrets/list?scope=s": "secrets",
        "/api/2.0/workspace/list?path=/Shared": "objects",
        "/api/2.0/dbfs/list?path=/": "files",
        "/api/2.0/sql/history/queries": "res",
        "/api/2.0/sql/queries": "results",
        "/api/2.0/sql/warehouses": "warehouses",
        "/api/2.0/token/list": "token_infos",
        "/api/2.0/token-management/tokens": "token_infos",
        "/api/2.0/preview/scim/v2/Users": "Resources",
        "/api/2.0/preview/scim/v2/Groups": "Resources",
        "/api/2.2/jobs/list": "jobs",
        "/api/2.2/jobs/runs/list": "runs",
    }.items():
        answer = await api.get(path)
        assert answer.json().get(key), f"{path}: {answer.text}"


def _shown() -> list[states.View]:
    """Return every way in which a run or a task is shown."""
    ended = [states.run_view(states.RunLife.ENDED, result) for result in states.RunResult]
    others = [life for life in states.RunLife if life is not states.RunLife.ENDED]
    tasks = [states.task_view(result) for result in states.TaskResult]
    waiting = [states.blocked_view(), states.stopping_view(), states.waiting_view("")]
    going = [states.task_view(None), states.task_view(None, opened=True)]
    return [*ended, *(states.run_view(life) for life in others), *tasks, *waiting, *going]


def test_trap_15_states_of_runs_are_ones_that_the_sdk_knows() -> None:
    for state, status in _shown():
        assert state.life_cycle_state in sdk_jobs.RunLifeCycleState.__members__
        assert (state.result_state or "SUCCESS") in sdk_jobs.RunResultState.__members__
        assert status.state in sdk_jobs.RunLifecycleStateV2State.__members__
        if queued := status.queue_details:
            assert queued.code in sdk_jobs.QueueDetailsCodeCode.__members__
        if end := status.termination_details:
            assert end.code in sdk_jobs.TerminationCodeCode.__members__
            assert end.type in sdk_jobs.TerminationTypeType.__members__


@pytest.mark.parametrize(
    ("ours", "theirs", "own"),
    [
        (StatementState, sdk_sql.StatementState, set[str]()),
        (WarehouseState, sdk_sql.State, set[str]()),
        (AlertState, sdk_sql.AlertState, set[str]()),
        (QueryStatus, sdk_sql.QueryStatus, set[str]()),
        # A way to notify that Databricks has not.
        (DestinationType, sdk_settings.DestinationType, {"APPRISE"}),
    ],
)
def test_trap_15_words_are_ones_that_the_sdk_knows(
    ours: type[Enum], theirs: type[Enum], own: set[str]
) -> None:
    assert {each.value for each in ours} - {each.value for each in theirs} == own


async def test_trap_17_every_task_has_a_run_of_its_own(
    api: httpx2.AsyncClient, failed: int
) -> None:
    tasks = (await get_run(api, failed))["tasks"]
    ids = {task["run_id"] for task in tasks}
    assert len(ids) == 2 and failed not in ids
    for task in tasks:
        one = await get_run(api, task["run_id"])
        assert one["tasks"][0]["task_key"] == task["task_key"]
    answer = await api.get("/api/2.2/jobs/runs/get-output", params={"run_id": failed})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_trap_21_each_service_has_its_version() -> None:
    asked = workspace()
    for method, path in {
        "jobs.create": "/api/2.2/jobs/create",
        "jobs.get_run": "/api/2.2/jobs/runs/get",
        "clusters.list": "/api/2.1/clusters/list",
        "tables.list": "/api/2.1/unity-catalog/tables",
        "statement_execution.execute_statement": "/api/2.0/sql/statements",
        "secrets.list_scopes": "/api/2.0/secrets/scopes/list",
        "alerts.list": "/api/2.0/sql/alerts",
        "alerts_v2.list_alerts": "/api/2.0/alerts",
        "alerts_legacy.list": "/api/2.0/preview/sql/alerts",
    }.items():
        assert asked[method].path == path, "the SDK asks elsewhere now: look what else has changed"


async def test_trap_22_no_body_and_an_empty_one_are_the_same(api: httpx2.AsyncClient) -> None:
    for body in (b"", b"{}"):
        answer = await api.post("/api/2.0/token/create", content=body)
        assert answer.status_code == 200, answer.text
        token_id = answer.json()["token_info"]["token_id"]
        answer = await api.post("/api/2.0/token/delete", json={"token_id": token_id})
        assert (answer.status_code, answer.json()) == (200, {})
    answer = await api.delete("/api/2.0/sql/warehouses/0123456789abcdef")
    assert answer.status_code == 404


async def test_trap_24_ids_are_numbers_or_text(api: httpx2.AsyncClient, failed: int) -> None:
    run = await get_run(api, failed)
    numbers = [run[key] for key in ("run_id", "job_id", "number_in_job", "original_attempt_run_id")]
    numbers += [task["run_id"] for task in run["tasks"]]
    assert all(type(number) is int and 0 < number < 2**53 for number in numbers)
    me = (await api.get("/api/2.0/preview/scim/v2/Me")).json()
    warehouses = (await api.get("/api/2.0/sql/warehouses")).json()["warehouses"]
    texts = [me["id"], me["groups"][0]["value"], *(each["id"] for each in warehouses)]
    assert all(type(text) is str for text in texts)


async def test_trap_25_settings_come_back_and_what_goes_on_has_no_end(
    api: httpx2.AsyncClient, job_id: int
) -> None:
    params: dict[str, Any] = {"job_id": job_id}
    settings = (await api.get("/api/2.2/jobs/get", params=params)).json()["settings"]
    assert settings["tasks"][1]["depends_on"] == [{"task_key": "a"}]
    answer = await api.post("/api/2.2/jobs/reset", json={**params, "new_settings": settings})
    assert answer.status_code == 200, answer.text
    assert (await api.get("/api/2.2/jobs/get", params=params)).json()["settings"] == settings
    run = await get_run(api, await run_now(api, job_id))
    assert (run["end_time"], run["tasks"][1]["depends_on"]) == (0, [{"task_key": "a"}])
    assert [task["end_time"] for task in run["tasks"]] == [0, 0]
