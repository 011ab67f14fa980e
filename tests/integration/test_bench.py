"""The harness of `make bench` measures a real stack beside raw Temporal."""

from pathlib import Path

import pytest

from tests.bench import report
from tests.bench.phase import measure
from tests.bench.plan import Phase
from tests.bench.samples import Samples
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

COMMON = {
    "latency": 2,
    "chain@4": 1,
    "fan_out@6": 1,
    "for_each@6": 1,
    "runs@3": 1,
    "timeline@4": 1,
}


def test_openlake_and_raw_temporal_are_measured_side_by_side(stack: Stack, tmp_path: Path) -> None:
    found = Samples()
    counts = {"openlake": {**COMMON, "statements": 2, "history@4": 1}, "temporal": COMMON}
    measure(Phase("openlake", counts), found, running=stack)
    asked = {(name.partition("@")[0], who) for who, each in counts.items() for name in each}
    assert asked <= {(each.measure, each.subject) for each in found.samples}
    assert all(value > 0 for each in found.samples for value in each.values.values()), found
    report.write(found, tmp_path / "page.md", tmp_path / "pictures")
    (first, *_) = report.verdicts(found)
    assert first[2].endswith("×")
