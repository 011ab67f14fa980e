"""Silver: one row a flight, with types, and with the weather and the plane beside it.

The parameters choose which flights; `silver.flights` holds exactly those afterwards, so running it
again with the same parameters gives the same table.
"""

import argparse

from dbruntime import dbutils
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.column import Column


def number(column: str, kind: str = "int") -> Column:
    """Return a text column as numbers; the source writes NA where it knows none."""
    return F.when(F.col(column) != "NA", F.col(column).cast(kind)).alias(column)


def text(column: str) -> Column:
    """Return a text column with null for NA."""
    return F.when(F.col(column) != "NA", F.col(column)).alias(column)


def chosen(flights: DataFrame, month: str, carriers: str) -> DataFrame:
    """Return the flights of a month (or "all") and of a comma-separated list (or "all")."""
    if month != "all":
        flights = flights.where(F.col("month") == str(int(month)))
    if carriers != "all":
        codes = [code.strip().upper() for code in carriers.split(",") if code.strip()]
        flights = flights.where(F.col("carrier").isin(codes))
    return flights


def clean(flights: DataFrame, weather: DataFrame, planes: DataFrame) -> DataFrame:
    """Give the columns types and join; every flight stays, with or without weather and plane."""
    typed = flights.select(
        F.make_date(number("year"), number("month"), number("day")).alias("flight_date"),
        number("month"),
        number("hour"),
        text("carrier"),
        number("flight"),
        text("tailnum"),
        text("origin"),
        text("dest"),
        F.to_timestamp("time_hour").alias("scheduled_hour"),
        number("sched_dep_time"),
        number("dep_delay"),
        number("arr_delay"),
        number("air_time"),
        number("distance"),
        (F.col("dep_time") == "NA").alias("cancelled"),
    )
    hours = weather.select(
        text("origin"),
        F.to_timestamp("time_hour").alias("scheduled_hour"),
        *(number(c, "double") for c in ("temp", "humid", "wind_speed", "precip", "visib")),
    )
    aircraft = planes.select(
        text("tailnum"),
        number("year").alias("plane_year"),
        text("manufacturer"),
        text("model"),
        number("seats"),
    )
    # Both are small: sent to every executor, so that the flights need not be shuffled.
    joined = typed.join(F.broadcast(hours), ["origin", "scheduled_hour"], "left").join(
        F.broadcast(aircraft), ["tailnum"], "left"
    )
    names = (*typed.columns, *hours.columns, *aircraft.columns)
    return joined.select(*dict.fromkeys(names))


def main() -> None:
    """Write `silver.flights` and tell the later tasks how many rows it has."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--month", default="all")
    parser.add_argument("--carriers", default="all")
    arguments = parser.parse_args()
    spark = SparkSession.builder.getOrCreate()
    flights = chosen(spark.table("bronze.flights"), arguments.month, arguments.carriers)
    silver = clean(flights, spark.table("bronze.weather"), spark.table("bronze.planes"))
    silver.writeTo("silver.flights").using("iceberg").createOrReplace()
    counts = (
        spark.table("silver.flights")
        .agg(
            F.count("*").alias("rows"),
            F.count_if("cancelled").alias("cancelled"),
            F.count("temp").alias("with_weather"),
            F.count("seats").alias("with_plane"),
        )
        .first()
    )
    if counts is None or counts["rows"] == 0:
        raise SystemExit(
            f"No flight matches month={arguments.month} and carriers={arguments.carriers}:"
            ' give "all" or 1 to 12, and "all" or codes such as UA,B6.'
        )
    for name, value in counts.asDict().items():
        dbutils.jobs.taskValues.set(name, value)
        print(f"silver.flights: {name} = {value:,}")


if __name__ == "__main__":
    main()
