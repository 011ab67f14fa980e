"""What our own programs leave in an attempt's `out` folder: a table, values, a failure."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def out_folder() -> Path:
    """Return where the program leaves what it found out."""
    return Path(os.environ["OPENLAKE_OUT"])


def leave_table(
    columns: Mapping[str, str],
    rows: Sequence[Sequence[str | None]],
    values: Mapping[str, Any] | None = None,
) -> None:
    """Leave a table as the task's output.

    Args:
        columns: Column → type.
        rows: Every cell as text.
        values: Task values beside it.
    """
    answer = {
        "columns": list(columns),
        "types": list(columns.values()),
        "rows": rows,
        "row_count": len(rows),
    }
    (out_folder() / "sql.json").write_text(json.dumps(answer))
    if values:
        (out_folder() / "values.json").write_text(json.dumps(dict(values)))


def fail(message: str, trace: str | None = None) -> int:
    """Leave why the program failed; return its exit code."""
    told = trace or message
    print(told, file=sys.stderr, flush=True)
    line = message.splitlines()[0] if message else "the program failed without a message"
    (out_folder() / "error.json").write_text(json.dumps({"error": line, "trace": told}))
    return 1
