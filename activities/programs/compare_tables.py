"""Compares the tables that two runs wrote, whatever the order of their rows.

Started as `python -P -m activities.programs.compare_tables SPEC`. The spec is a JSON file with
`outputs` and `inputs` (`spec.attempts.CompareProgram`), `catalog` and `storage`; the verdicts go to
the attempt's `out` folder, one row a table. Exit code 1: something differs.

Tables are read by their metadata, so that a table's state long ago is as good as today's. Sums of
floating-point numbers depend on the order of adding: they are compared to nine digits.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from activities.programs.leaving import fail, leave_table
from activities.sql.duckdb_catalog import Lakehouse
from activities.sql.quoting import identifier, quoted
from spec.errors import OpenLakeError

_DIGITS = 9
_COLUMNS = {
    "table": "VARCHAR",
    "kind": "VARCHAR",
    "rows before": "BIGINT",
    "rows after": "BIGINT",
    "verdict": "VARCHAR",
}


@dataclass(frozen=True)
class Verdict:
    """What became of one table."""

    table: str
    kind: str
    """`output` or `input`."""
    text: str
    before: int | None = None
    """Rows."""
    after: int | None = None

    @property
    def is_equal(self) -> bool:
        """Nothing differs."""
        return self.text == "equal"


def main(spec_path: str) -> int:
    """Compare every table; 0 when all are equal."""
    spec: dict[str, Any] = json.loads(Path(spec_path).read_text())
    try:
        lakehouse = Lakehouse(spec["catalog"], spec["storage"])
        verdicts = [_input(each) for each in spec["inputs"]]
        for pair in spec["outputs"]:
            verdicts.append(compare(lakehouse, pair["table"], pair["before"], pair["after"]))
            print(f"{verdicts[-1].table}: {verdicts[-1].text}", flush=True)
    except (duckdb.Error, OpenLakeError) as error:
        message = error.message if isinstance(error, OpenLakeError) else str(error)
        return fail(message)
    rows = [
        [each.table, each.kind, _text(each.before), _text(each.after), each.text]
        for each in verdicts
    ]
    leave_table(_COLUMNS, rows)
    differ = [each for each in verdicts if not each.is_equal]
    if differ:
        first = differ[0]
        return fail(
            f"{len(differ)} of {len(verdicts)} tables differ. {first.kind} {first.table}:"
            f" {first.text}",
        )
    print(f"{len(verdicts)} tables are equal", flush=True)
    return 0


def _input(pair: dict[str, Any]) -> Verdict:
    before, after = (", ".join(map(str, pair[side])) for side in ("before", "after"))
    text = f"other snapshots were read: {before} the first time, {after} the second"
    return Verdict(pair["table"], "input", text)


def compare(lakehouse: Lakehouse, table: str, before: str | None, after: str | None) -> Verdict:
    """Compare two states of a table, each named by the address of its metadata; None is none."""
    if before is None or after is None:
        text = "equal" if before == after else "only the first run has it"
        return Verdict(table, "output", text if before else "only the second run has it")
    for name, address in (("before", before), ("after", after)):
        lakehouse.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM iceberg_scan({quoted(address)})",  # noqa: S608
            {},
        )
    columns = _columns(lakehouse, "before")
    if columns != _columns(lakehouse, "after"):
        return Verdict(table, "output", "its columns differ")
    first, second = (_checksum(lakehouse, name, columns) for name in ("before", "after"))
    if first == second:
        return Verdict(table, "output", "equal", first[0], second[0])
    missing, extra = (
        _only_in(lakehouse, these, those, columns)
        for these, those in (("before", "after"), ("after", "before"))
    )
    text = f"{missing} rows only the first time, {extra} only the second"
    return Verdict(table, "output", text, first[0], second[0])


def _columns(lakehouse: Lakehouse, view: str) -> dict[str, str]:
    found: list[Any] = lakehouse.execute(f"DESCRIBE temp.main.{view}", {}).fetchall()
    return {row[0]: row[1] for row in found}


def _checksum(lakehouse: Lakehouse, view: str, columns: dict[str, str]) -> tuple[int, Any]:
    """Return the rows, and a number that does not depend on their order."""
    cells = ", ".join(_cell(name, kind) for name, kind in columns.items())
    text = f"SELECT count(*), sum(hash({cells})::HUGEINT) FROM temp.main.{view}"  # noqa: S608
    [row] = lakehouse.execute(text, {}).fetchall()
    return row[0], row[1]


def _only_in(lakehouse: Lakehouse, these: str, those: str, columns: dict[str, str]) -> int:
    cells = ", ".join(_cell(name, kind) for name, kind in columns.items())
    text = (
        f"SELECT count(*) FROM (SELECT {cells} FROM temp.main.{these}"  # noqa: S608
        f" EXCEPT ALL SELECT {cells} FROM temp.main.{those})"
    )
    [row] = lakehouse.execute(text, {}).fetchall()
    return row[0]


def _cell(name: str, kind: str) -> str:
    column = identifier(name)
    if kind not in ("DOUBLE", "FLOAT"):
        return column
    digits = f"{_DIGITS - 1} - CAST(floor(log10(abs({column}))) AS INTEGER)"
    odd = f"{column} IS NULL OR {column} = 0 OR NOT isfinite({column})"
    return f"CASE WHEN {odd} THEN {column} ELSE round({column}, {digits}) END"


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
