"""Runs the SQL script of one attempt on DuckDB, against the catalog gateway.

Started as `python -P -m activities.programs.run_sql SPEC`. The spec is a JSON file with `text`,
`parameters`, `dialect`, `session` (catalog and schema, or nulls), `check`, `catalog`, `storage` and
`job`; results go to the attempt's `out` folder.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import duckdb

from activities.sql.checks import broken_rule
from activities.sql.duckdb_catalog import Lakehouse
from activities.sql.lineage import statement_event, touched
from activities.sql.scripts import SqlScript, Step
from activities.sql.statements import Statement
from spec.attempts import SqlDialect, SqlResult
from spec.errors import EngineRejected, OpenLakeError
from spec.tasks import Engine

MOST_ROWS = 1000


def main(spec_path: str) -> int:
    """Run every statement; 0 when all went well, 1 with `error.json` otherwise."""
    spec: dict[str, Any] = json.loads(Path(spec_path).read_text())
    out = Path(os.environ["OPENLAKE_OUT"])
    statement: Statement | None = None
    answer: SqlResult | None = None
    number = 0
    try:
        lakehouse = Lakehouse(spec["catalog"], spec["storage"])
        script = _script(lakehouse, spec)
        for step in script.steps:
            number, statement = step.number, step.written
            answer = _run(lakehouse, script, step, spec, out)
        if spec.get("check") and (broken := broken_rule(answer)) is not None:
            raise EngineRejected(broken)
    except (duckdb.Error, OpenLakeError) as error:
        _fail(error, None if statement is None else f"Statement {number}:\n{statement.text}", out)
        return 1
    return 0


def _script(lakehouse: Lakehouse, spec: Mapping[str, Any]) -> SqlScript:
    """Return the script, checked, where names are looked up as the task says."""
    catalog, schema = spec.get("session") or (None, None)
    if catalog is not None or schema is not None:
        lakehouse.enter(catalog or lakehouse.catalog, schema or lakehouse.schema)
    dialect = SqlDialect(spec.get("dialect", SqlDialect.ENGINE))
    catalog = catalog or lakehouse.catalog
    script = SqlScript(spec["text"], dialect, Engine.DUCKDB, catalog, lakehouse.schema)
    script.check(spec["parameters"])
    return script


def _run(
    lakehouse: Lakehouse, script: SqlScript, step: Step, spec: Mapping[str, Any], out: Path
) -> SqlResult:
    """Run one statement, and leave its first rows."""
    began = time.perf_counter()
    label = f"[{step.number}/{len(script.steps)}]"
    print(f"{label} {_first_line(step.written.text)}", flush=True)
    if (step.catalog, step.schema) != lakehouse.entered:
        lakehouse.enter(step.catalog, step.schema)
    statement = script.spelled(step)
    text = statement.bound(lambda name: f"${name}")
    values = {name: spec["parameters"][name] for name in statement.names}
    result = lakehouse.execute(text, values)
    description = result.description or []
    rows = result.fetchmany(MOST_ROWS + 1)
    answer = SqlResult(
        columns=tuple(column[0] for column in description),
        types=tuple(str(column[1]) for column in description),
        rows=tuple(tuple(_text(cell) for cell in row) for row in rows[:MOST_ROWS]),
        row_count=len(rows) if len(rows) <= MOST_ROWS else None,
        truncated=len(rows) > MOST_ROWS,
    )
    (out / "sql.json").write_text(answer.model_dump_json())
    count = f"more than {MOST_ROWS}" if answer.truncated else str(len(rows))
    print(f"{label} {count} rows in {time.perf_counter() - began:.2f} s", flush=True)
    _tell_lineage(lakehouse, script, step, spec["job"], out)
    return answer


def _tell_lineage(
    lakehouse: Lakehouse, script: SqlScript, step: Step, job: Mapping[str, str], out: Path
) -> None:
    tree = script.tree(step)
    if tree is None:
        return
    facts = touched(tree, step.catalog, step.schema)
    if not facts.inputs and facts.output is None:
        return
    told = statement_event(
        step.written.text,
        datetime.now(UTC),
        {"namespace": job["namespace"], "name": job["name"]},
        job["run_id"],
        facts,
        lakehouse.columns,
        script.dialect,
    )
    with (out / "lineage.jsonl").open("a") as file:
        file.write(json.dumps(told) + "\n")


def _fail(error: Exception, trace: str | None, out: Path) -> None:
    name = "" if isinstance(error, OpenLakeError) else f"{type(error).__name__}: "
    message = f"{name}{error}"
    print(message if trace is None else f"{trace}\n{message}", file=sys.stderr, flush=True)
    line = message.splitlines()[0]
    whole = message if trace is None else f"{trace}\n\n{message}"
    (out / "error.json").write_text(json.dumps({"error": line, "trace": whole}))


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0]
    return line if len(line) <= 100 else f"{line[:99]}…"


def _text(cell: Any) -> str | None:
    """Spell a value: ISO 8601 instants, JSON for nested values, `true` and `false`."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, date | time_of_day):
        return cell.isoformat()
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, dict | list | tuple):
        return json.dumps(cell, default=str)
    return str(cell)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
