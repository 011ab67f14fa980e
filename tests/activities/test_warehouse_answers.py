"""What leaves a warehouse: values as text, chunks, limits; Trino's types; what a text says."""

import base64
import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, get_type_hints

import pyarrow as pa
import pytest

from activities.warehouses import delivery
from activities.warehouses.base import Answer, StatementFailed
from activities.warehouses.delivery import Delivery
from activities.warehouses.encoding import encode
from activities.warehouses.reading import Reading, read
from activities.warehouses.run_statement import StatementActivities
from activities.warehouses.text import texts
from activities.warehouses.trino_types import read_type
from activities.warehouses.types import column_of
from spec import ports
from spec.attempts import CatalogAccess, SqlDialect, StorageAccess
from spec.errors import EngineRejected
from spec.statements import (
    Access,
    Disposition,
    Parameter,
    ResultFormat,
    StatementBody,
    StatementWork,
    TypeName,
)
from spec.tasks import Engine
from spec.warehouses import WarehouseConfig

MOMENT = 1_709_168_523_000_000
"""2024-02-29T01:02:03Z in microseconds."""


@pytest.mark.parametrize(
    ("kind", "value", "text", "type_name", "type_text"),
    [
        (pa.bool_(), True, "true", "BOOLEAN", "BOOLEAN"),
        (pa.int8(), -1, "-1", "BYTE", "TINYINT"),
        (pa.int64(), 2**62, str(2**62), "LONG", "BIGINT"),
        (pa.uint64(), 2**64 - 1, str(2**64 - 1), "DECIMAL", "DECIMAL(20,0)"),
        (pa.float64(), float("nan"), "NaN", "DOUBLE", "DOUBLE"),
        (pa.float64(), float("-inf"), "-Infinity", "DOUBLE", "DOUBLE"),
        (
            pa.decimal128(38, 20),
            Decimal("1e-10"),
            "0.00000000010000000000",
            "DECIMAL",
            "DECIMAL(38,20)",
        ),
        (pa.date32(), 0, "1970-01-01", "DATE", "DATE"),
        (
            pa.timestamp("us", "Europe/Berlin"),
            MOMENT,
            "2024-02-29T01:02:03.000Z",
            "TIMESTAMP",
            "TIMESTAMP",
        ),
        (
            pa.timestamp("us"),
            MOMENT + 4,
            "2024-02-29T01:02:03.000004",
            "TIMESTAMP",
            "TIMESTAMP_NTZ",
        ),
        (
            pa.timestamp("s", "UTC"),
            MOMENT // 10**6,
            "2024-02-29T01:02:03.000Z",
            "TIMESTAMP",
            "TIMESTAMP",
        ),
        (pa.time64("us"), 3_723_000_000, "01:02:03.000000", "STRING", "STRING"),
        (pa.binary(), b"a\xff", base64.b64encode(b"a\xff").decode(), "BINARY", "BINARY"),
        (
            pa.month_day_nano_interval(),
            (14, -1, 3_600_000_001_000),
            "1 year 2 months -1 day 01:00:00.000001",
            "INTERVAL",
            "INTERVAL",
        ),
        (pa.null(), None, None, "NULL", "VOID"),
        (
            pa.list_(pa.decimal128(4, 2)),
            [Decimal("1.10"), None],
            "[1.10,null]",
            "ARRAY",
            "ARRAY<DECIMAL(4,2)>",
        ),
        (pa.map_(pa.int32(), pa.bool_()), [(1, True)], '{"1":true}', "MAP", "MAP<INT, BOOLEAN>"),
        (pa.map_(pa.string(), pa.int8()), [], "{}", "MAP", "MAP<STRING, TINYINT>"),
        (
            pa.struct([("a", pa.string()), ("b", pa.float64())]),
            {"a": 'x"ü', "b": float("inf")},
            '{"a":"x\\"ü","b":"Infinity"}',
            "STRUCT",
            "STRUCT<a: STRING, b: DOUBLE>",
        ),
        (pa.dictionary(pa.int8(), pa.string()), "x", "x", "STRING", "STRING"),
    ],
)
def test_every_type_has_its_name_and_its_text(
    kind: Any, value: Any, text: str | None, type_name: str, type_text: str
) -> None:
    assert texts(pa.array([value, None], kind)).to_pylist() == [text, None]
    column = column_of("a", kind)
    assert (column.type_name, column.type_text) == (TypeName(type_name), type_text)


ROWS = pa.record_batch({"a": [1, None], "b": ['x"\\y', "z\n,ü"]})


def test_formats_say_the_same() -> None:
    found = json.loads(encode([ROWS, ROWS.slice(0, 1)], ResultFormat.JSON_ARRAY, is_first=True))
    assert found == [["1", 'x"\\y'], [None, "z\n,ü"], ["1", 'x"\\y']]
    text = encode([ROWS], ResultFormat.CSV, is_first=True).decode()
    assert list(csv.reader(io.StringIO(text))) == [["a", "b"], ["1", 'x"\\y'], ["null", "z\n,ü"]]
    assert encode([ROWS], ResultFormat.CSV, is_first=False).decode().startswith("1,")
    arrow = pa.ipc.open_stream(encode([ROWS], ResultFormat.ARROW_STREAM, is_first=False))
    assert arrow.read_all().to_pylist() == ROWS.to_pylist()


def work(**fields: Any) -> StatementWork:
    access = Access(
        catalog=CatalogAccess(uri="http://gateway", token="t"),
        storage=StorageAccess(endpoint="http://s3", region="r", access_key="a", secret_key="s"),
    )
    return StatementWork(
        statement_id="s",
        workspace_id=1,
        user_name="u",
        attempt=1,
        body=StatementBody(text="SELECT 1"),
        reader=access,
        writer=access,
        **fields,
    )


async def delivered(batches: Sequence[Any], **fields: Any) -> tuple[Delivery, dict[int, bytes]]:
    stored: dict[int, bytes] = {}

    async def put(index: int, content: bytes) -> None:
        stored[index] = content

    async def stream() -> AsyncIterator[Any]:
        for batch in batches:
            yield batch

    with ThreadPoolExecutor(1) as threads:
        one = Delivery(work(**fields), put, threads)
        await one.take(Answer((), stream()))
    return one, stored


async def test_a_small_inline_answer_needs_no_object() -> None:
    one, stored = await delivered([ROWS])
    assert json.loads(one.inline or "") == [["1", 'x"\\y'], [None, "z\n,ü"]]
    assert (stored, len(one.chunks)) == ({}, 1)
    one, stored = await delivered([ROWS], disposition=Disposition.EXTERNAL_LINKS)
    assert one.inline is None
    assert list(stored) == [0]


async def test_an_answer_is_cut_into_chunks_of_a_few_mib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "CHUNK_BYTES", 8_000)
    batch = pa.record_batch({"a": list(range(10_000))})
    one, stored = await delivered([batch, batch], disposition=Disposition.EXTERNAL_LINKS)
    rows = [json.loads(stored[index]) for index in sorted(stored)]
    assert [int(row[0]) for chunk in rows for row in chunk] == [*range(10_000), *range(10_000)]
    assert [chunk.rows for chunk in one.chunks] == [len(chunk) for chunk in rows]
    assert max(chunk.rows for chunk in one.chunks) <= 1_000


async def test_limits_cut_whole_rows_and_say_so() -> None:
    batch = pa.record_batch({"a": list(range(100))})
    one, _ = await delivered([batch, batch], row_limit=150)
    assert (sum(chunk.rows for chunk in one.chunks), one.is_truncated) == (150, True)
    one, _ = await delivered([batch], row_limit=100)
    assert (one.chunks[0].rows, one.is_truncated) == (100, False)
    one, _ = await delivered([batch], byte_limit=80)
    assert (one.chunks[0].rows, one.is_truncated) == (10, True)


async def test_an_answer_too_large_for_inline_fails_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "MOST_INLINE_BYTES", 100)
    with pytest.raises(StatementFailed, match="EXTERNAL_LINKS"):
        await delivered([pa.record_batch({"a": list(range(100))})])


@pytest.mark.parametrize(
    ("text", "values", "expected", "type_text"),
    [
        ("decimal(10,2)", ["1.50", None], [Decimal("1.50"), None], "DECIMAL(10,2)"),
        (
            "timestamp(3) with time zone",
            ["2024-02-29 02:02:03.500 Europe/Berlin"],
            ["2024-02-29T01:02:03.500Z"],
            "TIMESTAMP",
        ),
        (
            "timestamp(6) with time zone",
            ["2024-02-29 02:02:03.000001 +01:00"],
            ["2024-02-29T01:02:03.000001Z"],
            "TIMESTAMP",
        ),
        (
            "timestamp(6)",
            ["2024-02-29 01:02:03.000001"],
            ["2024-02-29T01:02:03.000001"],
            "TIMESTAMP_NTZ",
        ),
        ("double", ["NaN", 1.5], ["NaN", "1.5"], "DOUBLE"),
        ("varbinary", ["Yf8="], [b"a\xff"], "BINARY"),
        (
            "map(bigint, array(double))",
            [{"1": [1.5]}],
            ['{"1":[1.5]}'],
            "MAP<BIGINT, ARRAY<DOUBLE>>",
        ),
        (
            'row(a integer, "b c" varchar(3), decimal(3,1))',
            [[1, "x", "2.5"]],
            ['{"a":1,"b c":"x","field2":2.5}'],
            "STRUCT<a: INT, b c: STRING, field2: DECIMAL(3,1)>",
        ),
        (
            "array(row(x timestamp(3) with time zone))",
            [[["2024-02-29 01:02:03.000 UTC"]]],
            ['[{"x":"2024-02-29T01:02:03.000Z"}]'],
            "ARRAY<STRUCT<x: TIMESTAMP>>",
        ),
        (
            "interval day to second",
            ["1 00:00:00.000"],
            ["1 00:00:00.000"],
            "INTERVAL DAY TO SECOND",
        ),
        ("unknown", [None], [None], "VOID"),
        ("char(3)", ["a  "], ["a  "], "STRING"),
    ],
)
def test_trinos_types_and_values_are_read(
    text: str, values: list[Any], expected: list[Any], type_text: str
) -> None:
    kind = read_type(text)
    array = kind.array(values)
    found = array.to_pylist()
    assert found == expected or texts(array).to_pylist() == expected
    assert kind.column("a").type_text == type_text


async def reading(text: str, *names: str, dialect: SqlDialect = SqlDialect.ENGINE) -> Reading:
    warehouse = WarehouseConfig(
        workspace_id=1,
        warehouse_id="duckdb",
        name="duckdb",
        engine=Engine.DUCKDB,
        dialect=dialect,
        memory_mib=1024,
        threads=1,
    )

    async def columns(table: tuple[str, str, str]) -> Sequence[str]:
        return ()

    body = StatementBody(text=text, parameters=tuple(Parameter(name=name) for name in names))
    return await read(body, warehouse, ("lakehouse", "default"), columns)


@pytest.mark.parametrize(
    ("text", "kind", "only_reads"),
    [
        ("SELECT 1;", "SELECT", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "WITH", True),
        ("SHOW TABLES", "SHOW", True),
        ("INSERT INTO a VALUES (1)", "INSERT", False),
        ("CREATE OR REPLACE TABLE a AS SELECT 1", "CREATE TABLE", False),
        ("-- SELECT\nDELETE FROM a", "DELETE", False),
        ("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE", "MERGE", False),
    ],
)
async def test_what_may_write_is_told_from_what_only_reads(
    text: str, kind: str, only_reads: bool
) -> None:
    found = await reading(text)
    assert (found.kind, found.only_reads) == (kind, only_reads)


async def test_markers_count_only_where_they_are_markers() -> None:
    found = await reading("SELECT :a, ':b', \"c:d\", x::int, :a -- :e", "a")
    assert found.statement.names == ("a", "a")
    found = await reading("SELECT `a` + :n FROM t", "n", dialect=SqlDialect.DATABRICKS)
    assert found.statement.names == ("n",)


@pytest.mark.parametrize(
    ("text", "names", "part"),
    [
        ("SELECT 1; SELECT 2", (), "2 SQL statements"),
        (" -- nothing", (), "no SQL statement"),
        ("SELECT :a, :b", ("a",), ":b"),
        ("SELECT 1", ("a",), "no marker :a"),
        ("SELECT 'a", (), "cannot be read"),
    ],
)
async def test_a_text_that_cannot_be_run_is_refused(
    text: str, names: tuple[str, ...], part: str
) -> None:
    with pytest.raises(EngineRejected, match=part):
        await reading(text, *names)


def test_the_activity_is_as_workflows_call_it() -> None:
    implemented = StatementActivities.run_statement
    wanted, given = get_type_hints(ports.run_statement), get_type_hints(implemented)
    assert wanted == given
    key = "__temporal_activity_definition"
    assert getattr(implemented, key).name == getattr(ports.run_statement, key).name
