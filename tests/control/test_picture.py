"""What the terminal shows of a run says how far it is, and why what does not run does not."""

import io
import time
from typing import Any

import pytest
from rich.console import Console

from control.cli import follow
from control.cli.follow import Follower
from control.cli.picture import draw, read_run
from spec.errors import Unavailable

NOW_MS = int(time.time() * 1000)


def entry(key: str, life: str, result: str | None = None, **fields: Any) -> dict[str, Any]:
    state = {"life_cycle_state": life, "state_message": fields.pop("message", "")}
    if result is not None:
        state["result_state"] = result
    times = {} if life in ("BLOCKED", "WAITING_FOR_RETRY") else {"start_time": NOW_MS - 5_000}
    if result is not None:
        times["end_time"] = NOW_MS - 1_000
    return {"task_key": key, "run_id": 7, "state": state, **times, **fields}


def loop(total: int, completed: int, failed: int, active: int) -> dict[str, Any]:
    counts = {"total": total, "completed": completed, "failed": failed, "active": active}
    named = {f"{name}_iterations": count for name, count in counts.items()}
    return {"stats": {"task_run_stats": named}}


def run(*tasks: dict[str, Any], life: str = "RUNNING", **fields: Any) -> dict[str, Any]:
    whole = entry("", life, fields.pop("result", None))
    return {**whole, "run_id": 1 << 20, "run_name": "flights", "tasks": [*tasks], **fields}


def shown(picture: Any, width: int = 110) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(picture)
    text = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    return [" ".join(line.split()) for line in text.splitlines()]


def line_of(lines: list[str], key: str) -> str:
    return next(line for line in lines if f" {key} " in f" {line} ")


def everything() -> dict[str, Any]:
    return run(
        entry("load", "TERMINATED", "SUCCESS"),
        entry("check", "TERMINATED", "SUCCESS", condition_task={"outcome": "false"}),
        entry(
            "months",
            "RUNNING",
            for_each_task=loop(100, 37, 2, 4),
        ),
        entry("clean", "TERMINATED", "FAILED", message="ValueError: no rows"),
        entry(
            "clean",
            "WAITING_FOR_RETRY",
            attempt_number=1,
            retry_time=int(time.time() * 1000) + 65_000,
            message="Attempt 1 begins at …",
        ),
        entry("skipped", "SKIPPED", "EXCLUDED", message="Excluded: its run_if does not hold."),
        entry("off", "SKIPPED", "DISABLED", message="Skipped: the task is disabled."),
        entry("last", "BLOCKED"),
        repair_history=[
            {"type": "ORIGINAL", **entry("", "INTERNAL_ERROR", "FAILED")},
            {"type": "REPAIR", "id": 12, **entry("", "RUNNING")},
        ],
    )


def test_each_task_is_one_line_that_says_it_all() -> None:
    lines = shown(draw(everything()))
    assert lines[0].startswith("● flights run 1048576 running")
    assert line_of(lines, "months").endswith("37/100, 2 failed, 4 running")
    assert line_of(lines, "check").endswith("is false")
    again = line_of(lines, "clean")
    assert again.startswith("↻ clean waiting for retry 2 again at ")
    assert "in 1 min 0" in again
    assert "run_if does not hold" in line_of(lines, "skipped")
    assert "the task is disabled" in line_of(lines, "off")
    assert line_of(lines, "last") == "○ last blocked"
    assert line_of(lines, "original").startswith("✗ original failed")
    assert line_of(lines, "repair 1").startswith("● repair 1 running")
    assert line_of(lines, "repair 1").endswith("12")


def test_of_many_tasks_those_are_shown_of_which_there_is_something_to_see() -> None:
    tasks = [entry(f"t{n}", "TERMINATED", "SUCCESS") for n in range(500)]
    tasks += [entry("bad", "TERMINATED", "FAILED"), entry("busy", "RUNNING")]
    tasks += [entry(f"u{n}", "BLOCKED") for n in range(498)]
    lines = shown(draw(run(*tasks), most=10))
    assert len(lines) == 1 + 1 + 10 + 1
    assert line_of(lines, "bad") and line_of(lines, "busy")
    assert lines[-1] == "and 498 blocked, 492 success"


class Answers:
    """An API that answers a run's states in turn; its first answer may be a failure."""

    def __init__(self, *states: Any) -> None:
        self._states = list(states)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if isinstance(state, Exception):
            raise state
        return state

    def text(self, path: str) -> Any:
        raise Unavailable("no log")


def test_without_a_terminal_each_change_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(follow, "console", Console(file=written, width=120))
    monkeypatch.setattr(follow, "_PAUSE_S", 0)
    going = [
        run(entry("a", "RUNNING", for_each_task=loop(100, done, done // 20, 1)))
        for done in (0, 1, 2, 15, 19, 40, 41)
    ]
    retried = run(
        entry("a", "TERMINATED", "SUCCESS"),
        entry("b", "TERMINATED", "FAILED"),
        entry("b", "RUNNING", attempt_number=1),
    )
    end = run(entry("a", "TERMINATED", "SUCCESS"), life="TERMINATED", result="SUCCESS")
    api: Any = Answers(*going, Unavailable("away"), retried, end)
    assert Follower(api, 1).follow(show=True) == end
    lines = [" ".join(line.split()) for line in written.getvalue().splitlines()]
    said = [line.partition(" s ")[2] for line in lines if " a running " in line]
    assert [text.split(",")[0] for text in said] == ["0/100", "15/100", "40/100"]
    assert any("b running" in line and line.endswith("attempt 2") for line in lines)


def test_all_pages_of_a_run_are_read() -> None:
    first = {**run(entry("a", "RUNNING")), "next_page_token": "x"}
    api: Any = Answers(first, run(entry("b", "RUNNING")))
    assert [task["task_key"] for task in read_run(api, 1)["tasks"]] == ["a", "b"]
    one = entry("loop", "RUNNING")
    page = {**run(one), "iterations": [entry("i", "RUNNING", iteration=0)]}
    more = {**run(one), "iterations": [entry("i", "RUNNING", iteration=1)]}
    api = Answers({**page, "next_page_token": "x"}, more)
    whole = read_run(api, 7)
    assert (len(whole["tasks"]), [each["iteration"] for each in whole["iterations"]]) == (1, [0, 1])
    assert line_of(shown(draw(whole)), "iteration")
