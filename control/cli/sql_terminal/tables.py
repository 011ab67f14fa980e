"""Draws answers for people: a table, or one block a row where a table would be too wide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from control.cli.sql_terminal.cells import is_number, visible

_GAP = "  "
_LEAST_CUT = 12
"""A cell is cut no shorter than so many places."""
_DIM, _HEAD = Style(dim=True), Style(bold=True)


@dataclass(frozen=True)
class Lines:
    """Text lines that the terminal must not wrap."""

    lines: tuple[Text, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """See rich."""
        for line in self.lines:
            yield from line.render(console)
            yield Segment.line()


def draw(
    columns: Sequence[dict[str, Any]], rows: Sequence[Sequence[Any]], width: int | None
) -> RenderableType:
    """Return rows as a table that fits.

    Args:
        columns: As in the manifest of an answer.
        rows: Python values.
        width: Of the terminal; None where lines may be as long as they are.
    """
    names = [visible(column["name"]) for column in columns]
    shown = [["NULL" if cell is None else visible(cell) for cell in row] for row in rows]
    natural = [
        max([cell_len(name), *(cell_len(row[place]) for row in shown)])
        for place, name in enumerate(names)
    ]
    widths = natural if width is None else _fitted(natural, names, width)
    if widths is None:
        return Lines(tuple(_blocks(names, rows, shown, width or 0)))
    return Lines(tuple(_table(names, columns, rows, shown, widths)))


def _fitted(natural: Sequence[int], names: Sequence[str], width: int) -> list[int] | None:
    """Return widths that fit, the widest columns cut first; None when they would be too narrow."""
    room = width - len(_GAP) * (len(natural) - 1)
    least = [
        min(wide, max(_LEAST_CUT, cell_len(name)))
        for wide, name in zip(natural, names, strict=True)
    ]
    if sum(least) > room:
        return None
    cap = max(natural, default=0)
    fit = list(natural)
    while sum(fit) > room:
        cap -= 1
        fit = [max(low, min(wide, cap)) for low, wide in zip(least, natural, strict=True)]
    return fit


def _table(
    names: Sequence[str],
    columns: Sequence[dict[str, Any]],
    rows: Sequence[Sequence[Any]],
    shown: Sequence[Sequence[str]],
    widths: Sequence[int],
) -> Iterator[Text]:
    right = [is_number(column) for column in columns]
    last = len(names) - 1
    head = Text()
    rule = Text(style=_DIM)
    for place, name in enumerate(names):
        head.append(_cell(name, widths[place], right[place], place == last), _HEAD)
        rule.append("─" * widths[place])
        if place < last:
            head.append(_GAP)
            rule.append(_GAP)
    yield head
    yield rule
    for row, texts in zip(rows, shown, strict=True):
        line = Text()
        for place, cell in enumerate(texts):
            style = _DIM if row[place] is None else None
            line.append(_cell(cell, widths[place], right[place], place == last), style)
            if place < last:
                line.append(_GAP)
        yield line


def _cell(cell: str, width: int, right: bool, last: bool) -> str:
    missing = width - cell_len(cell)
    if missing < 0:
        return set_cell_size(cell, width - 1) + "…"
    if right:
        return " " * missing + cell
    return cell if last else cell + " " * missing


def _blocks(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    shown: Sequence[Sequence[str]],
    width: int,
) -> Iterator[Text]:
    widest = max(cell_len(name) for name in names)
    for number, (row, texts) in enumerate(zip(rows, shown, strict=True), 1):
        title = f"── row {number} "
        yield Text(title + "─" * max(0, min(width, 60) - cell_len(title)), style=_DIM)
        for place, name in enumerate(names):
            line = Text(" " * (widest - cell_len(name)))
            line.append(name, _HEAD).append(_GAP)
            room = max(_LEAST_CUT, width - widest - len(_GAP))
            cell = texts[place]
            cut = cell if cell_len(cell) <= room else set_cell_size(cell, room - 1) + "…"
            yield line.append(cut, _DIM if row[place] is None else None)
