"""The short run of the harness, in CI: seeds that once failed, then new ones, on a real stack."""

import secrets
import shutil
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from uuid import uuid4

import pytest

from tests.chaos import ledger
from tests.chaos.campaign import run_campaign, seeds_from
from tests.chaos.ground import make_ground
from tests.chaos.plan import FaultKind, make_plan
from tests.integration.stack import Stack

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]

BEGIN_WITHIN_S = 20
"""No trial begins later; the long run is `make chaos`."""
QUICK = (FaultKind.KILL, FaultKind.KILL_TASK, FaultKind.POINT, FaultKind.HELD, FaultKind.LINK)
MOST = 4


def test_promises_hold_under_faults_from_a_seed(
    whole_stack: Stack, record_property: Callable[[str, object], None]
) -> None:
    folder = whole_stack.data_dir.parent / f"chaos-{uuid4().hex[:8]}"
    first = secrets.randbelow(1 << 32)
    # A full disk needs one of its own, which this stack has not.
    failed = [seed for seed in ledger.read_seeds()[::-1] if not make_plan(seed).starves]
    seeds = chain(failed, seeds_from(first, QUICK, MOST))
    lines = [f"chaos: campaign seed {first}"]
    try:
        with make_ground(whole_stack, folder, f"chaos_{uuid4().hex[:6]}") as ground:
            until = time.monotonic() + BEGIN_WITHIN_S
            tally = run_campaign(ground, seeds, lines.append, until=until, keep=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    record_property("printed", f"{lines[0]} · {tally}")
    assert not tally.violations, "\n".join(lines)
    assert not tally.missed, "\n".join(lines)
    assert tally.kills


def test_the_ledger_can_be_read() -> None:
    assert all(set(each) >= {"id", "seed", "faults", "outcome"} for each in ledger.read())
    assert Path(ledger.SEEDS).exists()
