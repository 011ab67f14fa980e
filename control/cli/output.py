"""What commands print: one console, calm progress lines, tables, JSON for programs."""

import json
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

_TELL_EVERY_S = 30.0
"""How often a long step shows a sign of life where there is no terminal."""

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


class Output(StrEnum):
    """How a command answers."""

    text = "text"
    json = "json"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="`text` for people, `json` for programs.")
]


def print_json(value: Any) -> None:
    """Print one JSON document, for programs."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def say_error(message: str) -> None:
    """Print what went wrong, to standard error."""
    errors.print(f"[bold red]✗[/] {escape(message)}", soft_wrap=True)


def quiet_table(*columns: str) -> Table:
    """Return a table without lines: a dim head and rows."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column)
    return table


class Steps:
    """Named steps under way at once: a live line each on a terminal, one line at its end else."""

    def __init__(self, live: Progress | None) -> None:
        """See class."""
        self._live = live
        self._tasks: dict[str, TaskID] = {}
        self._told_at: dict[str, float] = {}

    def begin(self, name: str, text: str) -> None:
        """Show a new step under way."""
        if self._live is None:
            self._tell(name, text)
        elif name in self._tasks:
            self.say(name, text)
        else:
            self._tasks[name] = self._live.add_task(
                "", total=1, name=name, text=escape(text), mark=""
            )

    def say(self, name: str, text: str) -> None:
        """Replace what the step says of itself."""
        if self._live is None:
            if time.monotonic() - self._told_at.get(name, 0.0) > _TELL_EVERY_S:
                self._tell(name, text)
        elif name in self._tasks:
            self._live.update(self._tasks[name], text=f"[dim]{escape(text)}[/]")

    def end(self, name: str, text: str) -> None:
        """Mark the step as done."""
        self._finish(name, text, "[green]✓[/]")

    def fail(self, name: str, text: str) -> None:
        """Mark the step as failed."""
        self._finish(name, text.splitlines()[0] if text else "failed", "[red]✗[/]")

    def _tell(self, name: str, text: str) -> None:
        self._told_at[name] = time.monotonic()
        console.print(f"  [dim]·[/] {name:<12} {escape(text)}", soft_wrap=True)

    def _finish(self, name: str, text: str, mark: str) -> None:
        if self._live is None:
            console.print(f"  {mark} {name:<12} {escape(text)}", soft_wrap=True)
            return
        self.begin(name, text)
        self._live.update(self._tasks[name], completed=1, text=escape(text), mark=mark)


@contextmanager
def steps() -> Generator[Steps]:
    """Show steps while the block runs."""
    if not console.is_terminal:
        yield Steps(None)
        return
    columns = (
        SpinnerColumn("dots", style="cyan", finished_text=" "),
        TextColumn("{task.fields[mark]}"),
        TextColumn("{task.fields[name]:<12}"),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as live:
        yield Steps(live)
