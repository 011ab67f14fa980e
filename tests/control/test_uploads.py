"""Files on their way into tables: kept for a day, loaded by a run that is a transaction."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from control.deps import Deps
from control.uploads.service import MOST_BYTES, purge
from control.uploads.tables import Upload
from tests.control.conftest import Recorder
from tests.control.make import get_run

UPLOADS = "/api/openlake/1.0/uploads"


async def send(
    api: httpx2.AsyncClient, name: str = "people.csv", content: bytes = b"a\n1\n"
) -> Any:
    answer = await api.post(UPLOADS, params={"name": name}, content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_file_is_kept_and_listed(api: httpx2.AsyncClient, deps: Deps) -> None:
    kept = await send(api, "C:\\data\\people.csv.gz", b"12345")
    assert (kept["name"], kept["size_bytes"], kept["format"]) == ("people.csv.gz", 5, "csv")
    assert await deps.objects.get(f"uploads/1/{kept['upload_id']}") == b"12345"
    newer = await send(api, "x.parquet")
    first = (await api.get(UPLOADS, params={"page_size": 1})).json()
    assert [each["upload_id"] for each in first["uploads"]] == [newer["upload_id"]]
    rest = (await api.get(UPLOADS, params={"page_token": first["next_page_token"]})).json()
    assert [each["upload_id"] for each in rest["uploads"]] == [kept["upload_id"]]
    assert "next_page_token" not in rest
    assert (await api.get(f"{UPLOADS}/{kept['upload_id']}")).json() == kept


@pytest.mark.parametrize(
    ("name", "content", "status", "why"),
    [
        ("people.csv", b"", 400, "empty"),
        ("/", b"1", 400, "file's name"),
    ],
)
async def test_what_is_no_file_is_refused(
    api: httpx2.AsyncClient, name: str, content: bytes, status: int, why: str
) -> None:
    answer = await api.post(UPLOADS, params={"name": name}, content=content)
    assert answer.status_code == status and why in answer.json()["message"]


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    api: httpx2.AsyncClient,
) -> None:
    headers = {"Content-Length": str(MOST_BYTES + 1)}
    answer = await api.post(UPLOADS, params={"name": "a.csv"}, content=b"1", headers=headers)
    assert answer.status_code == 413 and "5 GiB" in answer.json()["message"]


async def test_loading_starts_a_run_that_is_a_transaction(
    api: httpx2.AsyncClient, launcher: Recorder
) -> None:
    kept = await send(api)
    body = {"table": "shop.people", "columns": {"a": "INT"}, "idempotency_token": "once"}
    answers = [await api.post(f"{UPLOADS}/{kept['upload_id']}/load", json=body) for _ in "12"]
    [run_id] = {answer.json()["run_id"] for answer in answers}
    plan = launcher.plans[run_id]
    assert plan.publish and [task.engine for task in plan.tasks] == ["duckdb"]
    [task] = (await get_run(api, run_id))["tasks"]
    assert task["load_task"]["columns"] == {"a": "INT"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"columns": {"a": "WIDE"}}, "'WIDE' is no type"),
        ({"table": "people"}, "table"),
        ({"mode": "merge"}, "mode"),
        ({"csv": {"quote": "''"}}, "quote"),
        ({"csv": {}, "format": "parquet"}, "not a parquet file"),
    ],
)
async def test_a_wrong_request_says_what_is_wrong(
    api: httpx2.AsyncClient, change: dict[str, Any], why: str
) -> None:
    kept = await send(api)
    body = {"table": "shop.people"} | change
    answer = await api.post(f"{UPLOADS}/{kept['upload_id']}/load", json=body)
    assert answer.status_code == 400 and why in answer.json()["message"], answer.text


async def test_a_format_that_nobody_can_tell_is_asked_for(api: httpx2.AsyncClient) -> None:
    kept = await send(api, "people.dat")
    url = f"{UPLOADS}/{kept['upload_id']}/load"
    answer = await api.post(url, json={"table": "shop.people"})
    assert answer.status_code == 400 and "csv, json, parquet" in answer.json()["message"]
    answer = await api.post(url, json={"table": "shop.people", "format": "json"})
    assert answer.status_code == 200


async def test_files_of_others_and_files_that_are_gone_are_not_there(
    api: httpx2.AsyncClient, deps: Deps
) -> None:
    kept = await send(api)
    async with deps.database.session() as session:
        row = await session.get_one(Upload, kept["upload_id"])
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
        session.add(row)
    assert await purge(deps, datetime.now(UTC)) == 1
    assert await purge(deps, datetime.now(UTC)) == 0
    answer = await api.get(f"{UPLOADS}/{kept['upload_id']}")
    assert answer.status_code == 404 and "upload it again" in answer.json()["message"]
    task = {"task_key": "load", "load_task": {"upload_id": kept["upload_id"], "table": "a.b"}}
    answer = await api.post("/api/2.2/jobs/create", json={"name": "x", "tasks": [task]})
    assert answer.status_code == 400 and "there is no upload" in answer.json()["message"]
    assert (await api.get(f"{UPLOADS}/elsewhere")).status_code == 404
