"""`dbutils` as user code meets it: in a notebook, in a plain process, by the SDK's own import."""

import base64
import importlib
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from activities.config import WorkerConfig
from activities.engines.environment import RUNTIME
from activities.engines.process import PythonEngine
from activities.follow import Follower
from control.internal.service import MOST_RESULT_BYTES, MOST_VALUES_BYTES
from spec.attempts import AttemptOutcome, AttemptResult, AttemptWork, NotebookProgram, PythonProgram
from spec.tasks import Engine
from tests.activities.fakes import FakeControl, make_ref, make_work
from tests.activities.lake import Lake


class SecretsApi(BaseHTTPRequestHandler):
    """Answers as the control API does; the first answers are those of one that is just starting."""

    token: ClassVar[str] = "the-attempts-token"
    away: ClassVar[int] = 0

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if SecretsApi.away > 0:
            SecretsApi.away -= 1
            self.answer(503, {"message": "starting"})
        elif self.headers["Authorization"] != f"Bearer {self.token}":
            self.answer(403, {"message": "attempt 7 is over, and its token with it"})
        elif url.path == "/api/2.1/unity-catalog/volumes/lakehouse.shop.raw":
            self.answer(200, {"storage_location": "s3://lakehouse/dbutils-volume/7"})
        elif url.path.endswith("/scopes/list"):
            self.answer(200, {"scopes": [{"name": "db"}]})
        elif url.path.endswith("/list"):
            self.answer(200, {"secrets": [{"key": "a"}, {"key": "b"}]})
        elif query == {"scope": "db", "key": "a"}:
            self.answer(200, {"key": "a", "value": base64.b64encode("tigér".encode()).decode()})
        else:
            self.answer(404, {"message": "Secret does not exist with scope: db and key: x"})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), SecretsApi)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def dbutils(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The object, in this process, inside of a task."""
    monkeypatch.syspath_prepend(str(RUNTIME))
    (tmp_path / "context.json").write_text(
        json.dumps({"upstream": {"a": {"rows": 7, "none": None}}, "widgets": {"month": "3"}})
    )
    monkeypatch.setenv("OPENLAKE_CONTEXT", str(tmp_path / "context.json"))
    monkeypatch.setenv("OPENLAKE_OUT", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield importlib.import_module("dbruntime").dbutils
    for name in [each for each in sys.modules if each.split(".")[0] == "dbruntime"]:
        del sys.modules[name]


def test_secrets(dbutils: Any, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="given to tasks"):
        dbutils.secrets.get("db", "a")
    monkeypatch.setenv("OPENLAKE_API_URL", api)
    monkeypatch.setenv("OPENLAKE_API_TOKEN", SecretsApi.token)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    SecretsApi.away = 2
    assert dbutils.secrets.get("db", "a") == "tigér"
    assert dbutils.secrets.getBytes("db", "a") == "tigér".encode()
    assert [each.key for each in dbutils.secrets.list("db")] == ["a", "b"]
    assert [each.name for each in dbutils.secrets.listScopes()] == ["db"]
    with pytest.raises(ValueError, match="Secret does not exist with scope"):
        dbutils.secrets.get("db", "x")
    monkeypatch.setenv("OPENLAKE_API_TOKEN", "another")
    with pytest.raises(PermissionError, match="attempt 7 is over"):
        dbutils.secrets.get("db", "a")


def test_task_values(dbutils: Any, tmp_path: Path) -> None:
    values = dbutils.jobs.taskValues
    assert values.get("a", "rows") == 7
    assert values.get("a", "none", default=1) is None
    assert values.get("a", "x", default=1) == 1
    with pytest.raises(ValueError, match="the task 'a' has left no value 'x'"):
        values.get("a", "x")
    values.set("k", {"n": [1, "ä"]})
    values.set("k", 2)
    values.set("l", "x" * 40_000)
    left = json.loads((tmp_path / "values.json").read_text())
    assert left == {"k": 2, "l": "x" * 40_000}
    with pytest.raises(ValueError, match="the limit is 49152"):
        values.set("m", "x" * 10_000)
    for wrong in (object(), float("nan"), {1, 2}):
        with pytest.raises(ValueError, match="'w' cannot be written as JSON"):
            values.set("w", wrong)
    assert json.loads((tmp_path / "values.json").read_text()) == left


def test_widgets(dbutils: Any) -> None:
    widgets = dbutils.widgets
    widgets.text("month", "1")
    widgets.text("year", "2026", "Which year")
    widgets.dropdown("size", "S", ["S", "M"])
    widgets.combobox("color", "red", [])
    widgets.multiselect("days", "Mo", ["Mo", "Tu"])
    with pytest.raises(ValueError, match="'XL' of 'size' is not one of its choices"):
        widgets.dropdown("size", "XL", ["S", "M"])
    assert widgets.get("month") == "3", "what the run gives wins over the declared default"
    assert widgets.getArgument("none", "x") == "x"
    everything = {"month": "3", "year": "2026", "size": "S", "color": "red", "days": "Mo"}
    assert widgets.getAll() == everything
    with pytest.raises(ValueError, match="no parameter 'none'; there is: color, days"):
        widgets.get("none")
    widgets.remove("year")
    widgets.removeAll()
    assert widgets.getAll() == {"month": "3"}


def test_files_of_the_machine(dbutils: Any, tmp_path: Path) -> None:
    check_files(dbutils.fs, f"file:{tmp_path}/fs")
    assert dbutils.fs.put("near.txt", "x")
    assert (tmp_path / "near.txt").read_text() == "x"
    with pytest.raises(ValueError, match="dbfs: paths do not exist in OpenLake"):
        dbutils.fs.ls("dbfs:/tmp")
    with pytest.raises(AttributeError, match=r"dbutils\.fs\.mount is not there"):
        dbutils.fs.mount("s3://x", "/mnt")


@pytest.mark.integration
def test_files_of_the_object_store(
    dbutils: Any, lake: Lake, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = lake.layout.s3("lakehouse")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    monkeypatch.setenv("AWS_REGION", s3.region)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint)
    check_files(dbutils.fs, "s3://lakehouse/dbutils")

    monkeypatch.setenv("OPENLAKE_API_URL", api)
    monkeypatch.setenv("OPENLAKE_API_TOKEN", SecretsApi.token)
    volume = "/Volumes/lakehouse/shop/raw"
    check_files(dbutils.fs, f"dbfs:{volume}/t")
    dbutils.fs.put("s3://lakehouse/dbutils/two.txt", "zwei")
    dbutils.fs.cp("s3://lakehouse/dbutils/two.txt", f"{volume}/three.txt")
    assert dbutils.fs.head("s3://lakehouse/dbutils-volume/7/three.txt") == "zwei"
    shown = [each.path for each in dbutils.fs.ls(f"{volume}/")]
    assert f"dbfs:{volume}/three.txt" in shown
    for path, words in ((f"{volume}/../x", "must not hold"), (volume, "is a volume; delete what")):
        with pytest.raises(ValueError, match=words):
            dbutils.fs.rm(path, True)
    with pytest.raises(ValueError, match="does not exist"):
        dbutils.fs.ls("/Volumes/lakehouse/shop/none")


def check_files(fs: Any, root: str) -> None:
    """Do with files what people do."""
    fs.mkdirs(f"{root}/a/b")
    assert fs.put(f"{root}/a/one.txt", "eins äöü")
    with pytest.raises(FileExistsError):
        fs.put(f"{root}/a/one.txt", "zwei")
    fs.put(f"{root}/a/one.txt", "zwei", True)
    fs.put(f"{root}/a/b/deep.txt", "tief")
    assert fs.head(f"{root}/a/one.txt") == "zwei"
    assert fs.head(f"{root}/a/one.txt", 2) == "zw"
    found = fs.ls(f"{root}/a")
    assert [(each.name, each.size, each.isDir()) for each in found] == [
        ("b/", 0, True),
        ("one.txt", 4, False),
    ]
    assert [each.path for each in found] == [f"{root}/a/b/", f"{root}/a/one.txt"]
    assert found[1].modificationTime > 1_700_000_000_000
    assert [each.name for each in fs.ls(f"{root}/a/one.txt")] == ["one.txt"]
    with pytest.raises(ValueError, match="give recurse=True"):
        fs.cp(f"{root}/a", f"{root}/c")
    fs.cp(f"{root}/a", f"{root}/c", recurse=True)
    assert fs.head(f"{root}/c/b/deep.txt") == "tief"
    fs.cp(f"{root}/a/one.txt", f"{root}/c/b/")
    fs.mv(f"{root}/c/b/one.txt", f"{root}/two.txt")
    assert fs.head(f"{root}/two.txt") == "zwei"
    assert [each.name for each in fs.ls(f"{root}/c/b")] == ["deep.txt"]
    with pytest.raises(ValueError, match="give recurse=True"):
        fs.rm(f"{root}/c")
    assert fs.rm(f"{root}/c", True)
    assert not fs.rm(f"{root}/c", True)
    with pytest.raises(FileNotFoundError):
        fs.ls(f"{root}/c")
    with pytest.raises(FileNotFoundError):
        fs.head(f"{root}/c/none")
    fs.rm(root, True)


def test_a_notebook_runs_another(dbutils: Any, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "child.py").write_text(
        "# Databricks notebook source\n"
        "x = 1\n"
        "# COMMAND ----------\n"
        "dbutils.widgets.text('month', '1'); dbutils.widgets.text('day', '9')\n"
        "deep = dbutils.notebook.run('sub/deep', 0, {'n': 2})\n"
        'dbutils.notebook.exit(f"{dbutils.widgets.getAll()} {deep}")\n'
        "# COMMAND ----------\n"
        "raise AssertionError('the exit ends it')\n"
    )
    (tmp_path / "sub" / "deep.py").write_text(
        "# Databricks notebook source\n"
        "dbutils.notebook.exit(dbutils.notebook.run('./leaf') + dbutils.widgets.get('n'))\n"
    )
    (tmp_path / "sub" / "leaf.py").write_text(
        "# Databricks notebook source\nassert 'x' not in globals()\n"
    )
    assert dbutils.notebook.run("child", 60, {"month": 5}) == "{'month': '5', 'day': '9'} 2"
    assert dbutils.widgets.getAll() == {"month": "3"}
    assert dbutils.notebook.run("/sub/deep", 0, {"n": "4"}) == "4"
    assert not (tmp_path / "notebook.json").exists(), "the task's own result is another"
    with pytest.raises(FileNotFoundError, match="there is no notebook 'none' among the task's fi"):
        dbutils.notebook.run("none")


def test_a_notebook_that_another_runs_fails_or_is_too_slow(dbutils: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("# Databricks notebook source\n1/0\n")
    (tmp_path / "slow.py").write_text("# Databricks notebook source\nwhile True: pass\n")
    (tmp_path / "again.py").write_text(
        "# Databricks notebook source\ndbutils.notebook.run('again')"
    )
    with pytest.raises(ZeroDivisionError):
        dbutils.notebook.run("bad")
    with pytest.raises(TimeoutError, match="'slow' ran longer than 1 s"):
        dbutils.notebook.run("slow", 1)
    with pytest.raises(RecursionError, match="more than 5 levels"):
        dbutils.notebook.run("again")


def test_a_notebooks_result_has_a_limit(dbutils: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the limit is 5242880"):
        dbutils.notebook.exit("x" * (MOST_RESULT_BYTES + 1))
    with pytest.raises(SystemExit):
        dbutils.notebook.exit("x" * MOST_RESULT_BYTES)
    assert (tmp_path / "notebook.json").stat().st_size > MOST_RESULT_BYTES


def test_limits_are_those_of_the_control_plane(dbutils: Any) -> None:
    assert sys.modules["dbruntime._notebook"].RESULT_BYTES == MOST_RESULT_BYTES
    assert sys.modules["dbruntime._values"].VALUE_BYTES == MOST_VALUES_BYTES


async def run(config: WorkerConfig, control: FakeControl, work: AttemptWork) -> AttemptOutcome:
    engine = PythonEngine(config)
    return await Follower(work.ref, control, engine, config.host, config.folder, None).run()


async def test_plain_python_finds_dbutils_by_the_sdks_import(
    config: WorkerConfig, control: FakeControl
) -> None:
    source = """
from databricks.sdk.runtime import dbutils
dbutils.jobs.taskValues.set("n", dbutils.jobs.taskValues.get("before", "rows") + 1)
print(dbutils.secrets.__doc__ is not None, dbutils.fs.put("x", "y"))
dbutils.notebook.exit("done")
print("never")
"""
    work = make_work(
        make_ref(), PythonProgram(path="main.py"), upstream_values={"before": {"rows": 1}}
    )
    work = control.add(work, main=source)
    outcome = await run(config, control, work)
    assert outcome.result is AttemptResult.SUCCESS, control.log(work.ref)
    output = control.outputs[work.ref.task_run_id]
    assert (output.values, output.notebook_result) == ({"n": 2}, "done")
    assert control.log(work.ref) == "True True\n"


async def test_a_notebook_task_runs_another_notebook(
    config: WorkerConfig, control: FakeControl
) -> None:
    head = "# Databricks notebook source\n"
    work = make_work(
        make_ref(engine=Engine.PYTHON), NotebookProgram(path="nb/main.py", parameters={"a": "1"})
    )
    work = control.add(
        work,
        **{
            "nb/main.py": head
            + "r = dbutils.notebook.run('./child', 30, {'a': '2'})\n"
            + "dbutils.notebook.exit(r + dbutils.widgets.get('a'))",
            "nb/child.py": head + "print('hi')\ndbutils.notebook.exit(dbutils.widgets.get('a'))",
        },
    )
    outcome = await run(config, control, work)
    assert outcome.result is AttemptResult.SUCCESS, control.log(work.ref)
    assert control.outputs[work.ref.task_run_id].notebook_result == "21"
    assert control.log(work.ref) == "hi\n"
