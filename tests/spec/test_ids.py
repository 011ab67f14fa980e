"""Numbers and names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.ids import (
    MAX_ATTEMPTS,
    is_task_run,
    lineage_run_id,
    reserved_ids,
    run_id_at,
    run_of,
    submit_key,
    task_run_id,
    workflow_id,
)

NUMBERS = st.integers(1, 2**33 - 1)
ORDINALS = st.integers(1, MAX_ATTEMPTS)


@given(NUMBERS, ORDINALS)
def test_task_run_names_its_run(number: int, ordinal: int):
    run = run_id_at(number)
    attempt = task_run_id(run, ordinal)
    assert run_of(attempt) == run == run_of(run)
    assert is_task_run(attempt) and not is_task_run(run)
    assert attempt < 2**53, "JavaScript reads it exactly"


@given(NUMBERS, ORDINALS, NUMBERS, ORDINALS)
def test_no_two_attempts_share_a_number(number: int, ordinal: int, other: int, second: int):
    same = task_run_id(run_id_at(number), ordinal) == task_run_id(run_id_at(other), second)
    assert same == ((number, ordinal) == (other, second))


@given(NUMBERS, ORDINALS)
def test_lineage_id_is_a_valid_uuid_that_holds_the_number(number: int, ordinal: int):
    attempt = task_run_id(run_id_at(number), ordinal)
    uuid = lineage_run_id(attempt)
    assert uuid.version == 7
    assert uuid.int & (2**62 - 1) == attempt
    assert uuid == lineage_run_id(attempt)


@pytest.mark.parametrize("ordinal", [0, -1, MAX_ATTEMPTS + 1])
def test_ordinal_out_of_range_is_refused(ordinal: int):
    with pytest.raises(ValueError, match="a run can start"):
        task_run_id(run_id_at(1), ordinal)


def test_ids_are_reserved_behind_those_that_are_used():
    assert reserved_ids(run_id_at(1), 7, "ba") == {"b": run_id_at(1) + 8, "a": run_id_at(1) + 9}


def test_spelling():
    assert workflow_id(1048576, 0) == "run/1048576"
    assert workflow_id(1048576, 2) == "run/1048576/repair/2"
    assert submit_key(1048577) == "openlake-1048577"
