"""Jobs as Airflow DAGs, without an Airflow: how they are written and kept in step."""

import ast
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from control.airflow.compile import Export, compile_dag, file_name, mark_of
from control.airflow.runs_client import Refused, Runs
from control.airflow.schedule import NotSayable, airflow_cron
from control.airflow.sync import sync
from control.cli import airflow as cli
from control.internal.work import body_of, program_of, uses_upstream
from spec.api.runs import RunOverrides
from spec.attempts import AirflowProgram
from spec.cron import parse_cron
from spec.errors import NotFound, Unavailable
from spec.jobs import JobSettings
from spec.references import Context, Upstream
from spec.tasks import Task
from tests.control.airflow_jobs import job, task

# Schedules ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quartz", "airflow"),
    [
        ("0 0 6 ? * MON-FRI", "0 6 * * 1-5"),
        ("0 */15 * * * ?", "*/15 * * * *"),
        ("0 0 0 L * ?", "0 0 L * *"),
        ("0 0 9 ? * 6#3", "0 9 * * 5#3"),
        ("0 0 9 ? * 6L", "0 9 * * L5"),
        ("0 0 22-2 1,15 JAN,JUL ?", "0 0,1,2,22,23 1,15 1,7 *"),
        ("0 0 9 ? * SUN", "0 9 * * 0"),
    ],
)
def test_a_schedule_is_said_in_airflows_cron(quartz: str, airflow: str) -> None:
    assert airflow_cron(parse_cron(quartz)) == airflow


@pytest.mark.parametrize(
    ("quartz", "why"),
    [
        ("30 0 6 * * ?", "other seconds"),
        ("0 0 6 15W * ?", "nearest"),
        ("0 0 6 L-3 * ?", "end of a month"),
        ("0 0 6 * * ? 2027", "years"),
    ],
)
def test_what_airflows_cron_lacks_is_said(quartz: str, why: str) -> None:
    with pytest.raises(NotSayable, match=why):
        airflow_cron(parse_cron(quartz))


# The file -----------------------------------------------------------------------------------

_SCHEDULE = {
    "quartz_cron_expression": "0 0 6 * * ?",
    "timezone_id": "Europe/Berlin",
    "pause_status": "PAUSED",
}


def export(whole: JobSettings, **more: Any) -> Export:
    """Make an export."""
    return Export(17, whole, "http://here:8780", datetime(2026, 1, 2, tzinfo=UTC), **more)


def dag_call(text: str) -> dict[str, Any]:
    """Return the arguments of the file's `DAG(…)` that are literals."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    (found,) = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "DAG"]
    literals: dict[str, Any] = {}
    for keyword in found.keywords:
        try:
            literals[str(keyword.arg)] = ast.literal_eval(keyword.value)
        except ValueError:
            literals[str(keyword.arg)] = ast.unparse(keyword.value)
    return literals


def test_the_same_job_gives_the_same_file_and_names_where_it_came_from() -> None:
    whole = job(task("a"))
    text = compile_dag(export(whole)).text
    assert compile_dag(export(whole)).text == text
    assert mark_of(text) == (17, "http://here:8780")
    assert compile_dag(export(job(task("a", description="x")))).text != text
    assert mark_of("# openlake-airflow by hand\n") is None


def test_nothing_in_a_job_gets_out_of_its_text() -> None:
    nasty = '\'"\\\n"""; raise SystemExit #\r{{ x }}'
    whole = job(
        task("a", description=nasty),
        name=nasty,
        description=nasty,
        tags={"team": nasty},
        parameters=[{"name": "p", "default": nasty}],
    )
    arguments = dag_call(compile_dag(export(whole)).text)
    assert arguments["dag_display_name"] == arguments["description"] == nasty
    assert arguments["tags"] == ["openlake", f"team:{nasty}"]


def test_airflow_fires_the_job_only_when_openlake_does_not() -> None:
    def schedule(**change: Any) -> tuple[Any, str]:
        compiled = compile_dag(
            export(job(task("a"), schedule=_SCHEDULE | change), takes_schedule=True)
        )
        return dag_call(compiled.text)["schedule"], " ".join(compiled.notes)

    cron = "CronTriggerTimetable('0 6 * * *', timezone='Europe/Berlin')"
    assert schedule() == (cron, "")
    assert schedule(pause_status="UNPAUSED") == (None, schedule(pause_status="UNPAUSED")[1])
    assert "pause it there" in schedule(pause_status="UNPAUSED")[1]
    untold, note = schedule(quartz_cron_expression="0 0 6 15W * ?")
    assert untold is None and "nearest" in note and "unpause it in OpenLake" in note
    plain = compile_dag(export(job(task("a"), schedule=_SCHEDULE)))
    assert dag_call(plain.text)["schedule"] is None


def test_the_file_says_what_is_other_than_in_openlake() -> None:
    compiled = compile_dag(export(job(task("a"), task("b"))))
    assert "one run at a time" in compiled.notes[0]
    assert f"# NOTE: {compiled.notes[0]}\n" in compiled.text
    assert not compile_dag(export(job(task("a"), task("b"), max_concurrent_runs=2))).notes
    assert not compile_dag(export(job(task("a"), task("b", "a")))).notes


# In step ------------------------------------------------------------------------------------


class FakeApi:
    """Jobs in memory."""

    url = "http://here:8780"

    def __init__(self) -> None:
        self.jobs: dict[int, dict[str, Any]] = {}
        self.down = False
        self.vanishing: set[int] = set()

    def put(self, job_id: int, tag: str | None, **more: Any) -> None:
        tags = {} if tag is None else {"airflow": tag}
        self.jobs[job_id] = job(task("a"), **more, tags=tags).model_dump(mode="json")

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        if query["job_id"] in self.vanishing:
            raise NotFound("gone")
        settings = self.jobs[query["job_id"]]
        if query.get("page_token"):
            return {"settings": {"tasks": [task("b", "a")]}}
        token = {"next_page_token": "2"} if settings["name"] == "long" else {}
        return {"settings": dict(settings), "created_time": 1_767_312_000_000, **token}

    def pages(self, path: str, field: str, limit: int, **query: Any) -> Iterator[dict[str, Any]]:
        for job_id, settings in self.jobs.items():
            yield {"job_id": job_id, "settings": {"tags": settings["tags"]}}
        if self.down:
            raise Unavailable("the API is down")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_follow_their_jobs(api: FakeApi, tmp_path: Path) -> None:
    api.put(1, "export")
    api.put(2, None)
    api.put(3, "export, whole")
    assert sync(api, tmp_path).written == ["openlake_job_1.py", "openlake_job_3.py"]
    before = (tmp_path / "openlake_job_1.py").stat().st_mtime_ns
    assert sync(api, tmp_path).same == 2
    assert (tmp_path / "openlake_job_1.py").stat().st_mtime_ns == before

    api.put(1, "export", description="changed")
    api.put(3, None)
    changes = sync(api, tmp_path)
    assert (changes.written, changes.removed) == (["openlake_job_1.py"], ["openlake_job_3.py"])
    del api.jobs[1]
    assert sync(api, tmp_path).removed == ["openlake_job_1.py"]
    assert names(tmp_path) == []


def test_a_long_job_is_read_page_by_page(api: FakeApi, tmp_path: Path) -> None:
    api.put(1, "export", name="long")
    sync(api, tmp_path)
    text = (tmp_path / "openlake_job_1.py").read_text()
    assert "steps['b'].set_upstream([steps['a']])" in text


def test_only_files_of_this_openlake_are_removed(api: FakeApi, tmp_path: Path) -> None:
    other = replace(export(job(task("a"))), origin="http://there:8780")
    (tmp_path / file_name(17)).write_text(compile_dag(other).text)
    (tmp_path / "openlake_job_5.py").write_text("# written by hand\n")
    (tmp_path / "other.py").write_text(compile_dag(export(job(task("a")))).text)
    assert sync(api, tmp_path).removed == []
    assert names(tmp_path) == ["openlake_job_17.py", "openlake_job_5.py", "other.py"]


def test_nothing_is_removed_on_half_a_list_or_a_mistake(api: FakeApi, tmp_path: Path) -> None:
    api.put(1, "export")
    api.put(2, "export")
    sync(api, tmp_path)
    api.put(1, "exprot")
    changes = sync(api, tmp_path)
    assert changes.removed == [] and "'exprot'" in changes.problems[0]
    del api.jobs[1]
    api.down = True
    with pytest.raises(Unavailable):
        sync(api, tmp_path)
    assert len(names(tmp_path)) == 2


def test_a_job_that_is_deleted_meanwhile_loses_its_file(api: FakeApi, tmp_path: Path) -> None:
    api.put(1, "export")
    sync(api, tmp_path)
    api.vanishing.add(1)
    assert sync(api, tmp_path).removed == ["openlake_job_1.py"]


def test_watching_goes_on_though_the_api_is_away(
    api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.put(1, "export")

    def scenes() -> Iterator[None]:
        assert names(tmp_path) == ["openlake_job_1.py"]
        api.down = True
        yield
        api.down = False
        api.put(1, None)
        api.put(2, "export")
        yield
        raise KeyboardInterrupt

    scene = scenes()
    monkeypatch.setattr("control.cli.airflow.connect", lambda: api)
    monkeypatch.setattr("control.cli.airflow.time.sleep", lambda _: next(scene))
    with pytest.raises(KeyboardInterrupt):
        cli.sync(tmp_path, watch=True, interval=1)
    assert names(tmp_path) == ["openlake_job_2.py"]


# What a DAG does ------------------------------------------------------------------------------


class FakeRuns(BaseHTTPRequestHandler):
    """The runs API in memory: `answers` are given in turn, the last one for ever."""

    answers: ClassVar[list[tuple[int, Any]]] = []
    asked: ClassVar[list[tuple[str, Any]]] = []

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"null")
        type(self).asked.append((self.path.partition("?")[0].rpartition("/")[2], body))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        content = found[1] if isinstance(found[1], bytes) else json.dumps(found[1]).encode()
        self.send_response(found[0])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    monkeypatch.setattr("control.airflow.runs_client._FIRST_PAUSE_S", 0.01)
    FakeRuns.answers, FakeRuns.asked = [], []
    with HTTPServer(("127.0.0.1", 0), FakeRuns) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield Runs(f"http://127.0.0.1:{server.server_port}/", "t", 17, said.append)
        server.shutdown()
    said.clear()


said: list[str] = []


def state(life: str, result: str | None = None, message: str = "") -> dict[str, Any]:
    return {"life_cycle_state": life, "result_state": result, "state_message": message}


def test_a_try_names_its_run_by_one_token(runs: Runs) -> None:
    FakeRuns.answers = [(503, {"message": "down"}), (200, {"run_id": 5})]
    assert runs.start("dag/run/task/1", ["a"], {"p": "1"}) == 5
    assert runs.start("dag/run/task/2", None, {}) == 5
    first, again, other = (body for _, body in FakeRuns.asked)
    assert first == again
    assert len(first["idempotency_token"]) == 64 != other["idempotency_token"]
    assert first["only"] == ["a"] and "only" not in other
    assert first["queue"] == {"enabled": True} and first["job_parameters"] == {"p": "1"}


def test_a_failed_run_fails_the_task_with_its_reason_and_log(runs: Runs) -> None:
    page = "http://here/jobs/17/runs/5"
    ended = {
        "state": state("TERMINATED", "FAILED", "task a failed"),
        "run_page_url": page,
        "tasks": [{"task_key": "a", "run_id": 6, "state": state("TERMINATED", "FAILED")}],
    }
    log, output = b"one\ntwo\n", {"error": "ValueError: no rows"}
    begun = {"state": state("RUNNING")}
    FakeRuns.answers = [(200, begun), (502, {}), (200, ended), (200, log), (200, output)]
    with pytest.raises(RuntimeError, match=f"run 5 FAILED: task 'a': ValueError: no rows {page}"):
        runs.follow(5)
    assert "a | one" in said and "a | two" in said


def test_a_run_that_succeeds_gives_its_address(runs: Runs) -> None:
    good = {"state": state("TERMINATED", "SUCCESS"), "run_page_url": "http://x", "tasks": []}
    FakeRuns.answers = [(200, good)]
    assert runs.follow(5) == {"run_id": 5, "run_page_url": "http://x"}


def test_a_refusal_is_not_asked_again(runs: Runs) -> None:
    FakeRuns.answers = [(400, {"message": "no such task"})]
    with pytest.raises(Refused, match="no such task"):
        runs.start("key", ["a"], {})
    runs.cancel(5)
    assert [path for path, _ in FakeRuns.asked] == ["run-now", "cancel"]


def test_what_is_copied_needs_nothing_of_openlake() -> None:
    tree = ast.parse(compile_dag(export(job(task("a")))).text)
    imported = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.split(".")[0] for name in imported} == {
        "__future__", "airflow", "collections", "datetime", "hashlib", "json", "time", "typing",
        "urllib",
    }  # fmt: skip


# What a task sends ----------------------------------------------------------------------------


def test_references_are_resolved_in_every_text_of_conf() -> None:
    conf = {"{{job.name}}": ["{{job.name}}", {"deep": "{{tasks.a.values.n}}"}, 3, None]}
    asked = Task.model_validate(
        {"task_key": "dag", "airflow_task": {"dag_id": "load", "conf": conf, "connection": "prod"}}
    )
    body = body_of(asked, {}, RunOverrides())
    assert uses_upstream(body, {})
    context = Context(
        workspace_id=1,
        workspace_url="http://here",
        job_id=17,
        job_name="nightly",
        run_id=5,
        run_started_at=datetime(2026, 1, 2, tzinfo=UTC),
        trigger="ONE_TIME",
        parameters={},
        task_key="dag",
        task_run_id=6,
        tasks={"a": Upstream(run_id=7, result="SUCCESS", values={"n": 9})},
    )
    assert program_of(body, context, None) == AirflowProgram(
        dag_id="load",
        conf={"{{job.name}}": ["nightly", {"deep": "9"}, 3, None]},
        connection="prod",
    )


def test_a_transaction_is_one_task_because_it_is_one_run() -> None:
    compiled = compile_dag(export(job(task("a"), task("b", "a"), publish={})))
    assert compiled.text.count("only=") == compile_dag(export(job(task("a")))).text.count("only=")
    assert any("transaction" in note for note in compiled.notes)
