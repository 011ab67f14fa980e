"""The pictures of the page, as SVG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

from tests.bench.spread import Spread

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "none",
    # The ids in the file do not change from one time to the next.
    "svg.hashsalt": "openlake",
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_OURS, _FLOOR, _OTHERS = "#2f6fde", "#5c6670", "#a9b4bf"


def colour(subject: str) -> str:
    """Return the colour of a subject: OpenLake's, raw Temporal's, or a peer's."""
    if subject.startswith("openlake"):
        return _OURS
    return _FLOOR if subject.startswith("temporal") else _OTHERS


def bars(file: Path, axis: str, rows: Sequence[tuple[str, str, Spread]], *, log: bool) -> None:
    """Draw one bar a subject: its median, and a line from the lower to the upper quartile.

    Args:
        file: Where to write.
        axis: What the numbers are.
        rows: (subject, how to call it, samples).
        log: Whether the axis is logarithmic.
    """
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(7, 0.5 + 0.36 * len(rows)))
        names = [name for _, name, _ in rows]
        medians = [each.median for _, _, each in rows]
        left = [each.median - each.p25 for _, _, each in rows]
        right = [each.p75 - each.median for _, _, each in rows]
        colours = [colour(subject) for subject, _, _ in rows]
        axes.barh(names, medians, color=colours, height=0.6)
        axes.errorbar(
            medians, names, xerr=(left, right), fmt="none", ecolor="#222222", elinewidth=1
        )
        if log:
            axes.set_xscale("log")
        for name, each in zip(names, medians, strict=True):
            axes.annotate(
                f"{each:,.3g}" if each < 1000 else f"{each:,.0f}",
                (each, name),
                xytext=(6, 4),
                textcoords="offset points",
                va="center",
            )
        axes.margins(x=0.15)
        axes.invert_yaxis()
        axes.set_xlabel(axis)
        _save(file)
        plt.close(figure)


def lines(file: Path, across: str, up: str, series: dict[str, list[tuple[int, float]]]) -> None:
    """Draw how something grows, both axes logarithmic.

    Args:
        file: Where to write.
        across: What the sizes are.
        up: What the costs are.
        series: Name → (size, cost).
    """
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(7, 3))
        for name, points in series.items():
            ours = name.startswith("OpenLake")
            dashes = "-" if "chain" in name else "--" if "fan-out" in name else ":"
            tint = _OURS if ours else _FLOOR
            axes.plot(*zip(*points, strict=True), dashes, marker="o", color=tint, label=name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.legend(frameon=False)
        _save(file)
        plt.close(figure)


def _save(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    plt.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
