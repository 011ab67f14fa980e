"""How the parameters of a saved query get into its text."""

from datetime import UTC, datetime

import pytest

from control.queries.binding import BoundText, bind, typed
from spec.dynamic_dates import DynamicDateRange, range_of
from spec.errors import Invalid
from spec.query_parameters import Given, QueryParameter, SqlType, bound_values

NOW = datetime(2024, 2, 29, 13, 45, 6, tzinfo=UTC)
"""A Thursday in a leap year."""

DECLARED = [
    {"name": "region", "text_value": {"value": "north"}},
    {"name": "least", "numeric_value": {"value": 3}},
    {"name": "day", "date_value": {"date_value": "2024-01-31"}},
    {"name": "at", "date_value": {"dynamic_date_value": "NOW", "precision": "SECOND_PRECISION"}},
    {"name": "span", "date_range_value": {"dynamic_date_range_value": "LAST_7_DAYS"}},
    {"name": "one", "enum_value": {"enum_options": "a\nb\nc", "values": ["b"]}},
    {
        "name": "some",
        "enum_value": {
            "enum_options": "a\nb\nc",
            "values": ["a", "c"],
            "multi_values_options": {"separator": ","},
        },
    },
    {"name": "needed", "text_value": {}},
]
PARAMETERS = [QueryParameter.model_validate(each) for each in DECLARED]


def bound(text: str, dialect: str = "duckdb", **given: Given) -> BoundText:
    return bind(text, PARAMETERS, bound_values(PARAMETERS, given, NOW), dialect)


def values(text: str, **given: Given) -> list[tuple[str, str, str | None]]:
    return [
        (each.name, each.type.value, each.value) for each in bound(text, "duckdb", **given).values
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT :region", [("region", "STRING", "north")]),
        ("SELECT :least", [("least", "BIGINT", "3")]),
        ("SELECT :day", [("day", "DATE", "2024-01-31")]),
        ("SELECT :at", [("at", "TIMESTAMP", "2024-02-29 13:45:06")]),
        ("SELECT :span.min", [("span_min", "DATE", "2024-02-22")]),
        ("SELECT {{ span.end }}", [("span_max", "DATE", "2024-02-29")]),
        ("SELECT :one", [("one", "STRING", "b")]),
        ("IN (:some)", [("some_1", "STRING", "a"), ("some_2", "STRING", "c")]),
        ("SELECT 1", []),
    ],
)
def test_a_default_is_bound_with_its_kinds_type(
    text: str, expected: list[tuple[str, str, str | None]]
) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("region", "it's", ("STRING", "it's")),
        ("region", 7, ("STRING", "7")),
        ("region", None, ("STRING", None)),
        ("least", "12", ("BIGINT", "12")),
        ("least", "1.5", ("DOUBLE", "1.5")),
        ("least", 2.0, ("BIGINT", "2")),
        ("least", 10**30, ("DOUBLE", str(10**30))),
        ("least", None, ("DOUBLE", None)),
        ("day", "2024-03-01T10:00:00", ("DATE", "2024-03-01")),
        ("day", "YESTERDAY", ("DATE", "2024-02-28")),
        ("at", "2024-03-01T10:00:00+02:00", ("TIMESTAMP", "2024-03-01 08:00:00")),
        ("one", "c", ("STRING", "c")),
        ("free", "x", ("STRING", "x")),
        ("free", 1.5, ("DOUBLE", "1.5")),
    ],
)
def test_what_a_run_gives_wins(name: str, given: Given, expected: tuple[str, str | None]) -> None:
    assert values(f"SELECT :{name}", **{name: given}) == [(name, *expected)]


def test_a_range_and_a_list_can_be_given_as_text() -> None:
    text = "SELECT :span.min, :span.max"
    assert values(text, span="2024-01-01..2024-01-31") == [
        ("span_min", "DATE", "2024-01-01"),
        ("span_max", "DATE", "2024-01-31"),
    ]
    assert values(text, span="THIS_MONTH")[0] == ("span_min", "DATE", "2024-02-01")
    for given in ('["b", "c"]', ("b", "c")):
        assert [value for _, _, value in values("IN (:some)", some=given)] == ["b", "c"]
    assert [value for _, _, value in values("IN (:some)", some="b")] == ["b"]
    assert bound("IN (:some)", some=()).text == "IN (NULL)"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"least": "many"}, "parameter 'least': 'many' is not a number"),
        ({"least": "inf"}, "'inf' is not a finite number"),
        ({"free": float("nan")}, "parameter 'free': 'nan' is not a finite number"),
        ({"day": "tomorrow"}, "parameter 'day': 'tomorrow' is not a date"),
        ({"one": "d"}, "'d' is not among its values: a, b, c"),
        ({"some": ("a", "d")}, "'d' is not among its values"),
        ({"region": ("a", "b")}, "takes one value, not a list"),
        ({"span": "2024"}, "'2024' is no range: write start..end, or one of TODAY"),
        ({"span": "2024-02-01..2024-01-01"}, "ends before it starts"),
        ({"span": None}, "a range cannot be NULL"),
        ({"free": ("a",)}, "only a declared parameter takes a list"),
    ],
)
def test_a_value_that_does_not_fit_is_named(given: dict[str, Given], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        bound_values(PARAMETERS, given, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("WHERE d BETWEEN :span.min AND :span.max", "WHERE d BETWEEN :span_min AND :span_max"),
        ("WHERE r = {{ region }} AND s = '{{region}}'", "WHERE r = :region AND s = :region"),
        ("WHERE s IN (:some) OR t = :one", "WHERE s IN (:some_1, :some_2) OR t = :one"),
        ("SELECT ':region', ts::date, a[1:2] -- :region {{ region }}", None),
        ("SELECT '{{ nothing }} of ours', {'a': 1}", None),
        ('SELECT ":region" FROM t /* {{ some }} */', None),
    ],
)
def test_markers_become_plain_ones_outside_quotes_and_comments(
    text: str, expected: str | None
) -> None:
    for dialect in ("duckdb", "trino", "databricks"):
        assert bound(text, dialect).text == (expected or text)


def test_names_made_for_markers_do_not_meet_declared_ones() -> None:
    declared = [*PARAMETERS, QueryParameter.model_validate({"name": "span_min", "text_value": {}})]
    values = bound_values(declared, {"span_min": "mine"}, NOW)
    found = bind("SELECT :span.min, :span_min", declared, values, "duckdb")
    assert found.text == "SELECT :span_min_, :span_min"
    assert {each.name: each.value for each in found.values} == {
        "span_min_": "2024-02-22",
        "span_min": "mine",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT '%{{ region }}%'", "stands inside other text"),
        ('SELECT "{{ region }}"', "names cannot be parameters"),
        ("SELECT :span", "write :span.min and :span.max"),
        ("SELECT {{ region.start }}", "'region' has no part 'start'"),
        ("SELECT 'open", "cannot be read"),
    ],
)
def test_what_cannot_be_bound_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        bound(text, "trino")


def test_what_has_no_value_is_told() -> None:
    found = bound("SELECT :needed, {{ needed }}, :other, :region")
    assert (found.missing, found.used) == (
        ("needed", "other"),
        frozenset({"needed", "other", "region"}),
    )


def test_engines_that_are_given_text_alone_are_told_the_types() -> None:
    given = bound_values(PARAMETERS, {"region": None}, NOW)
    text = "SELECT :region, :least, :day, :one"
    assert bind(text, PARAMETERS, given, "duckdb", spell=typed).text == (
        "SELECT CAST(NULL AS VARCHAR), CAST(:least AS BIGINT), CAST(:day AS DATE), :one"
    )


@pytest.mark.parametrize(
    ("chosen", "start", "end"),
    [
        ("TODAY", "2024-02-29", "2024-02-29"),
        ("YESTERDAY", "2024-02-28", "2024-02-28"),
        ("THIS_WEEK", "2024-02-26", "2024-03-03"),
        ("LAST_WEEK", "2024-02-19", "2024-02-25"),
        ("THIS_MONTH", "2024-02-01", "2024-02-29"),
        ("LAST_MONTH", "2024-01-01", "2024-01-31"),
        ("THIS_YEAR", "2024-01-01", "2024-12-31"),
        ("LAST_YEAR", "2023-01-01", "2023-12-31"),
        ("LAST_14_DAYS", "2024-02-15", "2024-02-29"),
        ("LAST_12_MONTHS", "2023-02-28", "2024-02-29"),
        ("LAST_HOUR", "2024-02-29", "2024-02-29"),
    ],
)
def test_dynamic_ranges(chosen: str, start: str, end: str) -> None:
    found = range_of(DynamicDateRange(chosen), NOW)
    assert [f"{each:%Y-%m-%d}" for each in found] == [start, end]
    assert found[0] <= found[1]


@pytest.mark.parametrize(("first", "start"), [(0, "25"), (7, "25"), (1, "26"), (6, "24")])
def test_a_week_may_begin_on_any_day(first: int, start: str) -> None:
    assert f"{range_of(DynamicDateRange.THIS_WEEK, NOW, first)[0]:%d}" == start


def test_every_type_is_one_that_statements_know() -> None:
    from spec.statements import scalar_type

    assert [scalar_type(each.value).name for each in SqlType] == [each.value for each in SqlType]
