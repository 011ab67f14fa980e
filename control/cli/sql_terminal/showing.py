"""What people see of a statement: a line while it runs, its rows, how long it took, its error."""

import re
from collections.abc import Generator
from contextlib import contextmanager

from rich.markup import escape
from rich.text import Text

from control.cli.output import console, errors
from control.cli.sql_terminal.cells import rows_of
from control.cli.sql_terminal.session import Answer, Told
from control.cli.sql_terminal.tables import draw

TABLE_ROWS = 1000
"""Rows that are asked for when a table is to be shown, unless a limit is given."""

_WORDS = {"PENDING": "queued", "RUNNING": "running", "CANCELING": "stopping"}
_PLACE = re.compile(r"\bline (\d+):(\d+)", re.IGNORECASE)
_TELL_AFTER_S = 0.4


@contextmanager
def waiting() -> Generator[Told]:
    """Show how a statement stands while the block runs; only on a terminal."""
    if not errors.is_terminal:
        yield lambda state, after: None
        return
    with errors.status("") as status:
        status.stop()
        shown = False

        def told(state: str, after: float) -> None:
            nonlocal shown
            word = _WORDS.get(state, state.lower())
            hint = "" if state == "CANCELING" else " · Ctrl-C stops it"
            status.update(f"{word} · {after:.1f} s[dim]{hint}[/]")
            if not shown and after >= _TELL_AFTER_S:
                status.start()
                shown = True

        yield told


def show(answer: Answer, *, paged: bool = False, timing: bool = True) -> None:
    """Print an answer as a table, and what it was in one line."""
    rows = [row for batch in answer.batches() for row in rows_of(batch)]
    if answer.columns:
        width = console.width if console.is_terminal else None
        drawn = draw(answer.columns, rows, width)
        if paged and console.is_terminal and len(rows) + 4 > console.height:
            with console.pager(styles=True):
                console.print(drawn)
        else:
            console.print(drawn)
    if timing:
        errors.print(f"[dim]{_summary(answer)}[/]", soft_wrap=True)


def _summary(answer: Answer) -> str:
    took = f"{answer.took_s:.2f} s"
    if not answer.columns:
        return f"done · {took}"
    count = answer.row_count
    said = f"{count:,} row{'' if count == 1 else 's'}"
    if answer.truncated:
        said = f"the first {count:,} rows; there are more (--limit)"
    return f"{said} · {took}"


def say_failure(message: str, text: str) -> None:
    """Print an engine's error, and where in the text it is if the message says so."""
    errors.print(f"[bold red]✗[/] {escape(message.strip())}", soft_wrap=True)
    place = _PLACE.search(message)
    lines = text.splitlines()
    # Engines that show the place themselves need no help.
    if place is None or "^" in message:
        return
    line, column = int(place[1]), int(place[2])
    if 1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1:
        errors.print(Text(f"  {lines[line - 1]}", style="dim"), soft_wrap=True)
        errors.print(Text("  " + " " * (column - 1) + "^", style="red"), soft_wrap=True)
