"""SQL alerts: a condition on the first row of a query's answer; pure.

Names and operators are those of Databricks' Alerts API (`/api/2.0/sql/alerts`). What its
documentation leaves open: NULL fulfils IS_NULL and nothing else; text is compared by its characters
(so ISO dates compare rightly); a value that is no number cannot be held against one, and leaves the
state UNKNOWN.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import model_validator

from spec.model import Model


class AlertState(StrEnum):
    """What the last look at an alert's query said."""

    OK = "OK"
    TRIGGERED = "TRIGGERED"
    UNKNOWN = "UNKNOWN"


class AlertOp(StrEnum):
    """How the value is held against the threshold."""

    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL"
    EQUAL = "EQUAL"
    NOT_EQUAL = "NOT_EQUAL"
    IS_NULL = "IS_NULL"


class OperandColumn(Model):
    """A column of the query's answer."""

    name: str


class Operand(Model):
    """What is judged."""

    column: OperandColumn


class ThresholdValue(Model):
    """One value."""

    bool_value: bool | None = None
    double_value: float | None = None
    string_value: str | None = None


class Threshold(Model):
    """What the operand is held against."""

    value: ThresholdValue


class AlertCondition(Model):
    """When an alert is triggered."""

    op: AlertOp
    operand: Operand
    threshold: Threshold | None = None
    empty_result_state: AlertState | None = None
    """The state when the query gives no row; UNKNOWN when not given."""

    @model_validator(mode="after")
    def _sound(self) -> "AlertCondition":
        value = self.threshold.value if self.threshold else ThresholdValue()
        given = [name for name in ThresholdValue.model_fields if getattr(value, name) is not None]
        if self.op is AlertOp.IS_NULL:
            if given:
                raise ValueError("IS_NULL takes no 'threshold'; remove it")
        elif len(given) != 1:
            raise ValueError(
                "'threshold.value' needs exactly one of 'bool_value', 'double_value', "
                "'string_value'"
            )
        if given == ["bool_value"] and self.op not in (AlertOp.EQUAL, AlertOp.NOT_EQUAL):
            raise ValueError("a 'bool_value' goes with EQUAL and NOT_EQUAL only")
        return self


@dataclass(frozen=True)
class Verdict:
    """What a condition says of an answer."""

    state: AlertState
    reason: str = ""
    """Why the state is UNKNOWN."""
    value: str | None = None
    """The value that was judged, as text."""


_COMPARE: Mapping[AlertOp, Callable[[Any, Any], bool]] = {
    AlertOp.GREATER_THAN: operator.gt,
    AlertOp.GREATER_THAN_OR_EQUAL: operator.ge,
    AlertOp.LESS_THAN: operator.lt,
    AlertOp.LESS_THAN_OR_EQUAL: operator.le,
    AlertOp.EQUAL: operator.eq,
    AlertOp.NOT_EQUAL: operator.ne,
}


def judge(
    condition: AlertCondition, columns: Sequence[str], rows: Sequence[Sequence[str | None]]
) -> Verdict:
    """Judge an answer by its first row.

    Args:
        condition: Of the alert.
        columns: The answer's columns.
        rows: Its rows, every cell as text; the first one counts.
    """
    if not rows:
        empty = condition.empty_result_state or AlertState.UNKNOWN
        unknown = empty is AlertState.UNKNOWN
        return Verdict(empty, "the query gave no row" if unknown else "")
    name = condition.operand.column.name
    places = [i for i, column in enumerate(columns) if column.lower() == name.lower()]
    if not places:
        has = ", ".join(columns)
        return Verdict(AlertState.UNKNOWN, f"the query gives no column '{name}'; it has {has}")
    cell = rows[0][places[0]]
    if condition.op is AlertOp.IS_NULL or cell is None:
        fulfilled = condition.op is AlertOp.IS_NULL and cell is None
        return Verdict(_state(fulfilled), value=cell)
    return _compared(condition, cell)


def _compared(condition: AlertCondition, cell: str) -> Verdict:
    value = condition.threshold.value if condition.threshold else ThresholdValue()
    compare = _COMPARE[condition.op]
    if value.string_value is not None:
        return Verdict(_state(compare(cell, value.string_value)), value=cell)
    if value.bool_value is not None:
        if cell.lower() not in ("true", "false"):
            return Verdict(AlertState.UNKNOWN, f"'{cell}' is neither true nor false", cell)
        return Verdict(_state(compare(cell.lower() == "true", value.bool_value)), value=cell)
    try:
        return Verdict(_state(compare(float(cell), value.double_value)), value=cell)
    except ValueError:
        return Verdict(AlertState.UNKNOWN, f"'{cell}' is no number", cell)


def _state(fulfilled: bool) -> AlertState:
    return AlertState.TRIGGERED if fulfilled else AlertState.OK


def is_told(
    before: AlertState,
    now: AlertState,
    *,
    last_told_at: datetime | None,
    at: datetime,
    seconds_to_retrigger: int,
    notify_on_ok: bool,
) -> bool:
    """Tell whether subscribers hear of a state.

    An alert that stays triggered is told again after `seconds_to_retrigger`, never when that is 0.
    """
    if now is AlertState.TRIGGERED:
        if before is not AlertState.TRIGGERED or last_told_at is None:
            return True
        pause = timedelta(seconds=seconds_to_retrigger)
        return seconds_to_retrigger > 0 and at - last_told_at >= pause
    return now is AlertState.OK and before is AlertState.TRIGGERED and notify_on_ok


def describe(condition: AlertCondition) -> str:
    """Spell a condition for people, e.g. `late > 10`."""
    name = condition.operand.column.name
    if condition.op is AlertOp.IS_NULL:
        return f"{name} is null"
    signs = {
        AlertOp.GREATER_THAN: ">",
        AlertOp.GREATER_THAN_OR_EQUAL: ">=",
        AlertOp.LESS_THAN: "<",
        AlertOp.LESS_THAN_OR_EQUAL: "<=",
        AlertOp.EQUAL: "=",
        AlertOp.NOT_EQUAL: "≠",
    }
    return f"{name} {signs[condition.op]} {threshold_text(condition)}"


def threshold_text(condition: AlertCondition) -> str:
    """Spell a condition's threshold; empty when it has none."""
    if condition.threshold is None:
        return ""
    value = condition.threshold.value
    if value.bool_value is not None:
        return "true" if value.bool_value else "false"
    return value.string_value if value.string_value is not None else f"{value.double_value:g}"
