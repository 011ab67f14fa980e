"""What a task costs the processor, by process: a fan-out, and the times that the system counts."""

from collections.abc import Mapping
from contextlib import suppress

import psutil

from tests.bench.measures import Values
from tests.bench.subject import Subject, Work
from tests.bench.traced import traced

REST = "rest"
"""Everything else on the machine: task processes, the client of the harness, the system."""


def prepare(subject: Subject, size: int) -> None:
    """Make the fan-out known."""
    subject.prepare(Work("wide", size))


def take(subject: Subject, size: int) -> Values:
    """Run a fan-out, and return the milliseconds of processor time a task, by process."""
    found = traced(subject)
    processes = found.processes()
    before, busy = _seconds(processes), _busy()
    found.run(Work("wide", size))
    after, spent = _seconds(processes), _busy() - busy
    values = {name: max(after[name] - before[name], 0.0) for name in processes}
    values[REST] = max(spent - sum(values.values()), 0.0)
    return {f"{name}_ms": seconds * 1000 / size for name, seconds in values.items()}


def _seconds(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    return {name: _of_tree(process) for name, process in processes.items()}


def _of_tree(root: psutil.Process) -> float:
    """Return the seconds of a process and its descendants, with those that it has waited for."""
    seconds = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            seconds += sum(process.cpu_times()[:4])
    return seconds


def _busy() -> float:
    """Return the seconds that the machine's processors have worked."""
    times = psutil.cpu_times()
    # On Linux a guest's time is within the user's.
    return times.user + times.nice + times.system + times.irq + times.softirq
