"""Rewrites data files and manifests of tables with Iceberg's Spark procedures.

Started as `run_table_care.py CATALOG ORDER` with `spec.attempts.TableCareProgram` as JSON; imports
nothing of OpenLake's own. Leaves its figures as `sql.json` and `values.json`, a row for each table
and step in the columns of `spec.table_care_figures`. A table that fails does not keep the others
from being cared for; the task fails then, with all of them named.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError  # pyright: ignore[reportMissingTypeStubs]
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

MOST_ROWS = 1000
TRIES = 5
"""Of a rewrite that another writer has got in the way of; nothing of a refused one is kept. The
catalog lists no snapshot but the current one, so any commit in between is in the way."""

CONFLICTS = ("ValidationException", "CommitFailedException")
"""Iceberg's words for that, in Spark's messages."""

FAILURES = (PySparkException, Py4JError)
"""A procedure's own failure comes as the second, unless Spark Connect brings it."""

COLUMNS = (
    *("table", "step", "files_before", "files_after", "bytes_before", "bytes_after"),
    *("manifests_before", "manifests_after", "snapshots_before", "snapshots_after"),
    "deleted_files",
)


@dataclass(frozen=True)
class Figures:
    """Of a table's current state."""

    files: int
    bytes: int
    manifests: int


class Carer:
    """Cares for one table after the other in one Spark session."""

    def __init__(
        self, spark: SparkSession, catalog: str, order: dict[str, Any], pause_s: float = 1.0
    ) -> None:
        """See class; the pause is doubled from try to try."""
        self._pause_s = pause_s
        self._spark = spark
        self._catalog = catalog
        self._order = order
        self.rows: list[list[str]] = []
        self.failed: dict[str, str] = {}

    def tables(self) -> Iterator[tuple[str, ...]]:
        """Go through the tables that the patterns name, each once, in their order.

        Raises:
            LookupError: a table that is named in full does not exist.
        """
        seen: set[tuple[str, ...]] = set()
        for pattern in self._order["tables"]:
            for table in self._named(pattern):
                if table not in seen:
                    seen.add(table)
                    yield table

    def _named(self, pattern: str) -> list[tuple[str, ...]]:
        if pattern == "*":
            return [table for schema in self._schemas(()) for table in self._in(schema)]
        *schema, name = pattern.split(".")
        if schema[0] == self._catalog and len(schema) > 1:
            schema = schema[1:]
        found = self._in(tuple(schema))
        if name == "*":
            return found
        if (*schema, name) not in found:
            raise LookupError(f"there is no table '{pattern}'")
        return [(*schema, name)]

    def _schemas(self, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for row in self._sql(f"SHOW NAMESPACES IN {quoted((self._catalog, *above))}"):
            # Spark spells them dotted, with back-ticks where a level needs them.
            schema = (*above, row[0].split(".")[-1].strip("`"))
            yield schema
            yield from self._schemas(schema)

    def _in(self, schema: tuple[str, ...]) -> list[tuple[str, ...]]:
        rows = self._sql(f"SHOW TABLES IN {quoted((self._catalog, *schema))}")
        return sorted((*schema, row["tableName"]) for row in rows if not row["isTemporary"])

    def care(self, table: tuple[str, ...]) -> None:
        """Do what is asked for one table; keep going when it fails."""
        name = ".".join(table)
        try:
            before = self._figures(table)
            if self._order["compact"]:
                before = self._step(table, "compact", before, self._compact)
            if self._order["rewrite_manifests"]:
                self._step(table, "rewrite_manifests", before, self._rewrite_manifests)
        except FAILURES as error:
            self.failed[name] = first_line(error)
            print(f"{name}: failed: {self.failed[name]}", file=sys.stderr, flush=True)

    def _step(self, table: tuple[str, ...], step: str, before: Figures, act: Any) -> Figures:
        for attempt in range(TRIES):
            try:
                act(table)
                break
            except FAILURES as error:
                if attempt == TRIES - 1 or not any(word in str(error) for word in CONFLICTS):
                    raise
                print(f"{'.'.join(table)}: {step}: again, after {first_line(error)}", flush=True)
                time.sleep(self._pause_s * 2**attempt)
        after = self._figures(table)
        pairs = zip(vars(before).values(), vars(after).values(), strict=True)
        numbers = [str(number) for pair in pairs for number in pair]
        self.rows.append([".".join(table), step, *numbers, "1", "1", "0"])
        print(
            f"{'.'.join(table)}: {step}: {before.files:,} → {after.files:,} files,"
            f" {before.bytes:,} → {after.bytes:,} bytes,"
            f" {before.manifests:,} → {after.manifests:,} manifests",
            flush=True,
        )
        return after

    def _compact(self, table: tuple[str, ...]) -> None:
        options = {
            "min-input-files": str(self._order["min_input_files"]),
            # Files of deleted rows that the rewrite has made pointless go with it.
            "remove-dangling-deletes": "true",
        }
        if size := self._order["target_file_size_bytes"]:
            options["target-file-size-bytes"] = str(size)
        words = ", ".join(f"'{name}', '{value}'" for name, value in options.items())
        self._call("rewrite_data_files", table, f", options => map({words})")

    def _rewrite_manifests(self, table: tuple[str, ...]) -> None:
        self._call("rewrite_manifests", table)

    def _call(self, procedure: str, table: tuple[str, ...], more: str = "") -> None:
        # With the catalog: else the first level of a schema is taken for one, with a warning.
        name = quoted((self._catalog, *table)).replace("'", "\\'")
        self._sql(f"CALL {quoted((self._catalog,))}.system.{procedure}(table => '{name}'{more})")

    def _figures(self, table: tuple[str, ...]) -> Figures:
        name = quoted((self._catalog, *table))
        manifests = f"(SELECT count(*) FROM {name}.manifests)"  # noqa: S608, the name is quoted
        facts = f"count(*), coalesce(sum(file_size_in_bytes), 0), {manifests}"
        row = self._sql(f"SELECT {facts} FROM {name}.files")[0]  # noqa: S608
        return Figures(int(row[0]), int(row[1]), int(row[2]))

    def _sql(self, text: str) -> list[Any]:
        session: Any = self._spark
        return session.sql(text).collect()


def quoted(names: Sequence[str]) -> str:
    """Spell a name of several parts as Spark SQL."""
    return ".".join("`" + name.replace("`", "``") + "`" for name in names)


def first_line(error: Exception) -> str:
    """Return what a message says first, and its innermost cause, without Java's trace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    # Py4J's own first line says only that something was called.
    if said.startswith("An error occurred while calling") and len(lines) > 1:
        said = lines[1].removeprefix(": ")
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return (f"{said} ({causes[-1]})" if causes else said)[:1000]


def leave(out: Path, rows: list[list[str]], tables: int) -> None:
    """Write the figures where the attempt's output is taken from."""
    answer = {
        "columns": COLUMNS,
        "types": ["VARCHAR", "VARCHAR", *["BIGINT"] * (len(COLUMNS) - 2)],
        "rows": rows[:MOST_ROWS],
        "row_count": len(rows),
        "truncated": len(rows) > MOST_ROWS,
    }
    (out / "sql.json").write_text(json.dumps(answer))
    compacted = [row for row in rows if row[1] == "compact"]
    values = {
        "tables": tables,
        "files_before": sum(int(row[2]) for row in compacted),
        "files_after": sum(int(row[3]) for row in compacted),
    }
    (out / "values.json").write_text(json.dumps(values if compacted else {"tables": tables}))


def main(catalog: str, order: str) -> int:
    """Care for every table; return the exit code."""
    carer = Carer(SparkSession.builder.getOrCreate(), catalog, json.loads(order))
    count = 0
    out = Path(os.environ["OPENLAKE_OUT"])
    try:
        for table in list(carer.tables()):
            carer.care(table)
            count += 1
    except (LookupError, *FAILURES) as error:
        message = first_line(error)
        (out / "error.json").write_text(json.dumps({"error": message, "trace": str(error)}))
        print(message, file=sys.stderr, flush=True)
        return 1
    finally:
        leave(out, carer.rows, count)
    if not carer.failed:
        return 0
    message = "; ".join(f"{name}: {said}" for name, said in carer.failed.items())
    (out / "error.json").write_text(json.dumps({"error": message[:1000], "trace": message}))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
