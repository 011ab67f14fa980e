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
from control.cli.output import console
from control.cli.picture import (
    draw,
    duration,
    iteration_counts,
    latest_attempts,
    mark,
    plain_word,
    read_run,
    remark,
    word,
)
from spec.errors import OpenLakeError

_TAIL = 6
_PAUSE_S = 0.5


class Follower:
    """Follows one run until it has ended; the picture never grows beyond one screen."""

    def __init__(self, api: Api, run_id: int) -> None:
        """See class."""
        self._api = api
        self._run_id = run_id
        self._run = read_run(api, run_id)
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
        """Say each change once; of a for-each task also every tenth of the way."""
        said: dict[str, tuple[object, ...]] = {}
        for _ in self._changes():
            for task in latest_attempts(self._run):
                now = (word(task), task.get("attempt_number", 0), _tenths(task))
                if now[0] != "BLOCKED" and said.get(task["task_key"]) != now:
                    said[task["task_key"]] = now
                    console.print(_line(task), soft_wrap=True)
        console.print(draw(self._run))
        return self._run

    def _picture(self) -> RenderableType:
        tail = Table.grid(padding=(0, 1))
        for task_key, line in list(self._tail):
            tail.add_row(Text(task_key, style="dim cyan"), Text(line, style="dim", no_wrap=True))
        rows = max(5, console.height - _TAIL - 6)
        return Group(draw(self._run, rows), Text(), tail)

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
                self._run = read_run(self._api, self._run_id)
            except OpenLakeError as error:
                self._tail.append(("openlake", error.message))

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


def _line(task: dict[str, Any]) -> str:
    attempt = task.get("attempt_number", 0)
    again = f"attempt {attempt + 1}  " if attempt else ""
    said = f"{task['task_key']:<20} {plain_word(task):<16}"
    return f"  {mark(task)} {said} {duration(task):<8} [dim]{again}{escape(remark(task))}[/]"


def _tenths(task: dict[str, Any]) -> int:
    """Return how many tenths of its iterations a for-each task has completed."""
    counts = iteration_counts(task)
    return 10 * counts.get("completed_iterations", 0) // max(1, counts.get("total_iterations", 0))


def _is_over(run: dict[str, Any]) -> bool:
    return run["state"]["life_cycle_state"] in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
