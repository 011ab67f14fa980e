"""What holds for every endpoint: errors that the SDK knows, and the traps of its client."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, Unauthenticated
from databricks.sdk.errors.base import DatabricksError

from tests.conformance.watching import methods, services

ABSENT = {
    "apps": ("list", ()),
    "git_credentials": ("list", ()),
    "repos": ("list", ()),
    "global_init_scripts": ("list", ()),
    "ip_access_lists": ("list", ()),
    "pipelines": ("list_pipelines", ()),
    "serving_endpoints": ("list", ()),
    "vector_search_endpoints": ("list_endpoints", ()),
    "workspace_conf": ("get_status", ("enableTokens",)),
}
"""A call of some services that are not offered."""


@pytest.fixture
def http(sdk: WorkspaceClient) -> Iterator[httpx2.Client]:
    """A client without the SDK's manners."""
    headers = {"Authorization": f"Bearer {sdk.config.token}"}
    host = sdk.config.host or ""
    with httpx2.Client(base_url=host, headers=headers, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("service", ABSENT)
def test_a_service_that_is_not_offered_is_not_found(sdk: WorkspaceClient, service: str) -> None:
    method, arguments = ABSENT[service]
    with pytest.raises(DatabricksError) as caught:
        answer = getattr(getattr(sdk, service), method)(*arguments)
        list(answer)
    assert (type(caught.value), caught.value.error_code) in (
        (NotFound, "ENDPOINT_NOT_FOUND"),
        (caught.type, "FEATURE_DISABLED"),
        (caught.type, "NOT_IMPLEMENTED"),
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_endpoint_is_told_in_the_one_shape(http: httpx2.Client, method: str) -> None:
    answer = http.request(method, "/api/2.0/no/such/thing")
    assert answer.status_code == 404
    assert set(answer.json()) == {"error_code", "message", "details"}
    assert answer.json()["error_code"] == "ENDPOINT_NOT_FOUND"


def test_the_constructor_finds_out_which_workspace_it_talks_to(
    sdk: WorkspaceClient, other_workspace: WorkspaceClient, http: httpx2.Client
) -> None:
    answer = httpx2.get(f"{sdk.config.host}/.well-known/databricks-config", trust_env=False)
    assert answer.status_code == 200 and "{account_id}" not in answer.json()["oidc_endpoint"]
    me = http.get("/api/2.0/preview/scim/v2/Me")
    assert me.headers["X-Databricks-Org-Id"] == str(sdk.get_workspace_id())


def test_a_bad_token_is_unauthenticated(sdk: WorkspaceClient) -> None:
    stranger = WorkspaceClient(host=sdk.config.host, token="dapi-of-nobody")
    with pytest.raises(Unauthenticated):
        stranger.jobs.get(1)


def test_bodies_that_cannot_be_read(http: httpx2.Client) -> None:
    path = "/api/2.2/jobs/runs/cancel"
    cases: list[tuple[Any, str]] = [
        (b"{", "MALFORMED_REQUEST"),
        (b"\xff\xfe", "MALFORMED_REQUEST"),
        (b"[]", "INVALID_PARAMETER_VALUE"),
        (b"null", "INVALID_PARAMETER_VALUE"),
        (b'{"run_id": "x"}', "INVALID_PARAMETER_VALUE"),
        (b'{"run_id": 1.5}', "INVALID_PARAMETER_VALUE"),
        (b'{"run_id": NaN}', "INVALID_PARAMETER_VALUE"),
        (b'{"run_id": 1, "unknown": 1}', "INVALID_PARAMETER_VALUE"),
        (b'{"run_id": %d}' % 10**30, "INVALID_PARAMETER_VALUE"),
        (b'{"run_id": -1}', "RESOURCE_DOES_NOT_EXIST"),
        (b'{"run_id": 1}', "RESOURCE_DOES_NOT_EXIST"),
    ]
    for body, code in cases:
        answer = http.post(path, content=body)
        expected = 404 if code.endswith("EXIST") else 400
        told = answer.json()
        assert (answer.status_code, told["error_code"]) == (expected, code), (body, told)


def test_messages_hold_no_words_that_make_the_client_try_again(http: httpx2.Client) -> None:
    words = ("Unexpected error", "Please try again later or try a faster operation.")
    for path in ("/api/2.2/jobs/get?job_id=1", "/api/2.2/jobs/get", "/api/2.0/none"):
        assert not any(word in http.get(path).text for word in words)


def test_every_method_of_the_sdk_is_watched(sdk: WorkspaceClient) -> None:
    assert all(
        hasattr(getattr(part, name), "__wrapped__")
        for _, part in services(sdk)
        for name in methods(part)
    )


def test_nothing_is_told_to_the_log_of_a_client_that_behaves(
    sdk: WorkspaceClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="databricks.sdk"):
        WorkspaceClient(host=sdk.config.host, token=sdk.config.token).current_user.me()
    assert [record.getMessage() for record in caplog.records] == []


def test_numbers_and_times_are_as_clients_read_them(
    sdk: WorkspaceClient, http: httpx2.Client
) -> None:
    task = {"task_key": "a", "condition_task": {"op": "EQUAL_TO", "left": "1", "right": "1"}}
    given = {"name": "numbers", "tasks": [task], "max_concurrent_runs": 0}
    job_id = http.post("/api/2.2/jobs/create", json=given).json()["job_id"]
    run_id = http.post("/api/2.2/jobs/run-now", json={"job_id": job_id}).json()["run_id"]
    run = http.get(f"/api/2.2/jobs/runs/get?run_id={run_id}").json()
    assert isinstance(run_id, int) and run_id < 2**53 and job_id < 2**53
    assert isinstance(run["end_time"], int) and isinstance(run["start_time"], int)
    assert run["state"]["life_cycle_state"] and run["status"]["state"]
    # Nothing at all, and nothing in braces, are both the body of a call without arguments.
    for body in (b"", b"{}"):
        assert http.post("/api/2.2/jobs/runs/cancel-all", content=body).status_code in (200, 400)
    answer = http.post("/api/2.2/jobs/delete", json={"job_id": job_id})
    assert (answer.status_code, json.loads(answer.text)) == (200, {})


def test_an_error_names_what_is_wrong(sdk: WorkspaceClient) -> None:
    with pytest.raises(InvalidParameterValue, match="this field is not known to OpenLake"):
        sdk.api_client.do("POST", "/api/2.0/secrets/scopes/create", body={"scope": "x", "y": 1})
