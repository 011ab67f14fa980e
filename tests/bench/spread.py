"""How samples are summed up: a median with the spread around it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Some samples of one value."""

    n: int
    least: float
    p25: float
    median: float
    p75: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """Sum up samples, at least one."""
    if len(values) == 1:
        (one,) = values
        return Spread(1, one, one, one, one, one)
    p25, median, p75 = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(len(values), min(values), p25, median, p75, max(values))


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return how cost grows with size: 0 is flat, 1 linear, 2 quadratic.

    It is the slope of the line through the logarithms (least squares); all are above 0.
    """
    line = statistics.linear_regression([math.log(x) for x in sizes], [math.log(y) for y in costs])
    return line.slope
