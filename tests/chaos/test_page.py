"""docs/reliability.md says what the ledger and the tests say, and nothing else."""

import ast

import pytest

from tests.chaos import ledger
from tests.chaos.invariants import INVARIANTS
from tests.chaos.page import PAGE, TESTS, page
from tests.chaos.promises import PROMISES

NAMED = sorted({test for promise in PROMISES for test in promise.tests})


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(ledger.read()), "run `python -m tests.chaos.page`"


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_the_page_names_exists(named: str) -> None:
    file, _, function = named.partition("::")
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert function in {each.name for each in tree.body if isinstance(each, kinds)}


def test_every_promise_is_tried_and_every_invariant_is_promised() -> None:
    assert all(promise.tests or promise.invariants for promise in PROMISES)
    assert {name for promise in PROMISES for name in promise.invariants} == set(INVARIANTS)


def test_figures_are_computed_from_the_ledger() -> None:
    held = {
        "id": "one",
        "seed": 1,
        "commit": "abc",
        "faults": [
            {"fault": "kill api", "fired": True, "kills": 1},
            {"fault": "link temporal slow 2 s", "fired": False, "kills": 0},
            {"fault": "point after_submit@c2", "fired": True, "kills": 1},
        ],
        "kills": 2,
        "runs": 1_000,
        "attempts": 20,
        "invariants": dict.fromkeys(INVARIANTS, "held"),
        "duration_s": 1_800,
        "outcome": "held",
    }
    broken = {**held, "id": "two", "outcome": "violated"}
    broken["invariants"] = {**dict.fromkeys(INVARIANTS, "held"), "every_run_ends": ["run 1"]}
    text = page([held, broken, held])
    assert "| processes killed | 6 |" in text
    assert "| processes killed since the last violation | 2 |" in text
    assert "| runs | 3,000 |" in text
    assert "| hours | 1.5 |" in text
    assert "| link temporal slow | 3 | 0 |" in text
    assert "| point after_submit | 3 | 3 |" in text
    assert "| `two` | 1 | `abc` | `every_run_ends` |" in text
