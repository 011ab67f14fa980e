"""The verdict on a check: its last statement must give no row."""

from spec.attempts import SqlResult


def broken_rule(answer: SqlResult | None) -> str | None:
    """Say that the rows of a check's last statement break its rule; None when there are none.

    Args:
        answer: Of the last statement; None when there was no statement, or it gave no rows back.
    """
    if answer is None:
        return "The check failed: its SQL ends with no query that could be judged."
    if not answer.rows:
        return None
    if answer.truncated:
        return f"The check failed: more than {len(answer.rows)} rows break the rule"
    count = len(answer.rows)
    return f"The check failed: {'1 row breaks' if count == 1 else f'{count} rows break'} the rule"
