"""Writes answers for programs: JSON, CSV and Parquet, one batch in memory at a time."""

import json
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from control.cli.sql_terminal.cells import Batch, distinct, plain, rows_of, text
from control.cli.sql_terminal.session import Answer

_ROW_GROUP_BYTES = 32 * 1024 * 1024


class Form(StrEnum):
    """How an answer is shown or written."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"


def write(answer: Answer, form: Form, sink: BinaryIO) -> None:
    """Write all rows of an answer.

    Args:
        answer: Its columns get names of their own where two have the same.
        form: Not `table`.
        sink: Binary; need not be seekable.
    """
    {Form.json: _json, Form.csv: _csv, Form.parquet: _parquet}[form](answer, sink)


@contextmanager
def sink_of(out: Path | None) -> Generator[BinaryIO]:
    """Open the file, which is there only once it is whole; or give standard output.

    Raises:
        OSError: it cannot be written.
    """
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as sink:
            yield sink
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _json(answer: Answer, sink: BinaryIO) -> None:
    """One list of objects; a row a line."""
    names = distinct([column["name"] for column in answer.columns])
    sink.write(b"[")
    before = b"\n"
    for batch in answer.batches():
        for row in rows_of(batch):
            line = json.dumps(
                {name: plain(cell) for name, cell in zip(names, row, strict=True)},
                ensure_ascii=False,
            )
            sink.write(before + line.encode())
            before = b",\n"
    sink.write(b"]\n" if before == b"\n" else b"\n]\n")


def _csv(answer: Answer, sink: BinaryIO) -> None:
    """RFC 4180 with a head line; NULL is nothing at all, empty text is `""`."""
    names = distinct([column["name"] for column in answer.columns])
    sink.write(_line([_quoted(name) for name in names]))
    for batch in answer.batches():
        sink.write(b"".join(_line([_csv_cell(cell) for cell in row]) for row in rows_of(batch)))


def _csv_cell(cell: Any) -> str:
    if cell is None:
        return ""
    shown = text(cell)
    return '""' if not shown else _quoted(shown)


def _quoted(cell: str) -> str:
    if any(mark in cell for mark in '",\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _line(cells: list[str]) -> bytes:
    return (",".join(cells) + "\r\n").encode("utf-8", "surrogatepass")


def _parquet(answer: Answer, sink: BinaryIO) -> None:
    import pyarrow  # pyright: ignore[reportMissingTypeStubs]
    from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]

    arrow: Any = pyarrow
    files: Any = parquet
    names = distinct([column["name"] for column in answer.columns])
    writer: Any = None
    try:
        for batches in _groups(answer):
            table: Any = arrow.Table.from_batches(batches).rename_columns(names)
            writer = writer or files.ParquetWriter(sink, table.schema)
            writer.write_table(table)
        if writer is None:
            writer = files.ParquetWriter(sink, _schema(arrow, names, answer.columns))
    finally:
        if writer is not None:
            writer.close()


def _groups(answer: Answer) -> Iterator[list[Batch]]:
    """Yield batches that make a row group together: few large ones are read faster."""
    group: list[Batch] = []
    for batch in answer.batches():
        group.append(batch)
        if sum(each.nbytes for each in group) >= _ROW_GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group


def _schema(arrow: Any, names: list[str], columns: list[dict[str, Any]]) -> Any:
    """Return the types of an answer without a row; those of nested columns are not told."""
    plain_types = {
        "BOOLEAN": arrow.bool_(),
        "BYTE": arrow.int8(),
        "SHORT": arrow.int16(),
        "INT": arrow.int32(),
        "LONG": arrow.int64(),
        "FLOAT": arrow.float32(),
        "DOUBLE": arrow.float64(),
        "DATE": arrow.date32(),
        "TIMESTAMP": arrow.timestamp("us"),
        "BINARY": arrow.binary(),
    }
    types = [plain_types.get(column["type_name"], arrow.string()) for column in columns]
    return arrow.schema(list(zip(names, types, strict=True)))
