# ruff: noqa: E501 (paragraphs)
"""Writes docs/sql-dialect.md from the cases and from how they went; `make gen` renews it.

`python -m tests.activities.dialect.page`
"""

import json
import re
from pathlib import Path
from typing import Any

from spec.tasks import Engine
from tests.activities.dialect.cases import CASES, Case

PAGE = Path(__file__).parents[3] / "docs" / "sql-dialect.md"
RECORDED = Path(__file__).parent / "recorded.json"
_PLACE = re.compile(r" \(line \d+, column \d+\)|line \d+:\d+: ")
ENGINES = (Engine.DUCKDB, Engine.TRINO)

_HEAD = """\
# Databricks SQL on DuckDB and Trino

A SQL warehouse whose dialect is `databricks` takes Databricks SQL and translates it to what its engine
speaks. This page is generated from tests: every line is a case that runs on both engines, with the same
rows expected from both. `yes` means that it gives what Databricks would; anything else is the error that
one gets instead. What cannot be translated is refused before anything runs, and the message names the
construct, where it is, and what to do.

A function that is in no list below goes to the engine under its own name: the engine knows it, or says
that it does not. Names without catalog and schema are looked up in the task's or the warehouse's, or
where the last `USE` of the script has led; a statement sent to a warehouse is a session of its own. Named
parameters are bound, never pasted.

Where results may differ although a line says `yes`: divisions of decimals give doubles, divisions by
zero give null (DuckDB) or infinity (Trino) instead of an error, estimates and regular expressions are
each engine's own, and `x[1]` on a column counts as an array's element (write `element_at(x, 1)` for a
map with numbers as keys).
"""


def recorded() -> dict[str, dict[str, str]]:
    """Return construct → engine → how it went when it was last recorded."""
    found: dict[str, Any] = json.loads(RECORDED.read_text("utf-8")) if RECORDED.is_file() else {}
    return found


def record(engine: Engine, outcomes: dict[str, str]) -> None:
    """Write down how all cases went on an engine."""
    known = recorded()
    kept = {
        case.construct: {**known.get(case.construct, {}), engine.value: outcomes[case.construct]}
        for case in CASES
    }
    RECORDED.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")


def page() -> str:
    """Return the page as it should be."""
    known = recorded()
    lines = [_HEAD]
    for area in dict.fromkeys(case.area for case in CASES):
        lines += [f"## {area}", "| construct | DuckDB | Trino | remark |", "|---|---|---|---|"]
        lines += [_line(case, known[case.construct]) for case in CASES if case.area == area]
        lines.append("")
    return "\n".join(lines)


def _line(case: Case, outcomes: dict[str, str]) -> str:
    verdicts = [_verdict(outcomes[engine.value]) for engine in ENGINES]
    cells = [f"`{case.construct}`", *verdicts, case.remark]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _verdict(text: str) -> str:
    if text == "works":
        return "yes"
    kind, _, reason = text.partition(": ")
    reason = _PLACE.sub("", reason.removeprefix("Databricks SQL: "))
    return f"no: {reason}" if kind == "refused" else f"no, the engine says: {reason}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
