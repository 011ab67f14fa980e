"""dbt tasks at the control plane: what is pinned and handed out, and what comes back."""

import io
import tarfile
from typing import Any

import httpx2
import pytest

from control.artifacts import links
from control.db import Database
from control.deps import Deps
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, run_now
from tests.control.test_internal import open_attempt, ref
from tests.control.test_outputs import begin, leave, output


def dbt_task(**fields: Any) -> dict[str, Any]:
    task = {"commands": ["dbt build"], "project_directory": "/Workspace/shop", **fields}
    return {"task_key": "shop", "dbt_task": task}


@pytest.fixture
async def project(database: Database, token: str) -> None:
    for path in ("dbt_project.yml", "models/a.sql", "seeds/b.csv"):
        await put_file(database, f"/shop/{path}", path.encode())
    await put_file(database, "/elsewhere.txt")


async def opened(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    task: dict[str, Any],
    **run: Any,
) -> tuple[int, httpx2.Response]:
    run_id = await run_now(api, await create_job(api, tasks=[task]), **run)
    return run_id + 1, await open_attempt(worker, ref(launcher.plans[run_id], 1, "shop"))


async def test_the_whole_project_is_pinned_and_references_are_resolved(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, project: None
) -> None:
    task = dbt_task(
        commands=["dbt run --vars 'job: {{job.name}}'"], warehouse_id="trino", schema="gold"
    )
    _, answer = await opened(api, worker, launcher, task)
    work = answer.json()
    assert set(work["files"]) == {"shop/dbt_project.yml", "shop/models/a.sql", "shop/seeds/b.csv"}
    program = work["program"]
    assert (program["type"], program["project"], program["warehouse"]) == ("dbt", "shop", "trino")
    assert (program["commands"], program["schema_name"]) == (
        ["dbt run --vars 'job: flights'"],
        "gold",
    )
    assert work["ref"]["engine"] == "python"


async def test_legacy_dbt_commands_replace_the_tasks(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, project: None
) -> None:
    given = {"dbt_commands": ["dbt seed", "dbt test"]}
    _, answer = await opened(api, worker, launcher, dbt_task(), **given)
    assert answer.json()["program"]["commands"] == given["dbt_commands"]


@pytest.mark.parametrize(
    ("given", "relative"),
    [("profiles", "profiles"), ("/Workspace/shop/profiles", "profiles"), (".", ".")],
)
async def test_profiles_lie_in_the_project(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    project: None,
    given: str,
    relative: str,
) -> None:
    _, answer = await opened(api, worker, launcher, dbt_task(profiles_directory=given))
    assert answer.json()["program"]["profiles"] == relative


async def test_profiles_elsewhere_are_refused(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, project: None
) -> None:
    _, answer = await opened(api, worker, launcher, dbt_task(profiles_directory="/other"))
    assert answer.status_code == 400
    assert "lies outside the project" in answer.json()["message"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"project_directory": None}, "needs 'project_directory'"),
        ({"project_directory": "/nowhere"}, "'/nowhere/dbt_project.yml' is not in the workspace"),
    ],
)
async def test_a_run_without_its_project_is_refused(
    api: httpx2.AsyncClient, project: None, fields: dict[str, Any], says: str
) -> None:
    job_id = await create_job(api, tasks=[dbt_task(**fields)])
    answer = await api.post("/api/2.2/jobs/run-now", json={"job_id": job_id})
    assert answer.status_code == 400
    assert says in answer.json()["message"]


async def test_results_are_in_the_output_and_artifacts_behind_a_link(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    project: None,
    deps: Deps,
    database: Database,
) -> None:
    task_run_id, _ = await opened(api, worker, launcher, dbt_task())
    await begin(database, launcher, task_run_id)
    assert "dbt_output" not in await output(api, task_run_id)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("target/run_results.json"))
    content = packed.getvalue()
    await worker.put(f"/attempts/{task_run_id}/artifacts", content=content)
    node = {"command": "dbt build", "unique_id": "model.shop.a", "status": "success"}
    await leave(worker, task_run_id, dbt={"results": [node], "artifacts_bytes": len(content)})
    left = await api.get(f"/api/openlake/1.0/task-runs/{task_run_id}/output")
    assert left.json()["dbt"]["results"][0]["unique_id"] == "model.shop.a"
    link = (await output(api, task_run_id))["dbt_output"]["artifacts_link"]
    place = link.removeprefix(deps.public_url)
    del api.headers["Authorization"]
    got = await api.get(place)
    assert (got.status_code, got.content) == (200, content)
    for wrong in (
        place[:-1] + "x",
        place.replace(str(task_run_id), str(task_run_id + 1)),
        place.partition("?")[0],
    ):
        assert (await api.get(wrong)).status_code in (401, 403)


async def test_links_expire(
    api: httpx2.AsyncClient, deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "LIFE_S", -1)
    place = links.link(deps, (7 << 20) + 1).removeprefix(deps.public_url)
    answer = await api.get(place)
    assert answer.status_code == 403
    assert "has expired" in answer.json()["message"]
