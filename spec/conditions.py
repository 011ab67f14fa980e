"""Judges the condition of a condition task; pure."""

from decimal import Decimal, InvalidOperation

from spec.task_types import ConditionOp


def holds(op: ConditionOp, left: str, right: str) -> bool:
    """Tell whether `left op right` is true.

    EQUAL_TO and NOT_EQUAL compare text ("12.0" is not "12"), the others numbers, exactly.

    Raises:
        ValueError: numbers are to be compared, and one side is none.
    """
    if op is ConditionOp.EQUAL_TO:
        return left == right
    if op is ConditionOp.NOT_EQUAL:
        return left != right
    a, b = _number(op, left), _number(op, right)
    return {
        ConditionOp.GREATER_THAN: a > b,
        ConditionOp.GREATER_THAN_OR_EQUAL: a >= b,
        ConditionOp.LESS_THAN: a < b,
        ConditionOp.LESS_THAN_OR_EQUAL: a <= b,
    }[op]


def _number(op: ConditionOp, text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = None
    if number is None or number.is_nan():
        raise ValueError(
            f"{op.value} compares numbers, and '{text[:100]}' is none; use EQUAL_TO or NOT_EQUAL"
            " for text, or check the reference"
        )
    return number
