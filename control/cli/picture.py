"""Draws runs for the terminal: a heading, one line a task, and what was repaired."""

import time
from collections import Counter
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from control.cli.client import Api
from control.cli.output import quiet_table

_MARKS = {
    "SUCCESS": "[green]✓[/]",
    "SUCCESS_WITH_FAILURES": "[yellow]✓[/]",
    "FAILED": "[red]✗[/]",
    "TIMEDOUT": "[red]✗[/]",
    "CANCELED": "[yellow]■[/]",
    "UPSTREAM_FAILED": "[dim]-[/]",
    "UPSTREAM_CANCELED": "[dim]-[/]",
    "EXCLUDED": "[dim]-[/]",
    "DISABLED": "[dim]-[/]",
    "MAXIMUM_CONCURRENT_RUNS_REACHED": "[yellow]-[/]",
    "RUNNING": "[cyan]●[/]",
    "TERMINATING": "[yellow]●[/]",
    "WAITING_FOR_RETRY": "[yellow]↻[/]",
}

Entry = dict[str, Any]
"""A run or one of its `tasks`, as `jobs/runs/get` answers it."""


def read_run(api: Api, run_id: int) -> Entry:
    """Read a run or task run whole, whatever its number of tasks, with its history."""
    query: dict[str, Any] = {"run_id": run_id, "include_history": "true"}
    run = api.get("/api/2.2/jobs/runs/get", **query)
    page = run
    while token := page.get("next_page_token"):
        page = api.get("/api/2.2/jobs/runs/get", **query, page_token=token)
        for name in ("tasks", "iterations"):
            if page.get(name) and run.get(name) is not None and _goes_on(run, page, name):
                run[name] += page[name]
    return run


def _goes_on(run: Entry, page: Entry, name: str) -> bool:
    # The pages of a for-each task run repeat its own entry; what goes on are its iterations.
    return name == "iterations" or "iterations" not in page


def word(run: Entry) -> str:
    """Return the state of a run or task run in one word: its result, or where its life stands."""
    state = run["state"]
    return state.get("result_state") or state["life_cycle_state"]


def plain_word(run: Entry) -> str:
    """Return the same as people write it."""
    return word(run).lower().replace("_", " ")


def mark(run: Entry) -> str:
    """Return the state as a sign, with colour."""
    return _MARKS.get(word(run), "[dim]○[/]")


def duration(run: Entry) -> str:
    """Return how long a run or task run has taken, in words a person reads."""
    start, end = run.get("start_time") or 0, run.get("end_time") or 0
    if not start:
        return ""
    return span(max(0.0, (end or time.time() * 1000) - start) / 1000)


def span(seconds: float) -> str:
    """Return a length of time in words a person reads."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest:02} s"


def iteration_counts(task: Entry) -> dict[str, int]:
    """Return Databricks' `task_run_stats` of a for-each task; empty for any other task."""
    settings: Entry = task.get("for_each_task", {})
    stats: dict[str, dict[str, int]] = settings.get("stats", {})
    return stats.get("task_run_stats", {})


def progress(task: Entry) -> str:
    """Return how far the iterations of a for-each task are; empty for any other task."""
    counts = iteration_counts(task)
    if not counts:
        return ""
    said = f"{counts.get('completed_iterations', 0)}/{counts.get('total_iterations', 0)}"
    failed, active = counts.get("failed_iterations", 0), counts.get("active_iterations", 0)
    said += f", {failed} failed" if failed else ""
    return said + (f", {active} running" if active else "")


def remark(task: Entry) -> str:
    """Return what there is to say of a task: progress, outcome, why it waits or did not run."""
    if task["state"]["life_cycle_state"] == "WAITING_FOR_RETRY" and task.get("retry_time"):
        left = task["retry_time"] / 1000 - time.time()
        at = datetime.fromtimestamp(task["retry_time"] / 1000).astimezone()
        return f"again at {at:%H:%M:%S}" + (f", in {span(left)}" if left > 0 else "")
    condition: Entry = task.get("condition_task", {})
    outcome: str | None = condition.get("outcome")
    message: str = task["state"].get("state_message", "")
    said = (progress(task), f"is {outcome}" if outcome and not message else "", message)
    return "  ".join(part for part in said if part)


def draw(run: Entry, most: int | None = None) -> RenderableType:
    """Return a run as a heading and a table of its tasks, one line each: the latest attempt.

    Args:
        run: The run, or the run of one task.
        most: So many tasks at most, those first of which there is something to see.
    """
    heading = Text.from_markup(
        f"{mark(run)} [bold]{escape(run['run_name'])}[/] run {run['run_id']}"
        f"  {plain_word(run)}  [dim]{duration(run)}[/]"
    )
    table = quiet_table("", "task", "state", "duration", "attempt", "")
    tasks = latest_attempts(run)
    shown = _foremost(tasks, most or len(tasks))
    for task in shown:
        table.add_row(*_row(task))
    if left := _counted([task for task in tasks if task not in shown]):
        table.add_row("", Text(f"and {left}", style="dim"))
    parts: list[RenderableType] = [heading, table]
    if run.get("iterations"):
        parts += [Text(), _iterations(run["iterations"])]
    history: list[Entry] = run.get("repair_history", [])
    if len(history) > 1:
        parts += [Text(), _executions(history)]
    if message := str(run["state"].get("state_message", "")):
        parts.append(Text(message, style="red" if word(run) == "FAILED" else "dim"))
    return Group(*parts)


_DULL = ("SUCCESS", "BLOCKED", "EXCLUDED", "DISABLED", "UPSTREAM_FAILED", "UPSTREAM_CANCELED")


def _foremost(tasks: list[Entry], most: int) -> list[Entry]:
    """Return the tasks to show, in the job's order: what runs or failed comes first."""
    by_interest = sorted(tasks, key=lambda task: word(task) in _DULL)
    kept = {task["task_key"] for task in by_interest[:most]}
    return [task for task in tasks if task["task_key"] in kept]


def _counted(tasks: list[Entry]) -> str:
    counts = Counter(plain_word(task) for task in tasks)
    return ", ".join(f"{count} {state}" for state, count in counts.most_common())


def _row(task: Entry, name: str | None = None) -> tuple[str | Text, ...]:
    attempt = task.get("attempt_number", 0)
    return (
        mark(task),
        name or task["task_key"],
        plain_word(task),
        duration(task),
        str(attempt + 1) if attempt else "",
        Text(remark(task), style="dim", overflow="ellipsis"),
    )


def _iterations(iterations: list[Entry]) -> Table:
    table = quiet_table("", "iteration", "state", "duration", "attempt", "")
    for each in iterations:
        table.add_row(*_row(each, str(each.get("iteration", ""))))
    return table


def _executions(history: list[Entry]) -> Table:
    """Return the original execution and its repairs, oldest first."""
    table = quiet_table("", "execution", "state", "duration", "repair_id")
    for number, each in enumerate(history):
        name = f"repair {number}" if each["type"] == "REPAIR" else "original"
        row = (mark(each), name, plain_word(each), duration(each), str(each.get("id") or ""))
        table.add_row(*row)
    return table


def latest_attempts(run: Entry) -> list[Entry]:
    """Return the current entry of every task, in the job's order."""
    latest: dict[str, Entry] = {}
    for task in run.get("tasks", []):
        known = latest.get(task["task_key"])
        if known is None or task.get("attempt_number", 0) >= known.get("attempt_number", 0):
            latest[task["task_key"]] = task
    return list(latest.values())
