"""Every failure has Databricks' shape, names all mistakes, and betrays nothing."""

import httpx2
import pytest
from sqlalchemy.exc import OperationalError

from control.deps import Deps
from tests.control.make import create_job, python_task


async def test_unknown_paths_and_methods(api: httpx2.AsyncClient) -> None:
    answer = await api.get("/api/2.0/nothing")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    answer = await api.get("/api/2.7/jobs/list")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    answer = await api.put("/api/2.2/jobs/create")
    assert (answer.status_code, answer.json()["error_code"]) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("path", ["create", "run-now"])
async def test_unparsable_bodies(api: httpx2.AsyncClient, path: str) -> None:
    answer = await api.post(f"/api/2.2/jobs/{path}", content=b"{nope")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_REQUEST")


async def test_every_mistake_is_named_with_its_place(api: httpx2.AsyncClient) -> None:
    body = {
        "name": "x",
        "max_concurrent_runs": -1,
        "colour": "red",
        "tasks": [python_task("a", max_retries="many"), {"task_key": "b"}],
    }
    answer = await api.post("/api/2.2/jobs/create", json=body)
    assert answer.status_code == 400
    error = answer.json()
    assert error["error_code"] == "INVALID_PARAMETER_VALUE"
    for part in ("max_concurrent_runs", "colour", "tasks[0].max_retries", "'b' has no task type"):
        assert part in error["message"], error["message"]
    violations = error["details"][0]["field_violations"]
    assert {"max_concurrent_runs", "colour", "tasks[0].max_retries"} <= {
        violation["field"] for violation in violations
    }


async def test_yaml_jobs_are_read_and_their_mistakes_have_lines(api: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "application/yaml"}
    good = (
        "name: flights\ntasks:\n  - task_key: a\n    spark_python_task:\n      python_file: /a.py\n"
    )
    answer = await api.post("/api/2.2/jobs/create", content=good.encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    job_id = answer.json()["job_id"]
    bad = good.replace("flights", "other") + "colour: red\nmax_concurrent_runs: lots\n"
    answer = await api.post(
        "/api/2.2/jobs/reset", params={"job_id": job_id}, content=bad.encode(), headers=headers
    )
    assert answer.status_code == 400
    lines = answer.json()["message"].splitlines()
    assert [line.split(":")[1] for line in lines] == ["6", "7"]
    job = (await api.get("/api/2.2/jobs/get", params={"job_id": job_id})).json()
    assert job["settings"]["name"] == "flights"
    better = good.replace("flights", "other").encode()
    answer = await api.post(
        "/api/2.2/jobs/reset", params={"job_id": job_id}, content=better, headers=headers
    )
    assert answer.json() == {}


async def test_no_token_and_a_wrong_one(anonymous: httpx2.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": "Bearer x"}):
        answer = await anonymous.get("/api/2.2/jobs/list", headers=headers)
        assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")


async def test_an_unforeseen_failure_betrays_nothing(
    api: httpx2.AsyncClient, deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    def boom(*_: object, **__: object) -> None:
        raise KeyError("the inside")

    monkeypatch.setattr("control.jobs.service.store.page", boom)
    answer = await api.get("/api/2.2/jobs/list", headers={"X-Request-Id": "r-1"})
    assert (answer.status_code, answer.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert "inside" not in answer.text
    assert "r-1" in answer.json()["message"]
    assert answer.headers["X-Request-Id"] == "r-1"


async def test_a_database_that_is_away_is_503(
    api: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("select", {}, OSError("connection refused"))

    monkeypatch.setattr("control.jobs.service.store.page", away)
    answer = await api.get("/api/2.2/jobs/list")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert answer.headers["Retry-After"] == "1"


async def test_a_get_may_carry_its_query_as_a_body(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api)
    answer = await api.request("GET", "/api/2.2/jobs/get", json={"job_id": job_id})
    assert answer.json()["job_id"] == job_id
    answer = await api.request(
        "GET", "/api/2.2/jobs/list?limit=1", json={"expand_tasks": True, "page_token": None}
    )
    assert len(answer.json()["jobs"][0]["settings"]["tasks"]) == 1
    answer = await api.get("/api/2.2/jobs/list?expand_tasks=False&page_token=")
    assert "tasks" not in answer.json()["jobs"][0]["settings"]


async def test_pages_lead_on_and_back(api: httpx2.AsyncClient) -> None:
    ids = [await create_job(api, name=f"j{n}") for n in range(5)][::-1]

    async def page(token: str | None) -> dict[str, object]:
        params = {"limit": 2} | ({"page_token": token} if token else {})
        return (await api.get("/api/2.2/jobs/list", params=params)).json()

    first = await page(None)
    second = await page(str(first["next_page_token"]))
    third = await page(str(second["next_page_token"]))
    back = await page(str(third["prev_page_token"]))
    jobs = [[job["job_id"] for job in p["jobs"]] for p in (first, second, third)]  # type: ignore[attr-defined]
    assert jobs == [ids[:2], ids[2:4], ids[4:]]
    assert back["jobs"] == second["jobs"]
    assert "next_page_token" not in third
    assert "prev_page_token" not in first
    answer = await api.get("/api/2.2/jobs/list", params={"page_token": "x"})
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
