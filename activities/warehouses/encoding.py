"""Arrow batches as the bytes of one chunk, in the format that was asked for."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]
import pyarrow.compute as pc  # pyright: ignore[reportMissingTypeStubs]

from activities.warehouses.base import Batch
from activities.warehouses.text import json_cells, texts
from spec.statements import ResultFormat

_pa: Any = pa
_pc: Any = pc


def encode(batches: Sequence[Batch], form: ResultFormat, *, is_first: bool) -> bytes:
    """Return a chunk.

    JSON_ARRAY is an array of arrays of texts and nulls. CSV follows RFC 4180 with NULL as `null`,
    and only the first chunk begins with the names. ARROW_STREAM is a whole IPC stream.
    """
    if form is ResultFormat.ARROW_STREAM:
        return _arrow(batches)
    return _csv(batches, is_first) if form is ResultFormat.CSV else _json(batches)


def _arrow(batches: Sequence[Batch]) -> bytes:
    sink = _pa.BufferOutputStream()
    with _pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def _json(batches: Sequence[Batch]) -> bytes:
    pieces: list[str] = []
    for batch in batches:
        if batch.num_columns == 0:
            pieces += ["[]"] * batch.num_rows
            continue
        cells = [json_cells(texts(column)) for column in batch.columns]
        inner = cells[0] if len(cells) == 1 else _pc.binary_join_element_wise(*cells, ",")
        rows = _pc.binary_join_element_wise("[", inner, "]", "")
        pieces += rows.to_pylist()
    return f"[{','.join(pieces)}]".encode()


def _csv(batches: Sequence[Batch], with_names: bool) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if with_names:
        writer.writerow(batches[0].schema.names)
    for batch in batches:
        columns = [_pc.fill_null(texts(column), "null").to_pylist() for column in batch.columns]
        writer.writerows(zip(*columns, strict=True))
    return out.getvalue().encode()
