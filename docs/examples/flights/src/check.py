"""Fails the run when the tables do not agree with each other."""

import argparse

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog


def count_problem(table: str, found: int, expected: int) -> list[str]:
    """Say so when a count is not what it must be."""
    if found == expected:
        return []
    return [f"{table} accounts for {found:,} flights, but clean wrote {expected:,}"]


def key_problem(table: str, rows: pa.Table, key: list[str]) -> list[str]:
    """Say so when two rows have the same key, or a row has none."""
    problems: list[str] = []
    distinct = rows.select(key).group_by(key).aggregate([]).num_rows
    if distinct != rows.num_rows:
        problems.append(
            f"{table} has {rows.num_rows:,} rows but {distinct:,} different ({', '.join(key)})"
        )
    for column in key:
        if rows[column].null_count:
            problems.append(f"{table} has {rows[column].null_count:,} rows without {column}")
    return problems


def problems_of(catalog: Catalog, expected: int) -> list[str]:
    """Return what is wrong with the silver and gold tables, a sentence each."""
    key = ["flight_date", "carrier", "flight", "origin"]
    flights = catalog.load_table("silver.flights").scan(selected_fields=tuple(key)).to_arrow()
    days = catalog.load_table("gold.daily_delays").scan().to_arrow()
    ranking = catalog.load_table("gold.carrier_ranking").scan().to_arrow()
    problems = count_problem("silver.flights", flights.num_rows, expected)
    problems += key_problem("silver.flights", flights, key)
    problems += count_problem("gold.daily_delays", sum(days["flights"].to_pylist()), expected)
    problems += key_problem("gold.daily_delays", days, ["flight_date", "origin"])
    problems += count_problem("gold.carrier_ranking", sum(ranking["flights"].to_pylist()), expected)
    problems += key_problem("gold.carrier_ranking", ranking, ["carrier"])
    places = sorted(ranking["place"].to_pylist())
    if places != list(range(1, len(places) + 1)):
        problems.append(f"gold.carrier_ranking has the places {places} instead of 1, 2, 3, …")
    return problems


def main() -> None:
    """Check all tables, then stop with every problem there is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True, help="the rows that clean wrote")
    expected: int = parser.parse_args().rows
    problems = problems_of(load_catalog("lakehouse"), expected)
    if problems:
        raise SystemExit("The tables do not agree: " + "; ".join(problems) + ".")
    print(f"All tables agree on {expected:,} flights, and every key is unique.")


if __name__ == "__main__":
    main()
