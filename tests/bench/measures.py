"""The measures that every subject can be asked for; each takes one sample.

A sample is a few named values. Times are taken by the client (the call, the report of the end) and
by the user code itself (its own beginning and end), on one clock.
"""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

from tests.bench.ledger import Step
from tests.bench.subject import Ran, Subject, Work
from tests.bench.traced import traced

Values = dict[str, float]

IDLE_S = 10.0
"""How long a subject has nothing to do before its memory is taken."""


@dataclass(frozen=True)
class Measure:
    """One question, and how to ask it once."""

    take: Callable[[Subject, int], Values]
    prepare: Callable[[Subject, int], None]
    size: int
    """Tasks, iterations, runs or seconds."""


def _prepare(work: Callable[[int], Work]) -> Callable[[Subject, int], None]:
    return lambda subject, size: subject.prepare(work(size))


def _one(size: int) -> Work:
    return Work("chain", 1)


def _chain(size: int) -> Work:
    return Work("chain", size)


def _wide(size: int) -> Work:
    return Work("wide", size)


def _each(size: int) -> Work:
    return Work("for_each", size)


def _three(size: int) -> Work:
    return Work("chain", 3)


def _long(size: int) -> Work:
    return Work("chain", 1, seconds=size)


def latency(subject: Subject, size: int) -> Values:
    """From the API call to user code, and to the run reported as finished."""
    ran = subject.run(_one(size))
    (only,) = _whole(ran, 1)
    return {
        "begun_ms": (only.begins[0] - ran.called_ns) / 1e6,
        "finished_ms": (ran.finished_ns - ran.called_ns) / 1e6,
        "reported_ms": (ran.finished_ns - only.ends[-1]) / 1e6,
    }


def chain(subject: Subject, size: int) -> Values:
    """From the end of one task's code to the beginning of the next one's."""
    ran = subject.run(_chain(size))
    steps = sorted(_whole(ran, size), key=lambda one: one.begins[0])
    between = [(after.begins[0] - before.ends[-1]) / 1e6 for before, after in pairwise(steps)]
    return {
        "handover_ms": statistics.median(between),
        "slowest_ms": max(between),
        "ms_per_task": ran.seconds * 1e3 / size,
    }


def fan_out(subject: Subject, size: int) -> Values:
    """Tasks side by side, until the run is reported as finished."""
    ran = subject.run(_wide(size))
    _whole(ran, size)
    return {"tasks_per_s": size / ran.seconds}


def for_each(subject: Subject, size: int) -> Values:
    """Iterations of one task, until the run is reported as finished; five minutes at most."""
    ran = subject.run(_each(size), within_s=300)
    _whole(ran, size)
    return {"iterations_per_s": size / ran.seconds}


def runs(subject: Subject, size: int) -> Values:
    """Runs of three tasks, all started at once, until all are reported as finished."""
    ran = subject.run(_three(size), count=size)
    _whole(ran, size * 3)
    return {"runs_per_min": size * 60 / ran.seconds}


def recovery(subject: Subject, size: int) -> Values:
    """The worker is killed in the middle of a task that takes `size` seconds."""
    work = _long(size)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(subject.run, work, within_s=size + 90)
        time.sleep(size / 3)
        traced(subject).crash()
        ran = run.result()
    (only,) = ran.steps.values()
    return {"beyond_s": ran.seconds - size, "begins": len(only.begins)}


def memory(subject: Subject, size: int) -> Values:
    """Proportional memory of all processes of the idle subject."""
    time.sleep(IDLE_S)
    return {"mib": subject.memory_bytes() / 2**20}


def _whole(ran: Ran, count: int) -> list[Step]:
    """Return the steps of runs that did each of them once.

    Raises:
        AssertionError: A step is missing or was done twice: a figure would mean nothing.
    """
    steps = list(ran.steps.values())
    done = sum(1 for one in steps if len(one.begins) == len(one.ends) == 1)
    if done != count or len(steps) != count:
        raise AssertionError(f"{done} of {count} steps ran once; the ledger has {len(steps)}")
    return steps


def _nothing(subject: Subject, size: int) -> None:
    return


MEASURES = {
    "memory": Measure(memory, _nothing, 0),
    "latency": Measure(latency, _prepare(_one), 1),
    "chain": Measure(chain, _prepare(_chain), 50),
    "fan_out": Measure(fan_out, _prepare(_wide), 500),
    "runs": Measure(runs, _prepare(_three), 50),
    "for_each": Measure(for_each, _prepare(_each), 1_000),
    "recovery": Measure(recovery, _prepare(_long), 20),
}
