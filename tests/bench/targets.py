"""What is promised, as ratios of one run wherever that can be, and whether it was kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.bench.samples import Samples
from tests.bench.spread import exponent

FLOOR = "temporal"
LATENCY, CHAIN = ("latency", "begun_ms"), ("chain", "handover_ms")
CHAIN_SIZE = 50


@dataclass(frozen=True)
class Target:
    """One promise."""

    title: str
    number: Callable[[Samples], float | None]
    """What is judged; None when it was not measured."""
    relation: Literal["at most", "at least"]
    bound: float
    unit: str = "×"
    """`×` for a ratio."""

    def judge(self, samples: Samples) -> tuple[float | None, bool | None]:
        """Return the number, and whether it keeps the bound; None of what was not measured."""
        number = self.number(samples)
        if number is None:
            return None, None
        kept = number <= self.bound if self.relation == "at most" else number >= self.bound
        return number, kept


def median(
    samples: Samples,
    measure: str,
    subject: str,
    name: str,
    size: int | None = None,
    phase: str = "",
) -> float | None:
    """Return the median of a value, None when it was not measured."""
    found = samples.spread(measure, subject, name, size=size, phase=phase)
    return found.median if found else None


def to_floor(
    samples: Samples, measure: str, subject: str, name: str, size: int | None = None
) -> float | None:
    """Return a subject's median over raw Temporal's in the same phase."""
    for phase in dict.fromkeys(each.phase for each in samples.samples if each.subject == subject):
        one = median(samples, measure, subject, name, size, phase)
        floor = median(samples, measure, FLOOR, name, size, phase)
        if one is not None and floor:
            return one / floor
    return None


def _ratio(measure: str, name: str, size: int) -> Callable[[Samples], float | None]:
    return lambda samples: to_floor(samples, measure, "openlake", name, size)


def _peer(measure: str, name: str, peer: str, size: int) -> Callable[[Samples], float | None]:
    """Return how many times OpenLake's median a peer's is, both over raw Temporal's."""

    def number(samples: Samples) -> float | None:
        ours = to_floor(samples, measure, "openlake", name, size)
        theirs = to_floor(samples, measure, peer, name, size)
        return theirs / ours if ours and theirs else None

    return number


def _plain(
    measure: str, name: str, size: int | None = None, phase: str = ""
) -> Callable[[Samples], float | None]:
    return lambda samples: median(samples, measure, "openlake", name, size, phase)


def _growth(measure: str, name: str, few: int, many: int) -> Callable[[Samples], float | None]:
    def number(samples: Samples) -> float | None:
        before = median(samples, measure, "openlake", name, few)
        after = median(samples, measure, "openlake", name, many)
        return after / before if before and after else None

    return number


TARGETS = (
    Target("API call → user code, against raw Temporal", _ratio(*LATENCY, 1), "at most", 3),
    Target("… Airflow tuned, against OpenLake", _peer(*LATENCY, "airflow", 1), "at least", 4),
    Target(
        "… Airflow as it comes, against OpenLake",
        _peer(*LATENCY, "airflow-as-it-comes", 1),
        "at least",
        10,
    ),
    Target(
        "… Prefect served, against OpenLake", _peer(*LATENCY, "prefect-serve", 1), "at least", 1
    ),
    Target(
        "hand-over in a 50-task chain, against raw Temporal",
        _ratio(*CHAIN, CHAIN_SIZE),
        "at most",
        1.5,
    ),
    Target(
        "… Airflow tuned, hand-over against OpenLake's",
        _peer(*CHAIN, "airflow", CHAIN_SIZE),
        "at least",
        1,
    ),
    Target(
        "… Prefect (in one process, not durable), against OpenLake",
        _peer(*CHAIN, "prefect-serve", CHAIN_SIZE),
        "at least",
        1,
    ),
    Target(
        "rate of a 500-wide fan-out, against raw Temporal",
        _ratio("fan_out", "tasks_per_s", 500),
        "at least",
        0.5,
    ),
    Target(
        "50 runs of three tasks at once, against raw Temporal",
        _ratio("runs", "runs_per_min", 50),
        "at least",
        0.5,
    ),
    Target(
        "worker killed in a task: done beyond the task's own time",
        _plain("recovery", "beyond_s"),
        "at most",
        10,
        "s",
    ),
    Target("… begins of the task", _plain("recovery", "begins"), "at most", 1, ""),
    Target(
        "for-each, rate of 10,000 iterations against 1,000",
        _growth("for_each", "iterations_per_s", 1_000, 10_000),
        "at least",
        0.8,
    ),
    Target(
        "page of the list of runs, 1,000,000 past runs against 1,000",
        _growth("pages", "runs_ms", 1_000, 1_000_000),
        "at most",
        1.5,
    ),
    Target(
        "statement over DuckDB's own client",
        _plain("statements", "overhead_ms"),
        "at most",
        30,
        "ms",
    ),
    Target(
        "statement over Trino's own client",
        _plain("statements_trino", "overhead_ms"),
        "at most",
        30,
        "ms",
    ),
    Target("history events a task, chain", _plain("history", "chain"), "at most", 8, ""),
    Target("history events a task, side by side", _plain("history", "wide"), "at most", 8, ""),
    Target("memory of the idle stack", _plain("memory", "mib"), "at most", 2048, "MiB"),
    Target("cold start", _plain("start", "seconds", phase="openlake"), "at most", 20, "s"),
)


@dataclass(frozen=True)
class Growth:
    """How cost may grow; judged by the exponent of a power law through the medians."""

    title: str
    measure: str
    cost: Callable[[Samples, int], float | None]
    at_most: float

    def points(self, samples: Samples) -> list[tuple[int, float]]:
        """Return (size, cost), smallest first."""
        sizes = {
            each.size
            for each in samples.samples
            if (each.measure, each.subject) == (self.measure, "openlake")
        }
        pairs = [(size, self.cost(samples, size)) for size in sorted(sizes)]
        return [(size, cost) for size, cost in pairs if cost]

    def judge(self, samples: Samples) -> tuple[float | None, bool | None]:
        """Return the exponent, and whether it is small enough; None with less than two sizes."""
        points = self.points(samples)
        if len(points) < 2:
            return None, None
        slope = exponent(*zip(*points, strict=True))
        return slope, slope <= self.at_most


def _chain_s(samples: Samples, size: int) -> float | None:
    each = median(samples, "chain", "openlake", "ms_per_task", size)
    return each * size / 1000 if each else None


def _by_rate(measure: str, name: str) -> Callable[[Samples, int], float | None]:
    def cost(samples: Samples, size: int) -> float | None:
        rate = median(samples, measure, "openlake", name, size)
        return size / rate if rate else None

    return cost


SHAPES = (
    Growth("time of a chain, by its tasks", "chain", _chain_s, 1.25),
    Growth("time of a fan-out, by its width", "fan_out", _by_rate("fan_out", "tasks_per_s"), 1.25),
    Growth(
        "time of a for-each, by its iterations",
        "for_each",
        _by_rate("for_each", "iterations_per_s"),
        1.25,
    ),
    Growth(
        "time of a page of runs, by past runs",
        "pages",
        lambda samples, size: median(samples, "pages", "openlake", "runs_ms", size),
        0.1,
    ),
)
"""1 is linear, 0 is flat; the rest leaves room for a machine that does other things too."""
