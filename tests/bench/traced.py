"""Which subjects the harness can look into."""

from tests.bench.subject import Subject, Traced
from tests.bench.subjects.openlake import OpenLake
from tests.bench.subjects.temporal import Temporal


def traced(subject: Subject) -> Traced:
    """Return a subject that has a history; others are not asked for it."""
    assert isinstance(subject, OpenLake | Temporal)
    return subject
