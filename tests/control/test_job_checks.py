"""A job's YAML is judged before it is saved: every mistake, each with its line."""

from typing import Any

import httpx2
import pytest

from control.deps import Deps
from tests.control.acting import person
from tests.control.make import create_job, put_file

SOUND = """\
# Loads what came in.
name: orders
tasks:
  - task_key: load
    spark_python_task:
      python_file: /jobs/main.py
      parameters: ["{{job.parameters.day}}"]
"""


async def check(api: httpx2.AsyncClient, text: str, **more: Any) -> Any:
    answer = await api.post("/api/openlake/1.0/jobs/check", json={"text": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_sound_text_comes_back_as_the_settings_it_is_kept_as(api: httpx2.AsyncClient) -> None:
    found = await check(api, SOUND.replace("day}}", "run_id}}").replace("job.parameters", "job"))
    assert found["settings"]["tasks"][0]["task_key"] == "load"
    assert (found["problems"], found["warnings"]) == ([], [])
    assert (await api.get("/api/2.2/jobs/list")).json().get("jobs", []) == []


async def test_what_will_stay_as_it_is_written_is_a_warning_on_its_line(
    api: httpx2.AsyncClient,
) -> None:
    found = await check(api, SOUND)
    assert found["settings"] is not None
    [warning] = found["warnings"]
    assert "{{job.parameters.day}}" in warning["message"]
    assert warning["line"] == 7


async def test_all_mistakes_are_told_at_once(api: httpx2.AsyncClient) -> None:
    text = SOUND.replace("name:", "nmae:") + "  - task_key: x\n    depends_on: [{task_key: lood}]\n"
    found = await check(api, text)
    assert found["settings"] is None
    told = [(each["line"], each["message"]) for each in found["problems"]]
    assert [line for line, _ in told] == sorted(line for line, _ in told)
    assert any(line == 2 and "did you mean 'name'" in message for line, message in told)
    assert any(line == 9 and "did you mean 'load'" in message for line, message in told)


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "\t"])
async def test_what_is_no_job_at_all_has_its_place_too(api: httpx2.AsyncClient, text: str) -> None:
    found = await check(api, text)
    assert found["settings"] is None
    assert found["problems"][0]["line"] >= 1


async def test_everything_that_creating_would_refuse_is_told_where_it_stands(
    api: httpx2.AsyncClient,
) -> None:
    text = """\
name: far
run_as: {user_name: nobody@example.com}
tasks:
  - task_key: one
    sql_task:
      warehouse_id: 00000000000000aa
      file: {path: /q.sql}
  - task_key: all
    for_each_task:
      inputs: "[1]"
      task:
        task_key: two
        sql_task: {warehouse_id: 00000000000000bb, file: {path: /q.sql}}
  - task_key: three
    existing_cluster_id: unheard-of
    notebook_task: {notebook_path: /n}
"""
    found = await check(api, text)
    lines = {each["line"]: each["message"] for each in found["problems"]}
    assert "no active user" in lines[2]
    assert "00000000000000aa" in lines[6]
    assert "00000000000000bb" in lines[13]
    assert "unheard-of" in lines[14]
    refused = await api.post(
        "/api/2.2/jobs/create", content=text, headers={"Content-Type": "application/yaml"}
    )
    assert refused.status_code == 400
    assert refused.json()["message"] in [each["message"] for each in found["problems"]]


async def test_only_who_may_change_a_job_has_its_new_settings_checked(
    api: httpx2.AsyncClient, deps: Deps
) -> None:
    await put_file(deps.database, "/jobs/main.py")
    job_id = await create_job(api)
    assert (await check(api, SOUND, job_id=job_id))["problems"] == []
    reader = await person(api, deps, "reader@example.com")
    body = {"text": SOUND, "job_id": job_id}
    answer = await reader("POST", "/api/openlake/1.0/jobs/check", json=body)
    assert answer.status_code == 403
