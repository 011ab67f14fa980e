"""What the wheel beside holds; `make_wheel.py` builds it from this file."""

import argparse


def main() -> None:
    """Say what was asked; the entry point `greet`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--who", default="world")
    parser.add_argument("--times", type=int, default=1)
    given = parser.parse_args()
    for _ in range(given.times):
        print(f"hello {given.who}")


def count() -> None:
    """Count on Spark; found by its name, for it is no entry point."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    print("counted", spark.range(1000).count(), "on", spark.sparkContext.master)
