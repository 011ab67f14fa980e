"""The rows of an uploaded file as DuckDB reads them: which columns they have, and which are bad."""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import duckdb

from activities.sql.duckdb_catalog import Lakehouse
from activities.sql.duckdb_limits import STORED_AS
from activities.sql.quoting import identifier, quoted
from spec.errors import EngineRejected
from spec.loads import CsvOptions, FileFormat, LoadTask, duckdb_type

MOST_BAD = 1000
"""Bad rows that are told; whoever has more mends the first ones first."""

_TEXT_SHOWN = 200
_STORED_AS = {**STORED_AS, "JSON": "VARCHAR"}
_JSON_LINE = re.compile(r"in (?:line|record/value) (\d+)")
_REJECTS = "openlake_rejects"
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class BadRow:
    """Why one row of the file cannot be loaded."""

    line: int
    """Counted from 1: of a CSV file or one object a line, the line; else the record."""
    column: str | None
    problem: str
    text: str | None


class Upload:
    """One file; call `open`, then `check`, then read from `view`."""

    view = "temp.main.upload"
    """Its rows, in the columns that the table gets; reading a bad row from it fails."""

    def __init__(self, lakehouse: Lakehouse, task: LoadTask, file: Path, kind: str) -> None:
        """See class."""
        self.task = task
        self.columns: dict[str, str] = {}
        self._lakehouse = lakehouse
        self._file = file
        self._kind = FileFormat(kind)

    @property
    def unit(self) -> str:
        """What `BadRow.line` counts."""
        return "line" if self._counts_lines else "record"

    @property
    def _counts_lines(self) -> bool:
        if self._kind is FileFormat.CSV:
            return True
        return self._kind is FileFormat.JSON and not self._is_array()

    def open(self, existing: Mapping[str, str]) -> dict[str, str]:
        """Find out the columns and their types; return them.

        Args:
            existing: The columns of the table that the rows are to be added to; empty for a table
                that is made anew.

        Raises:
            EngineRejected: the file cannot be read, or its columns are not the table's.
        """
        found = self._described(self._source({}))
        chosen = self._overrides(found)
        self.columns = {
            name: chosen.get(name) or _STORED_AS.get(kind, kind) for name, kind in found.items()
        }
        if existing:
            self.columns = _as_in_table(self.columns, existing, chosen)
        self._run(f"CREATE OR REPLACE TEMP VIEW upload AS {self._strict()}")
        return self.columns

    def check(self) -> tuple[int, list[BadRow]]:
        """Look at every value of every row; return how many rows there are, and the bad ones."""
        if self._kind is FileFormat.CSV:
            return self._check_csv()
        try:
            bad = self._uncastable()
            return (0, bad) if bad else (self._count(self.view), [])
        except duckdb.Error as error:
            return 0, [self._bad_record(error)]

    def _overrides(self, found: Mapping[str, str]) -> dict[str, str]:
        names = {name.lower(): name for name in found}
        chosen: dict[str, str] = {}
        for name, kind in self.task.columns.items():
            if name.lower() not in names:
                raise EngineRejected(
                    f"the file has no column '{name}', whose type was given; it has"
                    f" {', '.join(found)}"
                )
            chosen[names[name.lower()]] = duckdb_type(kind)
        return chosen

    def _described(self, source: str) -> dict[str, str]:
        try:
            rows: list[Any] = self._run(
                f"DESCRIBE SELECT * FROM {source}"  # noqa: S608
            ).fetchall()
        except duckdb.Error as error:
            why = _sentence(str(error).partition("\n\n")[0], self._file)
            raise EngineRejected(f"The file cannot be read as {self._kind}: {why}") from error
        return {row[0]: row[1] for row in rows}

    def _source(self, types: Mapping[str, str], *, lenient: bool = False) -> str:
        path = quoted(str(self._file))
        if self._kind is FileFormat.PARQUET:
            return f"read_parquet({path})"
        if self._kind is FileFormat.JSON:
            return f"read_json({path}, maximum_object_size=67108864)"
        options = self._csv_options()
        if types:
            spelled = ", ".join(f"{quoted(n)}: {quoted(t)}" for n, t in types.items())
            options += [f"columns={{{spelled}}}", "auto_detect=false"]
        else:
            # Only to find out the types: bad rows are told later, with their lines.
            options.append("ignore_errors=true")
        if lenient:
            options += ["store_rejects=true", f"rejects_table={quoted(_REJECTS)}"]
            options += ["rejects_scan='openlake_rejected_files'", f"rejects_limit={MOST_BAD}"]
        return f"read_csv({', '.join([path, *options])})"

    def _csv_options(self) -> list[str]:
        """Say all of the dialect: DuckDB's guess at it goes astray where rows are bad."""
        given = self.task.csv or CsvOptions()
        texts = {
            "delim": given.delimiter or self._delimiter(given),
            "quote": given.quote,
            "escape": given.escape,
            "encoding": given.encoding,
            "nullstr": given.null,
            "dateformat": given.date_format,
            "timestampformat": given.timestamp_format,
        }
        options = [f"{name}={quoted(text)}" for name, text in texts.items() if text is not None]
        return [*options, f"header={str(given.header).lower()}", f"skip={given.skip}"]

    def _delimiter(self, given: CsvOptions) -> str:
        """Return what stands most often in the first line."""
        with self._opened() as file:
            first = next(islice(file, given.skip, None), b"")
        line: str = first.decode(given.encoding, "replace")
        return max(_DELIMITERS, key=line.count)

    def _strict(self) -> str:
        if self._kind is FileFormat.CSV:
            names = ", ".join(identifier(name) for name in self.columns)
            return f"SELECT {names} FROM {self._source(self.columns)}"  # noqa: S608
        casts = ", ".join(
            f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}"
            for name, kind in self.columns.items()
        )
        return f"SELECT {casts} FROM {self._source({})}"  # noqa: S608

    def _check_csv(self) -> tuple[int, list[BadRow]]:
        rows = self._count(self._source(self.columns, lenient=True))
        found: list[Any] = self._run(
            "SELECT line_byte_position, line, column_name, error_message, csv_line"  # noqa: S608
            f" FROM {_REJECTS} ORDER BY line, column_idx"
        ).fetchall()
        lines = self._lines_at({place: line for place, line, *_ in found})
        return rows, [
            BadRow(
                lines[place], column, _sentence(message, self._file), text and text[:_TEXT_SHOWN]
            )
            for place, _, column, message, text in found
        ]

    def _lines_at(self, records: Mapping[int, int]) -> dict[int, int]:
        """Return the lines that begin at these bytes; DuckDB counts records, which may span lines.

        Args:
            records: Place → the record's number, for a file that was read in another encoding.
        """
        if self.task.csv is not None and self.task.csv.encoding != "utf-8":
            return dict(records)
        lines: dict[int, int] = {}
        at = 0
        with self._opened() as file:
            for number, line in enumerate(file, 1):
                lines |= {place: number for place in records if at <= place < at + len(line)}
                at += len(line)
                if len(lines) == len(records):
                    break
        return dict(records) | lines

    def _uncastable(self) -> list[BadRow]:
        """Return the values that do not fit the types that were chosen."""
        found = self._described(self._source({}))
        bad: list[BadRow] = []
        for name, kind in self.columns.items():
            if found[name] == kind or len(bad) >= MOST_BAD:
                continue
            column = identifier(name)
            numbered = f"SELECT row_number() OVER () AS n, {column} FROM {self._source({})}"  # noqa: S608
            rows: list[Any] = self._run(
                f"SELECT n, CAST({column} AS VARCHAR) FROM ({numbered})"  # noqa: S608
                f" WHERE {column} IS NOT NULL AND TRY_CAST({column} AS {kind}) IS NULL"
                f" ORDER BY n LIMIT {MOST_BAD - len(bad)}"
            ).fetchall()
            bad += [
                BadRow(n, name, f"column '{name}': '{text[:_TEXT_SHOWN]}' is no {kind}", text)
                for n, text in rows
            ]
        return self._with_lines(sorted(bad, key=lambda row: row.line))

    def _with_lines(self, bad: list[BadRow]) -> list[BadRow]:
        """Turn record numbers into lines, where a record is a line; blank lines are no records."""
        if not bad or not self._counts_lines:
            return bad
        wanted = {row.line for row in bad}
        lines: dict[int, int] = {}
        with self._opened() as file:
            records = (number for number, line in enumerate(file, 1) if line.strip())
            for record, number in enumerate(islice(records, max(wanted)), 1):
                if record in wanted:
                    lines[record] = number
        return [
            BadRow(lines.get(row.line, row.line), row.column, row.problem, row.text) for row in bad
        ]

    def _bad_record(self, error: duckdb.Error) -> BadRow:
        problem = _sentence(str(error).splitlines()[0], self._file)
        place = _JSON_LINE.search(problem)
        return BadRow(int(place[1]) if place else 1, None, problem, None)

    def _count(self, source: str) -> int:
        every = ", ".join(f"count({identifier(name)})" for name in self.columns)
        # All of the answer is fetched: what was rejected is written down at the end of the scan.
        [row] = self._run(f"SELECT count(*), {every} FROM {source}").fetchall()  # noqa: S608
        return row[0]

    def _is_array(self) -> bool:
        with self._opened() as file:
            start = next((line.strip() for line in file if line.strip()), b"")
        return start.startswith(b"[")

    def _opened(self) -> IO[bytes]:
        opened = gzip.open if self._file.suffix == ".gz" else open
        return cast("IO[bytes]", opened(self._file, "rb"))

    def _run(self, text: str) -> Any:
        return self._lakehouse.execute(text, {})


def _as_in_table(
    columns: Mapping[str, str], existing: Mapping[str, str], chosen: Mapping[str, str]
) -> dict[str, str]:
    """Return the columns with the table's types.

    Raises:
        EngineRejected: the file has a column that the table lacks, or asks for another type.
    """
    kinds = {name.lower(): kind for name, kind in existing.items()}
    strange = [name for name in columns if name.lower() not in kinds]
    if strange:
        raise EngineRejected(
            f"the table has no column '{strange[0]}', which the file has; its columns are"
            f" {', '.join(existing)}"
        )
    for name, kind in chosen.items():
        if kinds[name.lower()] != kind:
            raise EngineRejected(
                f"column '{name}' is {kinds[name.lower()]} in the table and cannot be loaded as"
                f" {kind}; leave its type out"
            )
    return {name: kinds[name.lower()] for name in columns}


def _sentence(text: str, file: Path) -> str:
    plain = text.replace(str(file), file.name).removeprefix("Invalid Input Error: ")
    return " ".join(plain.split())[:300].rstrip(".")
