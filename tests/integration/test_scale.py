"""Wide runs cost about as much a task as narrow ones, in histories that Temporal likes."""

from collections.abc import Iterator

import pytest

from tests.bench.fan_out import compare
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

WARNING = 10_240


@pytest.fixture
def without_engine(stack: Stack) -> Iterator[Stack]:
    """The stack, its engine worker away: attempts are answered at once by the test."""
    stack.command("down", "--only", "engine-worker")
    yield stack
    stack.up()


@pytest.mark.parametrize(("shape", "small", "large"), [("for_each", 150, 900), ("wide", 80, 400)])
async def test_the_rate_stays_flat(
    without_engine: Stack, shape: str, small: int, large: int
) -> None:
    found = await compare(without_engine, shape, [small, large])
    # The machine does other things too, so the bound is loose; quadratic cost would be 5 times.
    assert found[large].rate > found[small].rate * 0.4, found
    assert found[large].longest_history < WARNING
