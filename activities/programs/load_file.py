"""Loads one uploaded file into an Iceberg table with DuckDB: every row of it, or none.

Started as `python -P -m activities.programs.load_file SPEC`. The spec is a JSON file with `url`,
`task` (a `spec.loads.LoadTask`), `format`, `catalog`, `storage` and `job`; results go to the
attempt's `out` folder: the columns, or the rows that are bad with their line numbers.

The file is read twice: first every row is checked, then all are inserted in one commit.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import duckdb

from activities.events import event, facet
from activities.programs.leaving import fail, leave_table, out_folder
from activities.programs.upload_rows import BadRow, Upload
from activities.sql.duckdb_catalog import Lakehouse
from activities.sql.quoting import dotted, identifier
from spec.errors import EngineRejected, OpenLakeError
from spec.loads import LoadMode, LoadTask

_PIECE = 1 << 20
_COLUMNS = {"column": "VARCHAR", "type": "VARCHAR"}
_BAD = {"line": "BIGINT", "column": "VARCHAR", "problem": "VARCHAR", "text": "VARCHAR"}
_TOLD_EVERY = 256 * _PIECE


def main(spec_path: str) -> int:
    """Load the file; 0 when all went well, 1 with `error.json` otherwise."""
    spec: dict[str, Any] = json.loads(Path(spec_path).read_text())
    task = LoadTask.model_validate(spec["task"])
    try:
        file = _fetch(spec["url"], Path(os.environ["TMPDIR"]) / spec["name"])
        lakehouse = Lakehouse(spec["catalog"], spec["storage"])
        return _load(lakehouse, Upload(lakehouse, task, file, spec["format"]), spec)
    except (duckdb.Error, OpenLakeError, OSError) as error:
        message = error.message if isinstance(error, OpenLakeError) else str(error)
        return fail(message.strip())


def _fetch(url: str, target: Path) -> Path:
    """Copy the upload to this machine, a piece at a time."""
    size = 0
    with urlopen(url) as source, target.open("wb") as sink:  # noqa: S310 - made by the control plane
        while piece := source.read(_PIECE):
            sink.write(piece)
            size += len(piece)
            if size % _TOLD_EVERY == 0:
                _say(f"fetched {size >> 20} MiB")
    _say(f"fetched {target.name}, {size} bytes")
    return target


def _load(lakehouse: Lakehouse, upload: Upload, spec: dict[str, Any]) -> int:
    table = (lakehouse.catalog, *upload.task.name)
    existing = lakehouse.columns(table)
    _check_mode(upload.task, existing)
    mode = upload.task.mode
    columns = upload.open(existing if mode is LoadMode.APPEND else {})
    rows, bad = upload.check()
    if bad:
        return _refuse(bad, upload)
    for name, kind in columns.items():
        _say(f"  {name}  {kind}")
    if upload.task.dry_run:
        _say(f"{rows} rows are good; nothing was loaded (dry run)")
    else:
        _insert(lakehouse, upload, table)
        _say(f"loaded {rows} rows into {'.'.join(table)}")
        _tell_lineage(table, columns, spec)
    values = {"rows": rows, "table": ".".join(table)}
    leave_table(_COLUMNS, [[*each] for each in columns.items()], values)
    return 0


def _check_mode(task: LoadTask, existing: dict[str, str]) -> None:
    name = ".".join(task.name)
    if task.mode is LoadMode.CREATE and existing:
        raise EngineRejected(
            f"the table {name} exists already; load with mode 'append' or 'overwrite'"
        )
    if task.mode is LoadMode.APPEND and not existing:
        raise EngineRejected(f"there is no table {name} to append to; load with mode 'create'")


def _insert(lakehouse: Lakehouse, upload: Upload, table: tuple[str, str, str]) -> None:
    schema, name = dotted(table[:2]), dotted(table)
    if upload.task.mode is LoadMode.APPEND:
        into = ", ".join(identifier(column) for column in upload.columns)
        lakehouse.execute(f"INSERT INTO {name} ({into}) SELECT * FROM {upload.view}", {})  # noqa: S608
        return
    lakehouse.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}", {})
    replace = " OR REPLACE" if upload.task.mode is LoadMode.OVERWRITE else ""
    lakehouse.execute(f"CREATE{replace} TABLE {name} AS SELECT * FROM {upload.view}", {})  # noqa: S608


def _refuse(bad: list[BadRow], upload: Upload) -> int:
    leave_table(_BAD, [[str(row.line), row.column, row.problem, row.text] for row in bad])
    for row in bad:
        _say(f"{upload.unit} {row.line}: {row.problem}")
    first = bad[0]
    more = "" if len(bad) == 1 else f" (and {len(bad) - 1} more)"
    return fail(
        f"Nothing was loaded: {upload.unit} {first.line} is bad{more}. {first.problem}. Mend the"
        " file, or give the column another type",
    )


def _tell_lineage(
    table: tuple[str, str, str], columns: dict[str, str], spec: dict[str, Any]
) -> None:
    fields = [{"name": name, "type": kind} for name, kind in columns.items()]
    namespace, job = spec["job"]["namespace"], spec["job"]["name"]
    schema = {"schema": facet("SchemaDatasetFacet", "1-2-0", fields=fields)}
    told = event(
        "RUNNING",
        datetime.now(UTC),
        {"namespace": namespace, "name": job},
        {"runId": spec["job"]["run_id"], "facets": {}},
        inputs=[{"namespace": "upload", "name": spec["name"], "facets": schema}],
        outputs=[{"namespace": namespace, "name": ".".join(table), "facets": schema}],
    )
    with (out_folder() / "lineage.jsonl").open("a") as file:
        file.write(json.dumps(told) + "\n")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
