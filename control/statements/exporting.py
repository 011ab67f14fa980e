"""An answer as a file: CSV, JSON or Parquet, made from its chunks as they are read."""

import asyncio
import base64
import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Any

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]
import pyarrow.parquet as pq  # pyright: ignore[reportMissingTypeStubs]

from spec.statements import Column, TypeName

_pa: Any = pa
_pq: Any = pq

Rows = list[list[str | None]]


class FileFormat(StrEnum):
    """What a file of rows may be."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


MEDIA_TYPE = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.JSON: "application/json",
    FileFormat.PARQUET: "application/vnd.apache.parquet",
}

_NUMBERS = frozenset({TypeName.BYTE, TypeName.SHORT, TypeName.INT, TypeName.LONG, TypeName.DECIMAL})
_NESTED = frozenset({TypeName.ARRAY, TypeName.STRUCT, TypeName.MAP})
_ARROW: dict[TypeName, Any] = {
    TypeName.BOOLEAN: _pa.bool_(),
    TypeName.BYTE: _pa.int8(),
    TypeName.SHORT: _pa.int16(),
    TypeName.INT: _pa.int32(),
    TypeName.LONG: _pa.int64(),
    TypeName.FLOAT: _pa.float32(),
    TypeName.DOUBLE: _pa.float64(),
    TypeName.DATE: _pa.date32(),
    TypeName.BINARY: _pa.binary(),
}
"""Of Parquet; what is not here stays text, as in the answer."""


async def file_of(
    form: FileFormat, columns: tuple[Column, ...], chunks: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """Yield the pieces of a file.

    Args:
        form: CSV has a line of names first, NULL is empty there; JSON is an array of objects;
            Parquet has the answer's types, nested values as JSON text.
        columns: Of the answer.
        chunks: Its rows, each chunk a JSON array of arrays.
    """
    writer = _WRITERS[form](columns)
    yield writer.begin()
    async for chunk in chunks:
        yield await asyncio.to_thread(_converted, writer, chunk)
    yield writer.end()


def _converted(writer: "_Csv | _Json | _Parquet", chunk: bytes) -> bytes:
    return writer.rows(json.loads(chunk))


class _Csv:
    def __init__(self, columns: tuple[Column, ...]) -> None:
        self._names = [column.name for column in columns]

    def begin(self) -> bytes:
        return self.rows([list(self._names)])

    def rows(self, rows: Rows) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()

    def end(self) -> bytes:
        return b""


class _Json:
    def __init__(self, columns: tuple[Column, ...]) -> None:
        self._keys = [json.dumps(column.name, ensure_ascii=False) for column in columns]
        self._spell = [_spelling(column) for column in columns]
        self._separator = "\n"

    def begin(self) -> bytes:
        return b"["

    def rows(self, rows: Rows) -> bytes:
        lines: list[str] = []
        for row in rows:
            fields = (
                f"{key}:{'null' if cell is None else spell(cell)}"
                for key, spell, cell in zip(self._keys, self._spell, row, strict=True)
            )
            lines.append(f"{self._separator}{{{','.join(fields)}}}")
            self._separator = ",\n"
        return "".join(lines).encode()

    def end(self) -> bytes:
        return b"\n]\n"


def _spelling(column: Column) -> Callable[[str], str]:
    if column.type_name in _NUMBERS or column.type_name in _NESTED:
        return str
    if column.type_name is TypeName.BOOLEAN:
        return str.lower
    if column.type_name in (TypeName.FLOAT, TypeName.DOUBLE):
        # JSON has no word for them.
        return lambda cell: f'"{cell}"' if cell in ("NaN", "Infinity", "-Infinity") else cell
    return lambda cell: json.dumps(cell, ensure_ascii=False)


class _Parquet:
    def __init__(self, columns: tuple[Column, ...]) -> None:
        self._columns = columns
        names = _unique([column.name for column in columns])
        types = [_type(column) for column in columns]
        self._schema = _pa.schema(list(zip(names, types, strict=True)))
        self._sink = io.BytesIO()
        self._writer: Any = _pq.ParquetWriter(_Forward(self._sink), self._schema)

    def begin(self) -> bytes:
        return self._written()

    def rows(self, rows: Rows) -> bytes:
        cells = list(zip(*rows, strict=True)) if rows else [() for _ in self._columns]
        arrays = [
            _array(column, list(column_cells), field.type)
            for column, column_cells, field in zip(self._columns, cells, self._schema, strict=True)
        ]
        self._writer.write_table(_pa.Table.from_arrays(arrays, schema=self._schema))
        return self._written()

    def end(self) -> bytes:
        self._writer.close()
        return self._written()

    def _written(self) -> bytes:
        content = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return content


class _Forward(io.RawIOBase):
    """A file that is only written on, of which what is written may be taken away."""

    def __init__(self, sink: io.BytesIO) -> None:
        super().__init__()
        self._sink = sink
        self._place = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def write(self, data: Any, /) -> int:
        count = self._sink.write(data)
        self._place += count
        return count


def _unique(names: list[str]) -> list[str]:
    """Return names of which none is twice: readers of Parquet find columns by them."""
    taken: set[str] = set()
    for place, name in enumerate(names):
        number = 2
        while names[place] in taken:
            names[place] = f"{name}_{number}"
            number += 1
        taken.add(names[place])
    return names


def _type(column: Column) -> Any:
    if column.type_name is TypeName.DECIMAL and column.precision:
        return _pa.decimal128(column.precision, column.scale or 0)
    if column.type_name is TypeName.TIMESTAMP:
        return _pa.timestamp("us", None if column.type_text.endswith("NTZ") else "UTC")
    return _ARROW.get(column.type_name, _pa.string())


def _array(column: Column, cells: list[str | None], kind: Any) -> Any:
    if column.type_name is TypeName.BINARY:
        return _pa.array([None if c is None else base64.b64decode(c) for c in cells], kind)
    texts = _pa.array(cells, _pa.string())
    return texts if _pa.types.is_string(kind) else texts.cast(kind)


_WRITERS: dict[FileFormat, type[_Csv] | type[_Json] | type[_Parquet]] = {
    FileFormat.CSV: _Csv,
    FileFormat.JSON: _Json,
    FileFormat.PARQUET: _Parquet,
}
