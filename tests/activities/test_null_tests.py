"""Null tests are spelled otherwise for DuckDB, and nothing else is touched."""

import pytest

from activities.sql.null_tests import respell


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("where a is not null and b Is  Null", "where a {n} and b {y}"),
        ("where (a ISNULL) or b notnull;", "where (a {y}) or b {n};"),
        ("where a is null -- is null\n", "where a {y} -- is null\n"),
        ("where a is not\nnull /* is null */", "where a {n} /* is null */"),
    ],
)
def test_null_tests_are_respelled(written: str, sent: str) -> None:
    words = {"n": "IS DISTINCT FROM NULL", "y": "IS NOT DISTINCT FROM NULL"}
    assert respell(written) == sent.format(**words)


@pytest.mark.parametrize(
    "text",
    [
        "select 'x is null', \"is null\", E'it\\'s is null'",
        "select $$ is null $$, $t$ is not null $t$",
        "select x from t where x is not null = true",
        "select x is null::int, y is not null is true",
        "create table t (a int not null, b int default null)",
    ],
)
def test_what_is_no_plain_null_test_stays(text: str) -> None:
    assert respell(text) == text
