"""Runs one phase of the plan: starts its subjects, lets them take turns, and stops them."""

import math
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.catalogue import MEASURES
from tests.bench.plan import Phase, turns
from tests.bench.samples import Sample, Samples, commit
from tests.bench.subject import Subject, Work
from tests.bench.subjects.airflow import Airflow
from tests.bench.subjects.openlake import OpenLake
from tests.bench.subjects.prefect import Prefect
from tests.bench.subjects.temporal import Temporal
from tests.integration.stack import Stack


def measure(
    phase: Phase,
    found: Samples,
    *,
    running: Stack | None = None,
    times: float = 1,
    keep: Callable[[], None] = lambda: None,
) -> None:
    """Measure a phase, and add its samples to `found`.

    Args:
        phase: Whom to measure, and what.
        found: Gets the samples.
        running: An OpenLake that runs already; without it, one of its own is started.
        times: A factor to the number of samples.
        keep: Called after each measure, to keep what was found whatever happens to the next one.
    """
    at = commit()
    with ExitStack() as open_things:
        home = open_things.enter_context(folder())
        subjects: dict[str, Subject] = {}
        for name, subject in make(phase, home, running).items():
            open_things.callback(subject.stop)
            with noting(phase.name, "start", name, set()):
                seconds = start(phase.name, subject)
                subjects[name] = subject
                found.versions[name] = dict(subject.versions())
                if not isinstance(subject, OpenLake) or subject.is_ours:
                    values = {"seconds": seconds}
                    found.samples.append(Sample(phase.name, "start", 0, name, values, commit=at))
        for word in phase.measures():
            counts = {
                subject: max(1, math.ceil(counts[word] * times))
                for subject, counts in phase.counts.items()
                if word in counts and subject in subjects
            }
            found.samples += take_turns(phase.name, word, subjects, counts, at)
            keep()


def start(phase: str, subject: Subject) -> float:
    """Start a subject, run one task on it, and return the seconds of the start alone."""
    say(phase, "start", subject.name, "starting")
    began = time.monotonic()
    subject.start()
    seconds = time.monotonic() - began
    say(phase, "start", subject.name, f"{seconds:.1f} s")
    # The first run after a start makes ready what later ones find.
    subject.prepare(Work("chain", 1))
    subject.run(Work("chain", 1))
    return seconds


def take_turns(
    phase: str, word: str, subjects: Mapping[str, Subject], counts: Mapping[str, int], at: str
) -> list[Sample]:
    """Return the samples of one measure, of all subjects that are asked for it."""
    name, _, given = word.partition("@")
    one = MEASURES[name]
    size = int(given or one.size)
    taken: list[Sample] = []
    out: set[str] = set()
    for subject in counts:
        with noting(phase, word, subject, out):
            one.prepare(subjects[subject], size)
    for subject in turns(counts):
        if subject in out:
            continue
        with noting(phase, word, subject, out):
            values = one.take(subjects[subject], size)
            taken.append(Sample(phase, name, size, subject, values, commit=at))
            figures = "  ".join(f"{key} {value:,.1f}" for key, value in values.items())
            say(phase, word, subject, figures)
    return taken


def make(phase: Phase, home: Path, running: Stack | None) -> dict[str, Subject]:
    """Return the subjects of a phase, not started; two of OpenLake share one stack."""
    own = OpenLake(home, stack=running, profile=phase.profile)
    shared = own.stack if "openlake" in phase.counts else running
    kinds: dict[str, Callable[[], Subject]] = {
        "openlake": lambda: own,
        "openlake-process": lambda: OpenLake(home, "PROCESS", stack=shared),
        "temporal": lambda: Temporal(home),
        "temporal-as-it-comes": lambda: Temporal(home, tuned=False),
        "airflow": lambda: Airflow(home),
        "airflow-as-it-comes": lambda: Airflow(home, tuned=False),
        "prefect-serve": lambda: Prefect(home),
        "prefect-worker": lambda: Prefect(home, serve=False),
    }
    return {name: kinds[name]() for name in phase.counts}


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder for everything that subjects write; it is gone afterwards."""
    # Not a private one: the user that PostgreSQL runs as must be able to pass through it.
    home = Path(tempfile.mkdtemp(prefix="openlake-bench-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def noting(phase: str, what: str, subject: str, failed: set[str]) -> Iterator[None]:
    """Go on after a subject could not do a thing; it is still measured in the others."""
    try:
        yield
    except Exception as error:
        failed.add(subject)
        say(phase, what, subject, f"failed: {error!r}")


def say(phase: str, what: str, subject: str, text: str) -> None:
    """Print one line of progress."""
    print(f"{time.strftime('%H:%M:%S')}  {phase:<20} {what:<14} {subject:<22} {text}", flush=True)
