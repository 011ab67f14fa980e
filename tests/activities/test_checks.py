"""When rows break the rule of a check, and how that is said."""

import pytest

from activities.sql.checks import broken_rule
from spec.attempts import SqlResult


def rows(count: int, truncated: bool = False) -> SqlResult:
    return SqlResult(columns=("a",), rows=(("1",),) * count, truncated=truncated)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (rows(1), "The check failed: 1 row breaks the rule"),
        (rows(3), "The check failed: 3 rows break the rule"),
        (rows(1000, truncated=True), "The check failed: more than 1000 rows break the rule"),
        (None, "The check failed: its SQL ends with no query that could be judged."),
    ],
)
def test_rows_break_the_rule(answer: SqlResult | None, said: str):
    assert broken_rule(answer) == said


def test_no_row_keeps_it():
    assert broken_rule(rows(0)) is None
