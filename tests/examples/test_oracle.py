"""The oracle itself, held against facts known from elsewhere and against made-up frames."""

import pandas as pd
import pytest

from tests.examples import oracle


def test_counts_are_those_of_the_published_data_set():
    # https://github.com/tidyverse/nycflights13: 336,776 flights, 8,255 without departure time.
    everything = oracle.expected()
    assert everything.counts["rows"] == oracle.BRONZE_ROWS["flights"]
    assert everything.counts["cancelled"] == 8255
    assert len(everything.carrier_ranking) == oracle.BRONZE_ROWS["airlines"]
    assert len(everything.daily_delays) == 365 * 3


def test_parameters_choose_rows():
    chosen = oracle.expected("2", "UA,HA")
    assert set(chosen.flights["carrier"]) == {"UA", "HA"}
    assert {day.month for day in chosen.flights["flight_date"]} == {2}
    assert chosen.counts["rows"] == int(chosen.daily_delays["flights"].sum())
    assert chosen.counts["rows"] == int(chosen.carrier_ranking["flights"].sum())
    assert list(chosen.carrier_ranking["place"]) == [1, 2]


def test_baseline_is_a_believable_score():
    assert 0.8 < oracle.baseline_r2() < 0.87
    assert oracle.training_rows() == 60_000
    assert oracle.training_rows("2", "HA") == 28


FRAME = pd.DataFrame({"k": ["a", "b"], "n": [1, 2], "x": [0.5, None], "t": ["p", None]})


def test_equal_frames_do_not_differ_whatever_the_order_and_types():
    other = FRAME.iloc[::-1].assign(n=[2.0, 1.0], more=0)
    assert oracle.difference("t", other, FRAME, ["k"]) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n": [1, 3]}, "t.n: 1 rows differ, first at k=b: "),
        ({"x": [0.5, 0.0]}, "t.x: 1 rows differ, first at k=b: "),
        ({"x": [0.5001, None]}, "t.x: 1 rows differ, first at k=a: "),
        ({"t": ["p", "q"]}, "t.t: 1 rows differ, first at k=b: "),
        ({"k": ["a", "c"]}, "t.k: 1 rows differ, first at k=b: "),
    ],
)
def test_a_difference_is_named(change: dict[str, list[object]], said: str):
    assert oracle.difference("t", FRAME.assign(**change), FRAME, ["k"]).startswith(said)


def test_missing_rows_and_columns_are_named():
    assert "1 rows instead of 2" in oracle.difference("t", FRAME.head(1), FRAME, ["k"])
    assert "no column x" in oracle.difference("t", FRAME.drop(columns="x"), FRAME, ["k"])
