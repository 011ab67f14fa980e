"""What tasks run on and from: libraries, clusters, profiles, git, pinned with the run."""

import dataclasses
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from control.app import create_app
from control.auth import Caller
from control.config import Git
from control.db import Database
from control.deps import Deps
from control.git.client import GitClient
from control.jobs import rules
from control.jobs.outside import gather
from control.runs import gathering
from control.workspaces.tables import Principal
from spec.compute import ComputeProfile
from spec.errors import Forbidden
from spec.jobs import JobSettings
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, python_task, run_now
from tests.control.test_internal import open_attempt, ref
from tests.control.test_outputs import begin, output

pytestmark = pytest.mark.integration

PROFILES = {
    "big": ComputeProfile(
        spark_conf={"spark.master": "local[4]", "spark.driver.memory": "2g"},
        spark_env_vars={"TIER": "gold"},
        dependencies=("six==1.17.0",),
    )
}


@pytest.fixture
async def deps(deps: Deps) -> Deps:
    return dataclasses.replace(
        deps, profiles=PROFILES, git=GitClient(Git(allow_file=True, timeout_s=20))
    )


@pytest.fixture
async def api(deps: Deps, token: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=create_app(deps))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://api", headers=headers
    ) as client:
        yield client


async def work_of(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    job: dict[str, Any],
    key: str = "a",
    **run: Any,
) -> dict[str, Any]:
    run_id = await run_now(api, await create_job(api, **job), **run)
    answer = await open_attempt(worker, ref(launcher.plans[run_id], task_key=key))
    assert answer.status_code == 200, answer.text
    return answer.json()


def wheel_task(**fields: Any) -> dict[str, Any]:
    body = {"package_name": "pack", "entry_point": "main", **fields.pop("body", {})}
    return {"task_key": "a", "python_wheel_task": body, **fields}


async def refusal(api: httpx2.AsyncClient, **fields: Any) -> str:
    answer = await api.post("/api/2.2/jobs/create", json={"name": "j", **fields})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    return answer.json()["message"]


async def test_a_wheel_task_gets_its_libraries_and_parameters(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    wheel = await put_file(database, "/libs/pack-1-py3-none-any.whl", b"wheel")
    other = await put_file(database, "/libs/other-2-py3-none-any.whl", b"other")
    await put_file(database, "/libs/req.txt", b"# all\nattrs==25.1.0 # why\n-r more/req.txt\n")
    await put_file(database, "/libs/more/req.txt", b"../other-2-py3-none-any.whl[x]\n-r ../req.txt")
    libraries = [
        {"whl": "/Workspace/libs/pack-1-py3-none-any.whl"},
        {"requirements": "/libs/req.txt"},
        {"pypi": {"package": "idna", "repo": "https://index.example/simple"}},
    ]
    environments = [{"environment_key": "e", "spec": {"dependencies": ["certifi"]}}]
    named = {"named_parameters": {"day": "{{job.parameters.day}}", "who": "me"}}
    job = {
        "tasks": [wheel_task(body=named, libraries=libraries, environment_key="e")],
        "environments": environments,
        "parameters": [{"name": "day", "default": "1"}, {"name": "who", "default": "all"}],
    }
    work = await work_of(api, worker, launcher, job, python_named_params={"more": "yes"})
    assert work["program"] == {
        "type": "wheel",
        "package_name": "pack",
        "entry_point": "main",
        "parameters": ["--day=1", "--who=all", "--more=yes"],
    }
    python = work["compute"]["python"]
    assert python["requirements"] == [
        "certifi",
        "./.libraries/libs/pack-1-py3-none-any.whl",
        "attrs==25.1.0",
        "./.libraries/libs/other-2-py3-none-any.whl[x]",
        "idna",
    ]
    assert python["files"] == {
        ".libraries/libs/pack-1-py3-none-any.whl": wheel,
        ".libraries/libs/other-2-py3-none-any.whl": other,
    }
    assert python["indexes"] == ["https://index.example/simple"]


async def test_libraries_are_pinned_when_the_run_is_admitted(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    await put_file(database, "/libs/req.txt", b"attrs==25.1.0\n")
    job: dict[str, Any] = {"tasks": [wheel_task(libraries=[{"requirements": "/libs/req.txt"}])]}
    run_id = await run_now(api, await create_job(api, **job))
    body = {"path": "/libs/req.txt", "content": "aWRuYQ==", "format": "AUTO", "overwrite": True}
    await api.post("/api/2.0/workspace/mkdirs", json={"path": "/libs"})
    assert (await api.post("/api/2.0/workspace/import", json=body)).status_code == 200
    work = (await open_attempt(worker, ref(launcher.plans[run_id]))).json()
    assert work["compute"]["python"]["requirements"] == ["attrs==25.1.0"]


async def test_a_library_that_is_not_there_refuses_the_run(
    api: httpx2.AsyncClient, database: Database
) -> None:
    for library, words in (
        ({"whl": "/libs/no.whl"}, "'/libs/no.whl' is not a file of the workspace"),
        ({"jar": "dbfs:/libs/no.jar"}, "'dbfs:/libs/no.jar' is neither in the workspace nor"),
        ({"requirements": "req.txt"}, "'req.txt' is relative, and the job has no 'git_source'"),
    ):
        job_id = await create_job(api, tasks=[wheel_task(libraries=[library])])
        answer = await api.post("/api/2.2/jobs/run-now", json={"job_id": job_id})
        assert answer.status_code == 400
        assert words in answer.json()["message"], answer.text


async def test_parameters_by_place_are_left_alone(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, token: str
) -> None:
    job = {
        "tasks": [wheel_task(body={"parameters": ["{{job.parameters.day}}"]})],
        "parameters": [{"name": "day", "default": "1"}],
    }
    work = await work_of(api, worker, launcher, job)
    assert work["program"]["parameters"] == ["1"]
    work = await work_of(api, worker, launcher, {**job, "name": "b"}, python_params=["x", "y"])
    assert work["program"]["parameters"] == ["x", "y"]


async def test_jars_reach_spark(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    jar = await put_file(database, "/libs/app.jar", b"jar")
    maven = {"coordinates": "org.acme:thing:1.0", "exclusions": ["a:b"]}
    task = {
        "task_key": "a",
        "spark_jar_task": {"main_class_name": "org.acme.Main", "parameters": ["p"]},
        "libraries": [{"jar": "/libs/app.jar"}, {"maven": maven}],
    }
    work = await work_of(api, worker, launcher, {"tasks": [task]}, jar_params=["q"])
    assert work["program"]["main_class_name"] == "org.acme.Main"
    assert work["program"]["parameters"] == ["q"]
    assert work["compute"]["spark_files"] == {"spark.jars": [".libraries/libs/app.jar"]}
    assert work["compute"]["maven"] == [{**maven, "repo": None}]
    assert work["files"] == {".libraries/libs/app.jar": jar}


async def test_spark_submit_is_read_word_by_word(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    app = await put_file(database, "/libs/app.jar", b"jar")
    more = await put_file(database, "/libs/more.jar", b"more")
    words = ["--class", "org.acme.Main", "--jars", "/libs/more.jar", "--packages", "g:a:1"]
    words += ["--driver-memory", "3g", "--conf", "spark.x=1", "/Workspace/libs/app.jar"]
    task = {
        "task_key": "a",
        "spark_submit_task": {"parameters": [*words, "{{job.run_id}}"]},
        "new_cluster": {"spark_conf": {"spark.x": "0", "spark.y": "2"}, "num_workers": 8},
    }
    work = await work_of(api, worker, launcher, {"tasks": [task]})
    assert work["program"] == {
        "type": "jar",
        "main_class_name": "org.acme.Main",
        "path": ".libraries/libs/app.jar",
        "parameters": [str(work["ref"]["run_id"])],
    }
    compute = work["compute"]
    assert compute["spark_conf"] == {
        "spark.x": "1",
        "spark.y": "2",
        "spark.driver.memory": "3g",
    }
    assert compute["spark_files"] == {"spark.jars": [".libraries/libs/more.jar"]}
    assert [each["coordinates"] for each in compute["maven"]] == ["g:a:1"]
    assert work["files"] == {
        ".libraries/libs/app.jar": app,
        ".libraries/libs/more.jar": more,
    }
    python = {"task_key": "a", "spark_submit_task": {"parameters": ["/jobs/main.py", "z"]}}
    await put_file(database, "/jobs/main.py")
    work = await work_of(api, worker, launcher, {"name": "b", "tasks": [python]})
    assert work["program"] == {
        "type": "python",
        "path": ".libraries/jobs/main.py",
        "parameters": ["z"],
    }


async def test_profiles_come_first_and_are_pinned(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    database: Database,
) -> None:
    await put_file(database, "/jobs/main.py")
    cluster = {
        "compute_profile": "big",
        "spark_conf": {"spark.driver.memory": "4g"},
        "spark_env_vars": {"MINE": "1"},
        "node_type_id": "i3.xlarge",
    }
    job = {
        "tasks": [
            python_task("a", job_cluster_key="c"),
            python_task("b", existing_cluster_id="big"),
        ],
        "job_clusters": [{"job_cluster_key": "c", "new_cluster": cluster}],
    }
    run_id = await run_now(api, await create_job(api, **job))
    plan = launcher.plans[run_id]
    first = (await open_attempt(worker, ref(plan, 1, "a"))).json()["compute"]
    assert first["spark_conf"] == {"spark.master": "local[4]", "spark.driver.memory": "4g"}
    assert first["environment"] == {"TIER": "gold", "MINE": "1"}
    assert first["python"]["requirements"] == ["six==1.17.0"]
    second = (await open_attempt(worker, ref(plan, 2, "b"))).json()["compute"]
    assert second["spark_conf"]["spark.driver.memory"] == "2g"


async def test_what_cannot_be_is_refused_when_the_job_is_made(
    api: httpx2.AsyncClient,
) -> None:
    unknown = await refusal(api, tasks=[python_task(existing_cluster_id="0123-abc")])
    assert "names the compute profile '0123-abc', but there are big" in unknown
    token = {"spark_conf": {"spark.sql.catalog.lakehouse.token": "x"}}
    message = await refusal(api, tasks=[python_task(new_cluster=token)])
    assert "the lakehouse catalog is OpenLake's own" in message
    own = {"spark_env_vars": {"OPENLAKE_RUN_ID": "1"}}
    assert "OpenLake's own" in await refusal(api, tasks=[python_task(new_cluster=own)])
    edits = {"dependencies": ["-e ."]}
    environments = [{"environment_key": "e", "spec": edits}]
    assert "build a wheel" in await refusal(api, tasks=[python_task()], environments=environments)
    source = {"git_provider": "gitHub", "git_branch": "main"}
    for url, words in (
        ("http://example.com/a", "neither https nor ssh"),
        ("ext::sh -c whoami", "characters that no address has"),
        ("ext::whoami", "names a program of git's"),
        ("--upload-pack=x", "characters that no address has"),
        ("https://me:secret@example.com/a", "OPENLAKE_GIT__HOSTS"),
        ("https:///a", "lacks a host"),
    ):
        given = {**source, "git_url": url}
        assert words in await refusal(api, tasks=[python_task()], git_source=given), url


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A bare repository with two commits on main, a tag on the first, a link and a submodule."""
    tree, bare = tmp_path / "tree", tmp_path / "repository.git"
    (tree / "src" / "lib").mkdir(parents=True)
    git(tree, "init", "--quiet", "--initial-branch=main")
    (tree / "src" / "main.py").write_text("print('one')\n")
    (tree / "src" / "lib" / "helper.py").write_text("X = 1\n")
    (tree / "docs.md").write_text("about\n")
    (tree / "src" / "link.py").symlink_to("/etc/passwd")
    (tree / "requirements.txt").write_text("attrs==25.1.0\n")
    git(tree, "add", "-A")
    git(tree, "commit", "--quiet", "-m", "one")
    git(tree, "tag", "-a", "-m", "first", "v1")
    (tree / "src" / "main.py").write_text("print('two')\n")
    git(tree, "commit", "--quiet", "-am", "two")
    git(tmp_path, "clone", "--quiet", "--bare", str(tree), str(bare))
    return bare


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def git_job(repository: Path, **fields: Any) -> dict[str, Any]:
    source = {"git_url": f"file://{repository}", "git_provider": "GitHub", **fields}
    task = {"task_key": "a", "spark_python_task": {"python_file": "src/main.py"}}
    return {"git_source": source, "tasks": [task]}


async def content(worker: httpx2.AsyncClient, work: dict[str, Any], path: str) -> bytes:
    return (await worker.get(f"/blobs/{work['files'][path]}")).content


async def test_a_branch_is_pinned_when_the_run_is_triggered(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    repository: Path,
    tmp_path: Path,
) -> None:
    job_id = await create_job(api, **git_job(repository, git_branch="main"))
    run_id = await run_now(api, job_id)
    head = git(repository, "rev-parse", "main")
    (tmp_path / "tree" / "src" / "main.py").write_text("print('three')\n")
    git(tmp_path / "tree", "commit", "--quiet", "-am", "three")
    git(tmp_path / "tree", "push", "--quiet", str(repository), "main")
    work = (await open_attempt(worker, ref(launcher.plans[run_id]))).json()
    assert work["program"]["path"] == "src/main.py"
    assert await content(worker, work, "src/main.py") == b"print('two')\n"
    # No link is followed, or even there.
    assert set(work["files"]) == {
        "src/main.py",
        "src/lib/helper.py",
        "docs.md",
        "requirements.txt",
    }
    run = await get_run(api, run_id)
    assert run["git_source"]["git_snapshot"] == {"used_commit": head}
    assert run["tasks"][0]["spark_python_task"]["source"] == "GIT"
    later = await run_now(api, job_id)
    commit = (await get_run(api, later))["git_source"]["git_snapshot"]["used_commit"]
    assert commit == git(repository, "rev-parse", "main") != head
    read = (await api.get("/api/2.2/jobs/get", params={"job_id": job_id})).json()["settings"]
    assert "git_snapshot" not in read["git_source"]
    assert read["tasks"][0]["spark_python_task"]["source"] == "GIT"


async def test_tags_commits_and_sparse_checkouts(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, repository: Path
) -> None:
    first = git(repository, "rev-parse", "v1^{commit}")
    for n, named in enumerate(
        ({"git_tag": "v1"}, {"git_commit": first}, {"git_commit": first[:10]})
    ):
        job = git_job(repository, **named, sparse_checkout={"patterns": ["src"]})
        work = await work_of(api, worker, launcher, {**job, "name": f"j{n}"})
        assert await content(worker, work, "src/main.py") == b"print('one')\n", named
        assert set(work["files"]) == {"src/main.py", "src/lib/helper.py"}
        run = await get_run(api, work["ref"]["run_id"])
        assert run["git_source"]["git_snapshot"] == {"used_commit": first}


async def test_a_task_of_the_workspace_beside_one_of_git(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    launcher: Recorder,
    database: Database,
    repository: Path,
) -> None:
    mine = await put_file(database, "/jobs/main.py", b"mine")
    job = git_job(repository, git_branch="main")
    job["environments"] = [
        {"environment_key": "e", "spec": {"dependencies": ["-r requirements.txt"]}}
    ]
    job["tasks"][0]["environment_key"] = "e"
    body = {"python_file": "/jobs/main.py", "source": "WORKSPACE"}
    job["tasks"].append({"task_key": "b", "spark_python_task": body})
    run_id = await run_now(api, await create_job(api, **job))
    plan = launcher.plans[run_id]
    of_git = (await open_attempt(worker, ref(plan, 1, "a"))).json()
    assert of_git["compute"]["python"]["requirements"] == ["attrs==25.1.0"]
    own = (await open_attempt(worker, ref(plan, 2, "b"))).json()
    assert own["files"] == {"jobs/main.py": mine}


async def test_what_a_repository_lacks_is_told(
    api: httpx2.AsyncClient, repository: Path, deps: Deps
) -> None:
    async def told(**fields: Any) -> str:
        job = git_job(repository, **fields)
        job["tasks"][0]["spark_python_task"]["python_file"] = fields.pop("path", "src/main.py")
        job["git_source"].pop("path", None)
        job_id = await create_job(api, **job)
        answer = await api.post("/api/2.2/jobs/run-now", json={"job_id": job_id})
        assert answer.status_code == 400, answer.text
        return answer.json()["message"]

    assert "has no branch 'nope'" in await told(git_branch="nope")
    assert "has no commit 'abcdef1234'" in await told(git_commit="abcdef1234")
    assert "'src/no.py' is not in the repository" in await told(git_branch="main", path="src/no.py")
    assert "write the path from" in (await told(git_branch="main", path="/src/main.py")).replace(
        "\n", " "
    )
    gone = {"git_url": "file:///nowhere/at/all", "git_branch": "main"}
    assert "cannot be read" in await told(**gone)


async def test_a_repository_that_is_too_large_is_refused(deps: Deps, repository: Path) -> None:
    from control.git.client import CheckoutFailed
    from spec.git import GitSource

    source = GitSource(git_url=f"file://{repository}", git_provider="gitHub", git_branch="main")
    few = GitClient(Git(allow_file=True, max_files=2))
    with pytest.raises(CheckoutFailed, match="sparse_checkout"):
        await few.read(source, await few.resolve(source))
    without = GitClient(Git(allow_file=True), environment={"PATH": "/nowhere"})
    with pytest.raises(CheckoutFailed, match="no program 'git'"):
        await without.resolve(source)


async def test_a_job_runs_as_who_is_named(
    api: httpx2.AsyncClient, deps: Deps, caller: Caller, database: Database
) -> None:
    message = await refusal(api, tasks=[python_task()], run_as={"user_name": "nobody@x"})
    assert "'nobody@x', who is no active user" in message
    async with database.session() as session:
        session.add(Principal(workspace_id=1, user_name="ann@x"))
    await put_file(database, "/jobs/main.py")
    job_id = await create_job(api, run_as={"user_name": "ann@x"})
    read = (await api.get("/api/2.2/jobs/get", params={"job_id": job_id})).json()
    assert (read["run_as_user_name"], read["creator_user_name"]) == ("ann@x", caller.user_name)
    # It has ann's rights: she may read what is shared, not what lies elsewhere.
    refused = await api.post("/api/2.2/jobs/run-now", json={"job_id": job_id})
    assert (refused.status_code, "'/jobs/main.py'" in refused.text) == (403, True)
    await put_file(database, "/Shared/main.py")
    shared = python_task(spark_python_task={"python_file": "/Shared/main.py"})
    new = {"name": "other", "tasks": [shared]}
    await api.post("/api/2.2/jobs/reset", json={"job_id": job_id, "new_settings": new})
    read = (await api.get("/api/2.2/jobs/get", params={"job_id": job_id})).json()
    assert read["run_as_user_name"] == "ann@x"
    run = await get_run(api, await run_now(api, job_id))
    assert run["creator_user_name"] == caller.user_name
    plain = dataclasses.replace(caller, groups=())
    settings = JobSettings.model_validate({"run_as": {"user_name": "ann@x"}})
    async with database.read_session() as session:
        with pytest.raises(Forbidden, match="only an admin"):
            await rules.check(deps, session, plain, settings)
        own = JobSettings.model_validate({"run_as": {"user_name": caller.user_name}})
        await rules.check(deps, session, plain, own)


async def test_the_log_of_a_wheel_task_is_its_output(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    run_id = await run_now(api, await create_job(api, tasks=[wheel_task()]))
    plan = await begin(database, launcher, run_id)
    assert (await open_attempt(worker, ref(plan))).status_code == 200
    await worker.put(f"/attempts/{run_id + 1}/logs", params={"offset": 0}, content=b"hello\n")
    assert (await output(api, run_id + 1))["logs"] == "hello\n"


async def test_a_job_that_changes_while_git_is_asked_is_read_again(
    api: httpx2.AsyncClient, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await create_job(api, **git_job(repository, git_branch="main"))
    asked: list[JobSettings] = []

    async def slowly(deps: Deps, settings: JobSettings) -> Any:
        asked.append(settings)
        found = await gather(deps, settings)
        if len(asked) == 1:
            tag = git_job(repository, git_tag="v1")["git_source"]
            body = {"job_id": job_id, "new_settings": {"git_source": tag}}
            assert (await api.post("/api/2.2/jobs/update", json=body)).status_code == 200
        return found

    monkeypatch.setattr(gathering, "gather", slowly)
    run = await get_run(api, await run_now(api, job_id))
    assert len(asked) == 2
    used = run["git_source"]["git_snapshot"]["used_commit"]
    assert used == git(repository, "rev-parse", "v1^{commit}")
