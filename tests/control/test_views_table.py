"""Every state that is shown is one that Databricks' own SDK knows, and both forms agree.

Unknown enum values become None in the SDK without a word, so each is looked for by name.
"""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.service import jobs
from hypothesis import given
from hypothesis import strategies as st

from control.jobs.tables import SettingsSnapshot
from control.runs.store import OpenedTaskRun
from control.runs.tables import Run, TaskRun
from control.runs.views import IterationStats, Picture, show_run, show_task_run, show_tasks
from spec.events import RunResult, StopCause
from spec.states import RunLife, TaskResult

T0 = datetime(2026, 1, 1, tzinfo=UTC)
TASKS: list[dict[str, Any]] = [
    {"task_key": "a", "spark_python_task": {"python_file": "/a.py"}},
    {"task_key": "c", "condition_task": {"op": "EQUAL_TO", "left": "1", "right": "1"}},
    {"task_key": "f", "for_each_task": {"inputs": "[1]", "task": {"task_key": "i"}}},
]
SNAPSHOT = SettingsSnapshot(hash="0", settings={"tasks": TASKS}, files={})

OVER = [RunLife.ENDED, RunLife.SKIPPED]
RUNS = [(life, None) for life in RunLife if life is not RunLife.ENDED]
RUNS += [(RunLife.ENDED, result) for result in RunResult]


def a_run(life: RunLife = RunLife.RUNNING, result: RunResult | None = None, **fields: Any) -> Run:
    given: dict[str, Any] = {
        "run_id": 1 << 20,
        "workspace_id": 1,
        "job_id": 1,
        "run_name": "r",
        "run_type": "JOB_RUN",
        "trigger": "ONE_TIME",
        "creator": "me",
        "life": life.value,
        "result": None if result is None else result.value,
        "settings_hash": "0",
        "created_at": T0,
        **fields,
    }
    return Run(**given)


def a_task_run(result: TaskResult | None = None, **fields: Any) -> TaskRun:
    given: dict[str, Any] = {
        "task_run_id": (1 << 20) + 1,
        "run_id": 1 << 20,
        "task_key": "a",
        "result": None if result is None else result.value,
        "scheduled_at": T0,
        "ended_at": None if result is None else T0 + timedelta(seconds=9),
        **fields,
    }
    return TaskRun(**given)


def read(kind: Any, shown: dict[str, Any]) -> Any:
    """Read an answer as the SDK does; what the SDK has dropped is missing from its own dict."""
    told = kind.from_dict(shown)
    kept = told.as_dict()
    assert kept["state"] == {k: v for k, v in shown["state"].items() if v is not None}
    assert kept["status"] == shown["status"]
    return told


def check_forms(told: Any, *, over: bool) -> None:
    """Both forms say the same: ended or not, well or not, stopped or not."""
    life, result = told.state.life_cycle_state, told.state.result_state
    ends = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
    assert (life.value in ends) == over == (told.status.state.value == "TERMINATED")
    details = told.status.termination_details
    assert (result is not None) == over == (details is not None)
    if not over:
        # `status` has no word of its own for what it calls WAITING.
        assert told.status.state.value == {"WAITING_FOR_RETRY": "WAITING"}.get(
            life.value, life.value
        )
        return
    well = result.value in ("SUCCESS", "SUCCESS_WITH_FAILURES", "EXCLUDED", "DISABLED")
    assert well == (details.type.value == "SUCCESS")
    assert (result.value == "SUCCESS") == (details.code.value == "SUCCESS")
    stopped = result.value in ("CANCELED", "TIMEDOUT")
    assert bool(told.state.user_cancelled_or_timedout) == stopped
    assert told.state.state_message == details.message


@pytest.mark.parametrize("stop", [None, *StopCause])
@pytest.mark.parametrize(("life", "result"), RUNS)
def test_every_run_is_one_that_the_sdk_knows(
    life: RunLife, result: RunResult | None, stop: StopCause | None
) -> None:
    run = a_run(life, result, stop_cause=None if stop is None else stop.value, message="why")
    shown = show_run(run, SNAPSHOT, "http://api").model_dump(mode="json", exclude_none=True)
    told = read(jobs.Run, shown)
    if life in (RunLife.RUNNING, RunLife.TERMINATING) and stop is not None:
        # It is being stopped: so says the older form, before there is an end to tell of.
        assert told.state.user_cancelled_or_timedout
    check_forms(told, over=life in OVER)
    assert told.state.life_cycle_state.value != "SKIPPED" or life is RunLife.SKIPPED
    if life is RunLife.QUEUED:
        assert told.status.queue_details.code.value == "MAX_CONCURRENT_RUNS_REACHED"


def entries(run: Run, *rows: TaskRun, opened: datetime | None = None) -> dict[str, Any]:
    stats = {row.task_run_id: IterationStats(total=3) for row in rows if row.task_key == "f"}
    picture = Picture(run, SNAPSHOT, [OpenedTaskRun(row, opened) for row in rows], stats=stats)
    return {entry["task_key"]: entry for entry in show_tasks(picture, "http://api")}


@pytest.mark.parametrize("life", [RunLife.RUNNING, RunLife.TERMINATING])
@pytest.mark.parametrize("opened", [None, T0])
@pytest.mark.parametrize("key", ["a", "c", "f"])
@pytest.mark.parametrize("result", [None, *TaskResult])
def test_every_task_run_is_one_that_the_sdk_knows(
    result: TaskResult | None, key: str, opened: datetime | None, life: RunLife
) -> None:
    run = a_run(life)
    told = read(jobs.RunTask, entries(run, a_task_run(result, task_key=key), opened=opened)[key])
    check_forms(told, over=result is not None)
    if key == "f":
        assert told.for_each_task.stats.task_run_stats.total_iterations == 3
    if result is None:
        at_work = opened is not None or key != "a"
        expected = "TERMINATING" if life is RunLife.TERMINATING else None
        expected = expected or ("RUNNING" if at_work else "PENDING")
        assert told.state.life_cycle_state.value == expected


@pytest.mark.parametrize(("life", "result"), RUNS)
def test_a_task_without_a_task_run_waits_or_never_began(
    life: RunLife, result: RunResult | None
) -> None:
    told = read(jobs.RunTask, entries(a_run(life, result))["a"])
    check_forms(told, over=life in OVER)
    assert told.run_id is None


def test_between_two_attempts_a_task_waits_and_says_until_when() -> None:
    retry_at = T0 + timedelta(seconds=30)
    row = a_task_run(TaskResult.FAILED, retry_at=retry_at)
    last = entries(a_run(), row)["a"]
    told = read(jobs.RunTask, last)
    assert told.state.life_cycle_state is jobs.RunLifeCycleState.WAITING_FOR_RETRY
    assert told.attempt_number == 1 and last["retry_time"] == retry_at.timestamp() * 1000
    # When the run is over nothing is waited for any more.
    over = entries(a_run(RunLife.ENDED, RunResult.CANCELED), row)["a"]
    assert over["state"]["result_state"] == "FAILED" and over["attempt_number"] == 0


def test_a_condition_says_which_way_it_went() -> None:
    told = read(
        jobs.RunTask,
        entries(a_run(), a_task_run(TaskResult.SUCCESS, task_key="c", condition="true"))["c"],
    )
    assert told.condition_task.outcome == "true"


@pytest.mark.parametrize(
    ("stop", "code"), [(None, "USER_CANCELED"), ("USER", "USER_CANCELED"), ("TIMEOUT", "CANCELED")]
)
def test_a_cancelled_task_says_for_whom(stop: str | None, code: str) -> None:
    run = a_run(RunLife.TERMINATING, stop_cause=stop)
    row = a_task_run(TaskResult.CANCELED, code="CANCELED")
    assert entries(run, row)["a"]["status"]["termination_details"]["code"] == code


ORDER = ("opened", "started", "worked", "ended")


@given(
    steps=st.lists(st.integers(0, 10_000), min_size=4, max_size=4),
    missing=st.sets(st.sampled_from(["opened", "started", "worked"])),
)
def test_setup_execution_and_cleanup_add_up_to_the_run(steps: list[int], missing: set[str]) -> None:
    at: dict[str, datetime | None] = {}
    instant = T0
    for name, step in zip(ORDER, steps, strict=True):
        instant += timedelta(milliseconds=step)
        at[name] = None if name in missing else instant
    row = a_task_run(
        TaskResult.SUCCESS,
        started_at=at["started"],
        work_ended_at=at["worked"],
        ended_at=at["ended"],
    )
    picture = Picture(a_run(), SNAPSHOT, [])
    shown = show_task_run(picture, OpenedTaskRun(row, at["opened"]), "http://api")
    parts = [shown[f"{name}_duration"] for name in ("setup", "execution", "cleanup")]
    assert sum(parts) == shown["run_duration"] == sum(steps)
    assert shown["end_time"] - shown["start_time"] == shown["run_duration"]
    if not missing:
        assert parts == [steps[0] + steps[1], steps[2], steps[3]]


def test_a_run_tells_how_long_it_waited_in_the_queue() -> None:
    admitted, ended = T0 + timedelta(seconds=4), T0 + timedelta(seconds=9)
    waits: list[tuple[dict[str, Any], int]] = [
        ({"admitted_at": admitted, "ended_at": ended}, 4_000),
        ({"admitted_at": T0}, 0),
        ({}, 0),
        # Cancelled before it was let go: it waited all its life.
        ({"ended_at": ended}, 9_000),
    ]
    for fields, queued in waits:
        run = a_run(RunLife.RUNNING, **fields)
        assert show_run(run, SNAPSHOT, "http://api").queue_duration == queued


def test_every_code_that_attempts_end_with_is_databricks() -> None:
    """Literals of termination codes, wherever outcomes are made."""
    known = {code.value for code in jobs.TerminationCodeCode}
    root = Path(__file__).parents[2]
    found: set[str] = set()
    for folder in ("activities", "workflows", "control/runs"):
        for path in (root / folder).rglob("*.py"):
            found |= _codes(ast.parse(path.read_text("utf-8")))
    assert {"RUN_EXECUTION_ERROR", "DRIVER_ERROR", "CANCELED"} <= found <= known


def _codes(tree: ast.Module) -> set[str]:
    codes: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "AttemptOutcome":
            codes |= {_text(k.value) for k in node.keywords if k.arg == "code"}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_outcome":
            codes |= {_text(each) for each in node.args[1:2]}
        elif isinstance(node, ast.Tuple) and _is_verdict(node):
            codes.add(_text(node.elts[1]))
    return codes - {""}


def _is_verdict(node: ast.AST) -> bool:
    """Tell `AttemptResult.X, "CODE", …`."""
    if not isinstance(node, ast.Tuple) or len(node.elts) < 2:
        return False
    first = node.elts[0]
    return isinstance(first, ast.Attribute) and getattr(first.value, "id", "") == "AttemptResult"


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
