"""What references say of a SQL task's answer: `{{tasks.<k>.output.…}}`; pure."""

import json

from pydantic import JsonValue

from spec.attempts import SqlResult
from spec.errors import Invalid

MOST_ROWS = 1000
MOST_BYTES = 48 * 1024

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_INTEGERS = frozenset(
    (
        *("TINYINT", "SMALLINT", "INTEGER", "INT", "BIGINT", "HUGEINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    )
)
_FLOATS = frozenset(("FLOAT", "DOUBLE", "REAL"))


def member(task_key: str, parts: tuple[str, ...], result: SqlResult) -> str | None:
    """Return `rows`, `first_row` or `first_row.<column>` of an answer; None for anything else.

    Raises:
        Invalid: the answer is too large, or has no such row or column.
    """
    match parts:
        case ("rows",):
            return _rows(task_key, result)
        case ("first_row",):
            return _JSON.encode(_first(task_key, result))
        case ("first_row", *name):
            return _cell(task_key, ".".join(name), _first(task_key, result))
        case _:
            return None


def _rows(task_key: str, result: SqlResult) -> str:
    what = f"{{{{tasks.{task_key}.output.rows}}}}"
    if result.truncated or len(result.rows) > MOST_ROWS:
        raise Invalid(
            f"{what}: the task gave more than {MOST_ROWS} rows, which is the limit; add a LIMIT, or"
            " write the rows into a table"
        )
    text = _JSON.encode([_object(result, i) for i in range(len(result.rows))])
    size = len(text.encode())
    if size > MOST_BYTES:
        raise Invalid(
            f"{what}: the rows have {size} bytes of JSON, the limit is {MOST_BYTES}; select fewer"
            " columns or rows, or write them into a table"
        )
    return text


def _first(task_key: str, result: SqlResult) -> dict[str, JsonValue]:
    if not result.rows:
        raise Invalid(
            f"{{{{tasks.{task_key}.output.first_row}}}}: the task's last statement gave no row"
        )
    return _object(result, 0)


def _cell(task_key: str, name: str, row: dict[str, JsonValue]) -> str:
    for column, value in row.items():
        if column.lower() == name.lower():
            return value if isinstance(value, str) else _JSON.encode(value)
    raise Invalid(
        f"{{{{tasks.{task_key}.output.first_row.{name}}}}}: there is no such column; the row has"
        f" {', '.join(row)}"
    )


def _object(result: SqlResult, index: int) -> dict[str, JsonValue]:
    types = result.types or ("",) * len(result.columns)
    cells = zip(result.columns, types, result.rows[index], strict=True)
    return {column: _typed(kind, cell) for column, kind, cell in cells}


def _typed(kind: str, cell: str | None) -> JsonValue:
    """Return a cell as JSON has it; decimals stay text, lest digits are lost."""
    if cell is None:
        return None
    kind = kind.upper()
    if kind == "BOOLEAN":
        return cell == "true"
    try:
        if kind in _INTEGERS:
            return int(cell)
        if kind in _FLOATS and cell.lower().lstrip("+-") not in ("nan", "inf", "infinity"):
            return float(cell)
    except ValueError:
        return cell
    return cell
