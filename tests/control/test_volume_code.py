"""Code and libraries that tasks take from volumes: pinned with the run, as those of a workspace."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from control.deps import Deps
from control.jobs import outside
from control.runs import store
from control.runs.tables import Run
from control.volumes.service import tree_of
from control.volumes.tables import Volume
from control.workspaces.tables import Workspace
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, run_now
from tests.control.test_compute import wheel_task, work_of

ROOT = "/Volumes/lakehouse/shop/code"


@pytest.fixture
async def volume(deps: Deps, token: str) -> Volume:
    now = datetime.now(UTC)
    volume = Volume(
        volume_id="v",
        workspace_id=1,
        catalog_name="lakehouse",
        schema_name="shop",
        name="code",
        owner="a",
        created_by="a",
        created_at=now,
        updated_by="a",
        updated_at=now,
    )
    async with deps.database.session() as session:
        session.add(volume)
    return volume


async def put(deps: Deps, volume: Volume, path: str, content: bytes) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield content

    await tree_of(deps, volume).write(path, body(), len(content), overwrite=True)


async def text(worker: httpx2.AsyncClient, sha256: str) -> bytes:
    return (await worker.get(f"/blobs/{sha256}")).content


def script(path: str) -> dict[str, Any]:
    return {"task_key": "a", "spark_python_task": {"python_file": path}}


@pytest.mark.parametrize("scheme", ["", "dbfs:"])
async def test_a_python_file_of_a_volume_runs(
    scheme: str,
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    deps: Deps,
    volume: Volume,
) -> None:
    await put(deps, volume, "jobs/main.py", b"print(1)")
    await put(deps, volume, "jobs/data.csv", b"much")
    job = {"tasks": [script(f"{scheme}{ROOT}/jobs/main.py")]}
    work = await work_of(api, worker, launcher, job)
    path = f"{ROOT}/jobs/main.py"[1:]
    assert work["program"]["path"] == path
    assert list(work["files"]) == [path], "data beside it stays where it is"
    assert await text(worker, work["files"][path]) == b"print(1)"


async def test_libraries_of_a_volume_are_installed(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    deps: Deps,
    volume: Volume,
) -> None:
    for name in ("a-1-py3-none-any.whl", "b-1-py3-none-any.whl", "c-1-py3-none-any.whl"):
        await put(deps, volume, f"libs/{name}", name.encode())
    await put(deps, volume, "req.txt", b"-r more/req.txt\nattrs==25.1.0\n")
    await put(deps, volume, "more/req.txt", b"../libs/b-1-py3-none-any.whl\n")
    libraries = [{"whl": f"{ROOT}/libs/a-1-py3-none-any.whl"}, {"requirements": f"{ROOT}/req.txt"}]
    dependencies = [f"dbfs:{ROOT}/libs/c-1-py3-none-any.whl"]
    job = {
        "tasks": [wheel_task(libraries=libraries, environment_key="e")],
        "environments": [{"environment_key": "e", "spec": {"dependencies": dependencies}}],
    }
    python = (await work_of(api, worker, launcher, job))["compute"]["python"]
    places = [f".libraries/Volumes_lakehouse_shop_code_libs/{x}-1-py3-none-any.whl" for x in "cab"]
    c, a, b = (f"./{place}" for place in places)
    assert python["requirements"] == [c, a, b, "attrs==25.1.0"]
    assert await text(worker, python["files"][places[2]]) == b"b-1-py3-none-any.whl"


async def test_jars_of_a_volume_reach_spark(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    deps: Deps,
    volume: Volume,
) -> None:
    await put(deps, volume, "app.jar", b"jar")
    place = ".libraries/Volumes_lakehouse_shop_code/app.jar"
    task = {
        "task_key": "a",
        "spark_jar_task": {"main_class_name": "org.acme.Main"},
        "libraries": [{"jar": f"dbfs:{ROOT}/app.jar"}],
    }
    work = await work_of(api, worker, launcher, {"tasks": [task]})
    assert work["compute"]["spark_files"] == {"spark.jars": [place]}
    assert await text(worker, work["files"][place]) == b"jar"
    words = ["--class", "org.acme.Main", f"{ROOT}/app.jar"]
    task = {"task_key": "a", "spark_submit_task": {"parameters": words}}
    work = await work_of(api, worker, launcher, {"name": "b", "tasks": [task]})
    assert work["program"]["path"] == place


async def test_a_run_keeps_the_content_that_it_began_with(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    deps: Deps,
    volume: Volume,
) -> None:
    await put(deps, volume, "main.py", b"old")
    job_id = await create_job(api, tasks=[script(f"{ROOT}/main.py")], max_concurrent_runs=2)
    contents: list[bytes] = []
    async with deps.database.read_session() as session:
        for content in (b"new", b"newer"):
            run_id = await run_now(api, job_id)
            await put(deps, volume, "main.py", content)
            run = await session.get_one(Run, run_id)
            pinned = (await store.snapshot(session, run.settings_hash)).files
            contents.append(await text(worker, pinned[f"{ROOT}/main.py"]))
    assert contents == [b"old", b"new"]


async def test_what_is_not_there_or_cannot_be_refuses_the_run(
    api: httpx2.AsyncClient,
    deps: Deps,
    volume: Volume,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outside, "MOST_FILE_BYTES", 3)
    await put(deps, volume, "large.py", b"1234")
    await put(deps, volume, "n.ipynb", b"{}")
    await put_file(deps.database, "/jobs/req.txt", b"/Volumes/lakehouse/shop/code/no.whl")
    notebook = {"task_key": "a", "notebook_task": {"notebook_path": f"{ROOT}/n.ipynb"}}
    of_workspace = wheel_task(libraries=[{"requirements": "/jobs/req.txt"}])
    for task, words in (
        (script(f"{ROOT}/no.py"), f"task 'a': The file '{ROOT}/no.py' does not exist"),
        (script(f"{ROOT}x/no.py"), "lakehouse.shop.codex"),
        (script(ROOT), "is a volume; name a file in it"),
        (script("/Volumes/x"), "names no volume"),
        (script(f"{ROOT}/../../a.py"), "must not hold"),
        (script(f"{ROOT}/large.py"), "has 4 bytes; a task takes files of at most 3"),
        (script("dbfs:/tmp/main.py"), "is neither in the workspace nor in a volume"),
        (script("s3://b/main.py"), "is neither in the workspace nor in a volume"),
        (notebook, "notebooks, SQL files and dbt projects are taken from the workspace"),
        (of_workspace, "/no.whl' does not exist"),
    ):
        job_id = await create_job(api, tasks=[task])
        answer = await api.post("/api/2.2/jobs/run-now", json={"job_id": job_id})
        assert answer.status_code == 400 and words in answer.json()["message"], answer.text


async def test_another_workspaces_volume_is_not_there(
    api: httpx2.AsyncClient, deps: Deps, volume: Volume
) -> None:
    await put(deps, volume, "main.py", b"secret")
    async with deps.database.session() as session:
        session.add(Workspace(workspace_id=2, name="two"))
        await session.flush()
        (await session.get_one(Volume, "v")).workspace_id = 2
    job_id = await create_job(api, tasks=[script(f"{ROOT}/main.py")])
    answer = await api.post("/api/2.2/jobs/run-now", json={"job_id": job_id})
    assert answer.status_code == 400 and "does not exist" in answer.json()["message"]
