"""What an alert's condition says of an answer, and who hears of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from spec.alerts import AlertCondition, AlertState, describe, is_told, judge

OK, TRIGGERED, UNKNOWN = AlertState.OK, AlertState.TRIGGERED, AlertState.UNKNOWN
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def condition(op: str, value: dict[str, Any] | None = None, **more: Any) -> AlertCondition:
    threshold = {"threshold": {"value": value}} if value is not None else {}
    column = {"column": {"name": "late"}}
    return AlertCondition.model_validate({"op": op, "operand": column, **threshold, **more})


@pytest.mark.parametrize(
    ("op", "value", "cell", "state"),
    [
        ("GREATER_THAN", {"double_value": 9}, "10", TRIGGERED),
        ("GREATER_THAN", {"double_value": 10}, "10.0", OK),
        ("GREATER_THAN_OR_EQUAL", {"double_value": 10}, "1e1", TRIGGERED),
        ("LESS_THAN", {"double_value": 9}, "10", OK),
        ("LESS_THAN_OR_EQUAL", {"double_value": -1.5}, "-1.50", TRIGGERED),
        ("EQUAL", {"double_value": 12}, "12.0", TRIGGERED),
        ("NOT_EQUAL", {"double_value": 12}, "12.0", OK),
        ("EQUAL", {"double_value": 12}, "twelve", UNKNOWN),
        ("EQUAL", {"string_value": "12"}, "12.0", OK),
        ("NOT_EQUAL", {"string_value": "a"}, "b", TRIGGERED),
        ("GREATER_THAN", {"string_value": "2026-01-31"}, "2026-02-01", TRIGGERED),
        ("EQUAL", {"bool_value": False}, "false", TRIGGERED),
        ("NOT_EQUAL", {"bool_value": True}, "TRUE", OK),
        ("EQUAL", {"bool_value": True}, "1", UNKNOWN),
        ("IS_NULL", None, None, TRIGGERED),
        ("IS_NULL", None, "", OK),
        ("NOT_EQUAL", {"double_value": 12}, None, OK),
        ("EQUAL", {"string_value": ""}, None, OK),
    ],
)
def test_the_first_row_is_judged(
    op: str, value: dict[str, Any] | None, cell: str | None, state: AlertState
) -> None:
    verdict = judge(condition(op, value), ("day", "LATE"), [("x", cell), ("y", "99")])
    assert verdict.state is state
    assert bool(verdict.reason) is (state is UNKNOWN)
    assert verdict.value == cell


def test_no_row_gives_the_state_that_was_chosen() -> None:
    assert judge(condition("IS_NULL"), ("late",), []).state is UNKNOWN
    chosen = condition("IS_NULL", empty_result_state="TRIGGERED")
    assert judge(chosen, ("late",), []).state is TRIGGERED


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    verdict = judge(condition("IS_NULL"), ("day", "many"), [("x", "1")])
    assert verdict.state is UNKNOWN
    assert verdict.reason == "the query gives no column 'late'; it has day, many"


@pytest.mark.parametrize(
    ("op", "value", "says"),
    [
        ("EQUAL", None, "exactly one"),
        ("EQUAL", {"double_value": 1, "string_value": "1"}, "exactly one"),
        ("IS_NULL", {"double_value": 1}, "takes no"),
        ("LESS_THAN", {"bool_value": True}, "EQUAL and NOT_EQUAL"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(
    op: str, value: dict[str, Any] | None, says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        condition(op, value)


@pytest.mark.parametrize(
    ("before", "now", "told_s_ago", "again_s", "on_ok", "told"),
    [
        (UNKNOWN, TRIGGERED, None, 0, False, True),
        (OK, TRIGGERED, 1, 0, False, True),
        (TRIGGERED, TRIGGERED, 9999, 0, False, False),
        (TRIGGERED, TRIGGERED, 59, 60, False, False),
        (TRIGGERED, TRIGGERED, 60, 60, False, True),
        (TRIGGERED, TRIGGERED, None, 0, False, True),
        (TRIGGERED, OK, 5, 0, False, False),
        (TRIGGERED, OK, 5, 0, True, True),
        (OK, OK, 5, 0, True, False),
        (UNKNOWN, OK, None, 0, True, False),
        (TRIGGERED, UNKNOWN, 5, 1, True, False),
    ],
)
def test_who_hears_of_a_state(
    before: AlertState,
    now: AlertState,
    told_s_ago: int | None,
    again_s: int,
    on_ok: bool,
    told: bool,
) -> None:
    last = None if told_s_ago is None else NOW - timedelta(seconds=told_s_ago)
    answer = is_told(
        before, now, last_told_at=last, at=NOW, seconds_to_retrigger=again_s, notify_on_ok=on_ok
    )
    assert answer is told


def test_conditions_are_spelled_for_people() -> None:
    assert describe(condition("GREATER_THAN", {"double_value": 10})) == "late > 10"
    assert describe(condition("EQUAL", {"bool_value": True})) == "late = true"
    assert describe(condition("IS_NULL")) == "late is null"
