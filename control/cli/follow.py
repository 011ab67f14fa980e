"""Follows a run in the terminal: a table of its tasks and the last lines of what they print."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from control.cli.client import Api
from control.cli.output import console, quiet_table
from spec.errors import OpenLakeError

_TAIL = 6
_PAUSE_S = 0.5

_MARKS = {
    "SUCCESS": "[green]✓[/]",
    "SUCCESS_WITH_FAILURES": "[yellow]✓[/]",
    "FAILED": "[red]✗[/]",
    "TIMEDOUT": "[red]✗[/]",
    "CANCELED": "[yellow]■[/]",
    "UPSTREAM_FAILED": "[dim]-[/]",
    "UPSTREAM_CANCELED": "[dim]-[/]",
    "EXCLUDED": "[dim]-[/]",
    "RUNNING": "[cyan]●[/]",
    "TERMINATING": "[yellow]●[/]",
    "WAITING_FOR_RETRY": "[yellow]↻[/]",
}


def word(run: dict[str, Any]) -> str:
    """Return the state of a run or task run in one word: its result, or where its life stands."""
    state = run["state"]
    return state.get("result_state") or state["life_cycle_state"]


def mark(run: dict[str, Any]) -> str:
    """Return the state as a sign, with colour."""
    return _MARKS.get(word(run), "[dim]○[/]")


def duration(run: dict[str, Any]) -> str:
    """Return how long a run or task run has taken, in words a person reads."""
    start, end = run.get("start_time") or 0, run.get("end_time") or 0
    if not start:
        return ""
    seconds = max(0.0, (end or time.time() * 1000) - start) / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest:02} s"


def draw(run: dict[str, Any]) -> RenderableType:
    """Return a run as a heading and a table of its tasks, one line each: the latest attempt."""
    heading = Text.from_markup(
        f"{mark(run)} [bold]{escape(run['run_name'])}[/] run {run['run_id']}"
        f"  {word(run).lower().replace('_', ' ')}  [dim]{duration(run)}[/]"
    )
    table = quiet_table("", "task", "state", "duration", "attempt", "")
    for task in latest_attempts(run):
        attempt = task.get("attempt_number", 0)
        table.add_row(
            mark(task),
            task["task_key"],
            word(task).lower().replace("_", " "),
            duration(task),
            str(attempt + 1) if attempt else "",
            Text(task["state"].get("state_message") or "", style="dim", overflow="ellipsis"),
        )
    message = run["state"].get("state_message") or ""
    lines: list[RenderableType] = [heading, table]
    return Group(*lines, Text(message, style="red")) if message else Group(*lines)


def latest_attempts(run: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the current entry of every task, in the job's order."""
    latest: dict[str, dict[str, Any]] = {}
    for task in run.get("tasks", []):
        known = latest.get(task["task_key"])
        if known is None or task.get("attempt_number", 0) >= known.get("attempt_number", 0):
            latest[task["task_key"]] = task
    return list(latest.values())


class Follower:
    """Follows one run until it has ended; the picture never grows beyond one screen."""

    def __init__(self, api: Api, run_id: int) -> None:
        """See class."""
        self._api = api
        self._run_id = run_id
        self._run = self._read()
        self._tail: deque[tuple[str, str]] = deque(maxlen=_TAIL)
        self._listening: set[int] = set()

    def follow(self, *, show: bool) -> dict[str, Any]:
        """Return the run once it has ended; a lost connection is waited out."""
        if not show:
            for _ in self._changes():
                pass
            return self._run
        if not console.is_terminal:
            return self._follow_in_lines()
        with Live(self._picture(), console=console, refresh_per_second=8) as live:
            for _ in self._changes():
                live.update(self._picture())
            live.update(draw(self._run))
        return self._run

    def _follow_in_lines(self) -> dict[str, Any]:
        said: dict[str, str] = {}
        for _ in self._changes():
            for task in latest_attempts(self._run):
                now = word(task)
                if now not in ("BLOCKED", said.get(task["task_key"])):
                    said[task["task_key"]] = now
                    state = now.lower().replace("_", " ")
                    name = f"{task['task_key']:<20}"
                    console.print(f"  {mark(task)} {name} {state:<16} {duration(task)}")
        console.print(draw(self._run))
        return self._run

    def _picture(self) -> RenderableType:
        tail = Table.grid(padding=(0, 1))
        for task_key, line in list(self._tail):
            tail.add_row(Text(task_key, style="dim cyan"), Text(line, style="dim", no_wrap=True))
        return Group(draw(self._run), Text(), tail)

    def _changes(self) -> Iterator[None]:
        while True:
            for task in latest_attempts(self._run):
                if word(task) == "RUNNING" and task["run_id"] not in self._listening:
                    self._listen(task["run_id"], task["task_key"])
            yield
            if _is_over(self._run):
                return
            time.sleep(_PAUSE_S)
            try:
                self._run = self._read()
            except OpenLakeError as error:
                self._tail.append(("openlake", error.message))

    def _read(self) -> dict[str, Any]:
        run = self._api.get("/api/2.2/jobs/runs/get", run_id=self._run_id)
        page = run
        while token := page.get("next_page_token"):
            page = self._api.get("/api/2.2/jobs/runs/get", run_id=self._run_id, page_token=token)
            run["tasks"] += page.get("tasks", [])
        return run

    def _listen(self, task_run_id: int, task_key: str) -> None:
        """Follow a task's log by the side; a log that cannot be read spoils nothing."""
        self._listening.add(task_run_id)
        thread = threading.Thread(target=self._hear, args=(task_run_id, task_key), daemon=True)
        thread.start()

    def _hear(self, task_run_id: int, task_key: str) -> None:
        path = f"/api/openlake/1.0/task-runs/{task_run_id}/logs/stream"
        rest = ""
        try:
            for piece in self._api.text(path):
                *lines, rest = (rest + piece).split("\n")
                for line in lines:
                    if line.startswith("event: end"):
                        return
                    if line.startswith("data:") and (said := line[5:].strip()):
                        self._tail.append((task_key, said))
        except OpenLakeError:
            return


def _is_over(run: dict[str, Any]) -> bool:
    return run["state"]["life_cycle_state"] in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
