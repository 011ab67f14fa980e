"""Loading an uploaded file into a table: what a person asks for; pure."""

import re
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from spec.model import Model

_SIMPLE = {
    "STRING": "VARCHAR",
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "INTEGER",
    "SMALLINT": "INTEGER",
    "INT": "INTEGER",
    "INTEGER": "INTEGER",
    "BIGINT": "BIGINT",
    "LONG": "BIGINT",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMPTZ",
    "TIMESTAMP_NTZ": "TIMESTAMP",
    "BINARY": "BLOB",
}
_DECIMAL = re.compile(r"DECIMAL\s*\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\)")


def duckdb_type(name: str) -> str:
    """Return DuckDB's name of a type of Databricks SQL; Iceberg has no integer below 32 bits.

    Raises:
        ValueError: there is no such type.
    """
    wanted = name.strip().upper()
    if wanted in _SIMPLE:
        return _SIMPLE[wanted]
    if (decimal := _DECIMAL.fullmatch(wanted)) is not None:
        precision, scale = int(decimal[1]), int(decimal[2] or 0)
        if 1 <= precision <= 38 and scale <= precision:
            return f"DECIMAL({precision}, {scale})"
    known = ", ".join([*_SIMPLE, "DECIMAL(p, s)"])
    raise ValueError(f"'{name}' is no type of a column; use one of {known}")


def _is_type(name: str) -> str:
    duckdb_type(name)
    return name


ColumnType = Annotated[str, AfterValidator(_is_type)]


class FileFormat(StrEnum):
    """What the file is written in."""

    CSV = "csv"
    JSON = "json"
    """One object a line, or one array of objects."""
    PARQUET = "parquet"


_ENDINGS = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".json": FileFormat.JSON,
    ".jsonl": FileFormat.JSON,
    ".ndjson": FileFormat.JSON,
    ".parquet": FileFormat.PARQUET,
}


def format_of(name: str) -> FileFormat | None:
    """Tell a file's format by how its name ends, `.gz` apart; None when it does not tell."""
    plain = name.lower().removesuffix(".gz")
    return _ENDINGS.get(PurePosixPath(plain).suffix)


class LoadMode(StrEnum):
    """What becomes of rows that the table has."""

    CREATE = "create"
    """The table must not exist."""
    APPEND = "append"
    """It must; the file's columns are found by name."""
    OVERWRITE = "overwrite"
    """The file's rows replace all others; the table is made if it is missing."""


class CsvOptions(Model):
    """How a CSV file is to be read."""

    delimiter: str | None = Field(default=None, min_length=1, max_length=4)
    """When unset, the one of comma, semicolon, tab and bar that the first line has most of."""
    quote: str = Field(default='"', max_length=1)
    escape: str = Field(default='"', max_length=1)
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"
    header: bool = True
    """Whether the first line names the columns."""
    null: str | None = None
    """The text that stands for NULL; an empty field when unset."""
    date_format: str | None = None
    """As `strptime` spells it, e.g. `%d.%m.%Y`."""
    timestamp_format: str | None = None
    skip: int = Field(default=0, ge=0)
    """Lines to pass over at the beginning."""


class LoadOptions(Model):
    """Into which table a file is loaded, and how it is read."""

    table: str = Field(pattern=r"^([^.\s]+\.)?[^.\s]+\.[^.\s]+$")
    """`schema.table`, or `lakehouse.schema.table`."""
    mode: LoadMode = LoadMode.CREATE
    format: FileFormat | None = None
    """Told by the file's name when unset."""
    columns: dict[str, ColumnType] = {}
    """Column → type, where the type that is found out is not the right one."""
    csv: CsvOptions | None = None
    dry_run: bool = False
    """Check every row and tell the columns, but load nothing."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.csv is not None and self.format not in (None, FileFormat.CSV):
            raise ValueError(f"'csv' says how to read a CSV file, not a {self.format} file")
        return self

    @property
    def name(self) -> tuple[str, str]:
        """Schema and table."""
        *_, schema, table = self.table.split(".")
        return schema, table


class LoadTask(LoadOptions):
    """Load an uploaded file into a table: all of its rows, or none; OpenLake's own task type."""

    upload_id: str = Field(min_length=1)
    """What `POST /api/openlake/1.0/uploads` answered."""
