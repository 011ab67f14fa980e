"""`openlake sql` without a server: parameters, tables, written answers, and the prompt."""

import io
import json
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from prompt_toolkit.application import create_app_session
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from control.cli.sql import form_of, parameters_of
from control.cli.sql_terminal import prompt, showing
from control.cli.sql_terminal.cells import distinct, plain, rows_of, text, visible
from control.cli.sql_terminal.completion import SqlCompleter
from control.cli.sql_terminal.names import Column
from control.cli.sql_terminal.session import Answer, Order, Session, SqlFailed, Warehouse, choose
from control.cli.sql_terminal.showing import say_failure
from control.cli.sql_terminal.tables import draw
from control.cli.sql_terminal.writing import Form, sink_of, write
from spec.errors import Invalid

# Parameters ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a=1", ("STRING", "1")),
        ("a=1:INT", ("INT", "1")),
        ("a=", ("STRING", "")),
        ("a:DATE", ("DATE", None)),
        ("a=x=y", ("STRING", "x=y")),
        ("a=10:30:00", ("STRING", "10:30:00")),
        ("a=2024-01-01 10:30:00:TIMESTAMP", ("TIMESTAMP", "2024-01-01 10:30:00")),
        ("a=1.50:DECIMAL(10,2)", ("DECIMAL(10,2)", "1.50")),
        ("a=x:INT:STRING", ("STRING", "x:INT")),
    ],
)
def test_a_parameter_has_a_type_behind_its_value(
    given: str, expected: tuple[str, str | None]
) -> None:
    (found,) = parameters_of([given])
    assert (found["name"], found["type"], found["value"]) == ("a", *expected)


@pytest.mark.parametrize("given", ["a", "a=many:INT", "a:b"])
def test_a_parameter_that_is_none_is_a_wrong_command(given: str) -> None:
    with pytest.raises(typer.BadParameter):
        parameters_of([given])


def test_the_ending_of_a_file_says_the_form(tmp_path: Path) -> None:
    assert form_of(None, tmp_path / "x.csv", interactive=False) is Form.csv
    assert form_of(Form.json, tmp_path / "x.txt", interactive=False) is Form.json
    assert form_of(None, None, interactive=False) is Form.table
    for wrong in (tmp_path / "x.txt", tmp_path / "none" / "x.csv"):
        with pytest.raises(typer.BadParameter):
            form_of(None, wrong, interactive=False)


# Answers ------------------------------------------------------------------------------------

VALUES = pa.table(
    {
        "n": pa.array([1, None], pa.int64()),
        "d": pa.array([Decimal("2.50"), Decimal("-3.00")], pa.decimal128(10, 2)),
        "t": ['it\'s, "so"', ""],
        "at": pa.array([datetime(2024, 2, 29, 1, 2, 3, 4, UTC), None], pa.timestamp("us", "UTC")),
        "l": [[1, None], []],
        "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        "s": [{"a": 1, "b": date(2024, 1, 1)}, None],
        "b": [b"\x00\xff", None],
        "ok": [True, False],
    }
)
TYPES: Sequence[str] = "LONG DECIMAL STRING TIMESTAMP ARRAY MAP STRUCT BINARY BOOLEAN".split()


class Chunks:
    """Stands in for the object store."""

    def __init__(self, *tables: pa.Table) -> None:
        self.tables = tables

    def chunk(self, statement_id: str, index: int) -> bytes:
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, self.tables[index].schema) as writer:
            writer.write_table(self.tables[index])
        return sink.getvalue()


def answer(
    *tables: pa.Table, names: list[str] | None = None, types: Sequence[str] = TYPES
) -> Answer:
    columns = [
        {"name": name, "type_name": kind}
        for name, kind in zip(names or VALUES.column_names, types, strict=True)
    ]
    manifest = {
        "schema": {"columns": columns},
        "total_chunk_count": len(tables),
        "total_row_count": sum(table.num_rows for table in tables),
        "truncated": False,
    }
    return Answer("s1", manifest, 0.5, Chunks(*tables))  # pyright: ignore[reportArgumentType]


def written(form: Form, *tables: pa.Table, **more: Any) -> bytes:
    sink = io.BytesIO()
    write(answer(*tables, **more), form, sink)
    return sink.getvalue()


def test_json_keeps_what_it_can_and_loses_no_digit() -> None:
    first, second, *rest = json.loads(written(Form.json, VALUES, VALUES[:1]))
    assert first == {
        "n": 1,
        "d": "2.50",
        "t": 'it\'s, "so"',
        "at": "2024-02-29 01:02:03.000004+00:00",
        "l": [1, None],
        "m": {"k": 1},
        "s": {"a": 1, "b": "2024-01-01"},
        "b": "AP8=",
        "ok": True,
    }
    assert (second["n"], second["t"], second["l"], second["m"]) == (None, "", [], None)
    assert rest == [first], "all chunks make one list"
    assert json.loads(written(Form.json)) == []


def test_csv_tells_null_from_empty_text() -> None:
    lines = written(Form.csv, VALUES).decode().split("\r\n")
    assert lines[0] == "n,d,t,at,l,m,s,b,ok"
    assert lines[1].startswith(
        '1,2.50,"it\'s, ""so""",2024-02-29 01:02:03.000004+00:00,"[1, null]"'
    )
    assert lines[2] == ',-3.00,"",,[],,,,false'
    assert written(Form.csv).decode() == lines[0] + "\r\n"


def test_parquet_keeps_the_types() -> None:
    found = pq.read_table(io.BytesIO(written(Form.parquet, VALUES, VALUES)))
    assert found.schema.types == VALUES.schema.types
    assert found.num_rows == 4
    empty = pq.read_table(io.BytesIO(written(Form.parquet)))
    assert (empty.num_rows, empty.schema.field("n").type) == (0, pa.int64())


def test_columns_of_one_name_get_names_of_their_own() -> None:
    assert distinct(["a", "a", "a_2", "a"]) == ["a", "a_3", "a_2", "a_4"]
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    types = ["LONG", "LONG"]
    assert json.loads(written(Form.json, table, names=["a", "a"], types=types)) == [
        {"a": 1, "a_2": 2}
    ]
    found = pq.read_table(io.BytesIO(written(Form.parquet, table, names=["a", "a"], types=types)))
    assert found.column_names == ["a", "a_2"]


def test_a_file_is_there_only_once_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    out.write_text("old")
    with pytest.raises(RuntimeError), sink_of(out) as sink:
        sink.write(b"half")
        raise RuntimeError
    assert out.read_text() == "old" and list(tmp_path.iterdir()) == [out]
    with sink_of(out) as sink:
        sink.write(b"whole")
    assert out.read_text() == "whole"


def test_numbers_that_json_has_no_form_for_are_text() -> None:
    assert [plain(each) for each in (float("nan"), float("inf"), 1.5)] == ["nan", "inf", 1.5]
    assert text([{"a": None}]) == '[{"a": null}]'


# Tables -------------------------------------------------------------------------------------


def drawn(rows: list[tuple[Any, ...]], width: int | None, *columns: tuple[str, str]) -> list[str]:
    heads = [{"name": name, "type_name": kind} for name, kind in columns]
    sink = io.StringIO()
    Console(file=sink, width=width or 500, highlight=False).print(draw(heads, rows, width))
    return sink.getvalue().splitlines()


def test_numbers_stand_at_the_right_and_null_is_said() -> None:
    rows = [(1, "a", None), (200, "長い", Decimal("1.50"))]
    assert drawn(rows, 80, ("n", "LONG"), ("t", "STRING"), ("d", "DECIMAL")) == [
        "  n  t        d",
        "───  ────  ────",
        "  1  a     NULL",
        "200  長い  1.50",
    ]


def test_a_table_never_passes_the_edge() -> None:
    rows = [("x" * 200, 1, "short")]
    columns = (("long", "STRING"), ("n", "INT"), ("t", "STRING"))
    lines = drawn(rows, 60, *columns)
    assert max(map(len, lines)) == 60 and "…" in lines[2] and lines[2].endswith("1  short")
    assert drawn(rows, None, *columns)[2].startswith("x" * 200), "in a pipe nothing is cut"


def test_what_is_too_wide_for_a_table_is_shown_row_by_row() -> None:
    columns = [(f"column_{number}", "STRING") for number in range(10)]
    lines = drawn([tuple("abcdefghij"), (None,) * 10], 60, *columns)
    assert lines[0].startswith("── row 1 ─") and lines[1] == "column_0  a"
    assert lines[12] == "column_0  NULL" and len(lines) == 22


def test_nothing_in_a_value_steers_the_terminal() -> None:
    assert visible("a\x1b[31m\nb\u202e") == "a\\x1b[31m\\nb\\u202e"


def test_an_error_shows_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = io.StringIO()
    monkeypatch.setattr(showing, "errors", Console(file=sink, highlight=False))
    say_failure("line 2:6: Column 'x' cannot be resolved", "SELECT 1,\n     x")
    assert sink.getvalue().splitlines()[1:] == ["       x", "       ^"]


# Warehouses and the prompt ------------------------------------------------------------------


class Api:
    """Answers what the prompt asks the API."""

    def __init__(self, *states: str) -> None:
        self.states = states

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        assert path == "/api/2.0/sql/warehouses"
        names = ("trino", "duckdb", "mine")
        return {
            "warehouses": [
                {"id": name, "name": name, "state": state, "engine": "duckdb", "dialect": "engine"}
                for name, state in zip(names, self.states, strict=True)
            ]
        }


@pytest.mark.parametrize(
    ("wanted", "states", "chosen"),
    [
        (None, ("STOPPED", "STOPPED", "STOPPED"), "duckdb"),
        (None, ("STOPPED", "STOPPED", "RUNNING"), "mine"),
        ("trino", ("STOPPED", "STOPPED", "RUNNING"), "trino"),
    ],
)
def test_a_warehouse_is_chosen(wanted: str | None, states: tuple[str, ...], chosen: str) -> None:
    assert choose(Api(*states), wanted).id == chosen  # pyright: ignore[reportArgumentType]


def test_a_warehouse_that_there_is_not_is_told_with_those_that_are() -> None:
    with pytest.raises(Invalid, match="'x'; there are trino, duckdb, mine"):
        choose(Api("STOPPED", "STOPPED", "STOPPED"), "x")  # pyright: ignore[reportArgumentType]


class Ran(Session):
    """Remembers statements; those with `bad` in them fail."""

    def __init__(self) -> None:
        self.api = Api("STOPPED", "RUNNING", "STOPPED")  # pyright: ignore[reportAttributeAccessIssue]
        self.warehouse = Warehouse("duckdb", "duckdb", "duckdb", "engine")
        self.orders: list[Order] = []

    def run(self, order: Order, told: Any = None) -> Answer:
        self.orders.append(order)
        if "bad" in order.text:
            raise SqlFailed("no such column: bad")
        return answer(pa.table({"n": [1, 2]}), names=["n"], types=["LONG"])


Typed = Callable[[str], tuple[Ran, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """Types at a prompt; returns what was run, and all that was printed."""
    sink = io.StringIO()
    plain = Console(file=sink, width=100, highlight=False)
    for module in (prompt, showing):
        monkeypatch.setattr(module, "console", plain)
        monkeypatch.setattr(module, "errors", plain)
    monkeypatch.setattr(prompt, "say_error", lambda words: sink.write(f"✗ {words}\n"))
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):

        def run(what: str) -> tuple[Ran, str]:
            ran = Ran()
            keys.send_text(what)
            prompt.Prompt(ran, Order(""), Form.table, history=InMemoryHistory()).run()
            return ran, sink.getvalue()

        yield run


def test_a_statement_goes_on_over_lines_until_its_semicolon(typed: Typed) -> None:
    ran, shown = typed("SELECT n\r, ';' FROM t;\rSELECT 2; SELECT 3;\r\\q\r")
    assert [order.text for order in ran.orders] == [
        "SELECT n\n, ';' FROM t",
        "SELECT 2",
        "SELECT 3",
    ]
    assert "2 rows" in shown and ran.orders[0].limit == 1000


def test_a_semicolon_within_quotes_ends_nothing(typed: Typed) -> None:
    ran, _ = typed("SELECT 'a;\rb';\r\\q\r")
    assert [order.text for order in ran.orders] == ["SELECT 'a;\nb'"]


def test_an_error_ends_the_line_and_not_the_prompt(typed: Typed) -> None:
    ran, shown = typed("SELECT bad; SELECT 1;\rSELECT 2;\r\x04")
    assert [order.text for order in ran.orders] == ["SELECT bad", "SELECT 2"]
    assert "no such column: bad" in shown


def test_commands(typed: Typed) -> None:
    ran, shown = typed("\\?\r\\w trino\r\\w nowhere\r\\o json\r\\o xml\r\\x\r\\w\r\\q\r")
    assert ran.warehouse.id == "trino" and not ran.orders
    assert "list tables, or the columns of one" in shown
    for words in (
        "no SQL warehouse 'nowhere'",
        "table, json, csv; now as json",
        "no command '\\x'",
    ):
        assert words in shown
    assert shown.endswith("trino\nduckdb\nmine\n")


def test_ctrl_c_clears_the_line(typed: Typed) -> None:
    ran, _ = typed("SELECT 1\x03SELECT 2;\r\\q\r")
    assert [order.text for order in ran.orders] == ["SELECT 2"]


def test_the_history_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    prompt._history().store_string("SELECT 1;")
    (path,) = tmp_path.rglob("sql_history")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0 or os.geteuid() != 0
    assert "SELECT 1;" in path.read_text()


class Known:
    """A catalog of two schemas."""

    catalog = "lakehouse"

    def catalogs(self) -> list[str]:
        return ["lakehouse", "hive"]

    def schemas(self, catalog: str) -> list[str]:
        return ["shop", "sales"] if catalog == "lakehouse" else ["old"]

    def tables(self, catalog: str, schema: str) -> list[str]:
        return ["orders", "owners"] if schema == "shop" else []

    def columns(self, full_name: str) -> list[Column]:
        assert full_name == "lakehouse.shop.orders"
        return [Column("order_id", "BIGINT"), Column("region", "STRING")]

    def full_name(self, written: str, schema: str | None) -> str | None:
        return f"lakehouse.{written}" if "." in written else None


@pytest.mark.parametrize(
    ("before", "after", "offered"),
    [
        ("SELECT * FROM s", "", ["shop", "sales"]),
        ("SELECT * FROM shop.", "", ["orders", "owners"]),
        ("SELECT * FROM shop.or", "", ["orders"]),
        ("SELECT * FROM hive.", "", ["old"]),
        ("SELECT o.", " FROM shop.orders o", ["order_id", "region"]),
        ("SELECT orders.re", " FROM shop.orders", ["region"]),
        ("SELECT re", " FROM shop.orders WHERE 1 = 1", ["region"]),
        ("SELEC", "", ["SELECT"]),
        ("selec", "", ["select"]),
        ("\\o j", "", ["json"]),
    ],
)
def test_completion(before: str, after: str, offered: list[str]) -> None:
    completer = SqlCompleter(
        Known(),  # pyright: ignore[reportArgumentType]
        dialect=lambda: "duckdb",
        schema=None,
        commands=lambda line: ["table", "json", "csv"],
    )
    document = Document(before + after, len(before))
    found = [each.text for each in completer.get_completions(document, None)]  # pyright: ignore[reportArgumentType]
    assert found[: len(offered)] == offered


def test_a_batch_gives_its_rows() -> None:
    (batch,) = pa.table({"a": [1, 2], "b": ["x", None]}).to_batches()
    assert list(rows_of(batch)) == [(1, "x"), (2, None)]
