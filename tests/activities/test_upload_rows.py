"""What is read of an uploaded file: its columns, and every row that is bad with its line."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from activities.programs.upload_rows import Upload
from activities.sql.duckdb_catalog import Lakehouse
from spec.errors import EngineRejected
from spec.loads import LoadTask


class Memory:
    """A DuckDB without a lakehouse."""

    def __init__(self) -> None:
        self._db = duckdb.connect()

    def execute(self, text: str, values: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
        return self._db.execute(text, dict(values))


def upload(folder: Path, name: str, content: bytes | str, **task: Any) -> Upload:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    kind = name.split(".")[1]
    asked = LoadTask(upload_id="u", table="s.t", **task)
    return Upload(cast("Lakehouse", Memory()), asked, file, kind)


def rows(opened: Upload) -> list[tuple[Any, ...]]:
    found = opened._run(f"SELECT * FROM {opened.view}").fetchall()  # pyright: ignore[reportPrivateUsage]
    return cast("list[tuple[Any, ...]]", found)


def test_types_are_found_out_and_may_be_chosen(tmp_path: Path) -> None:
    text = "id,amount,day\n1,2.50,2026-01-02\n2,3.25,2026-01-03\n"
    guessed = upload(tmp_path, "a.csv", text)
    assert guessed.open({}) == {"id": "BIGINT", "amount": "DOUBLE", "day": "DATE"}
    chosen = upload(tmp_path, "a.csv", text, columns={"AMOUNT": "decimal(6, 2)", "day": "STRING"})
    assert chosen.open({}) == {"id": "BIGINT", "amount": "DECIMAL(6, 2)", "day": "VARCHAR"}
    assert chosen.check() == (2, [])
    assert [str(cell) for cell in rows(chosen)[0]] == ["1", "2.50", "2026-01-02"]


def test_every_bad_row_is_told_with_its_line(tmp_path: Path) -> None:
    text = 'id,name,age\n1,a,10\n2,b,xx\n3,"c\nd",30\n4,e\n5,f,7,9\n6,g,7\n'
    file = upload(tmp_path, "a.csv", text, columns={"age": "INT"})
    file.open({})
    _, bad = file.check()
    assert [(row.line, row.text) for row in bad] == [(3, "2,b,xx"), (6, "4,e"), (7, "5,f,7,9")]
    assert "xx" in bad[0].problem


def test_a_value_far_down_that_does_not_fit_is_found(tmp_path: Path) -> None:
    lines = [f"{i},{i * 2}" for i in range(60_000)]
    lines[50_000] = "50000,many"
    file = upload(tmp_path, "a.csv", "\n".join(["id,n", *lines]))
    assert file.open({}) == {"id": "BIGINT", "n": "BIGINT"}
    _, [bad] = file.check()
    assert (bad.line, bad.column, bad.text) == (50_002, "n", "50000,many")


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("a;b\n1;x\n", {}, {"a": "BIGINT", "b": "VARCHAR"}),
        ("1\tx\n2\ty\n", {"header": False}, {"column0": "BIGINT", "column1": "VARCHAR"}),
        ("made by a tool\na,b\n1,NA\n", {"skip": 1, "null": "NA"}, {"a": "BIGINT", "b": "VARCHAR"}),
        ("a,d\n1,24.12.2026\n", {"date_format": "%d.%m.%Y"}, {"a": "BIGINT", "d": "DATE"}),
    ],
)
def test_csv_can_be_spelled_in_many_ways(
    tmp_path: Path, text: str, options: dict[str, Any], expected: dict[str, str]
) -> None:
    file = upload(tmp_path, "a.csv", text, csv=options)
    assert file.open({}) == expected
    assert file.check()[1] == []


def test_another_encoding_is_said_to_be_one_or_is_told(tmp_path: Path) -> None:
    content = "id,name\n1,ä\n".encode("latin-1")
    wrong = upload(tmp_path, "a.csv", content)
    wrong.open({})
    _, [bad] = wrong.check()
    assert bad.line == 2 and "not utf-8" in bad.problem
    right = upload(tmp_path, "a.csv", content, csv={"encoding": "latin-1"})
    right.open({})
    assert right.check() == (1, []) and rows(right) == [(1, "ä")]


@pytest.mark.parametrize(
    ("text", "unit", "line"),
    [
        ('{"id": 1}\n\n{"id": "zz"}\n', "line", 3),
        ('[{"id": 1}, {"id": "zz"}]', "record", 2),
    ],
)
def test_a_json_value_that_does_not_fit_is_told(
    tmp_path: Path, text: str, unit: str, line: int
) -> None:
    file = upload(tmp_path, "a.json", text, columns={"id": "BIGINT"})
    file.open({})
    _, [bad] = file.check()
    assert (file.unit, bad.line, bad.column) == (unit, line, "id")


def test_broken_json_and_parquet_are_refused_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(EngineRejected, match=r"a\.json.*line 3"):
        upload(tmp_path, "a.json", '{"id": 1}\n{"id":\n').open({})
    with pytest.raises(EngineRejected, match=r"a\.parquet"):
        upload(tmp_path, "a.parquet", "nothing").open({})


def test_nested_json_and_compressed_files_are_read(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"a": {"b": [1, 2]}}\n')
    file = upload(tmp_path, "a.json.gz", packed)
    assert file.open({}) == {"a": "STRUCT(b BIGINT[])"}
    assert file.check() == (1, [])


def test_rows_are_appended_by_name_in_the_tables_types(tmp_path: Path) -> None:
    table = {"Id": "INTEGER", "name": "VARCHAR", "more": "DOUBLE"}
    file = upload(tmp_path, "a.csv", "name,id\nx,1\n")
    assert file.open(table) == {"name": "VARCHAR", "id": "INTEGER"}
    with pytest.raises(EngineRejected, match="no column 'colour'"):
        upload(tmp_path, "a.csv", "id,colour\n1,red\n").open(table)
    with pytest.raises(EngineRejected, match="is INTEGER in the table"):
        upload(tmp_path, "a.csv", "id\n1\n", columns={"id": "STRING"}).open(table)
    with pytest.raises(EngineRejected, match="no column 'nope'"):
        upload(tmp_path, "a.csv", "id\n1\n", columns={"nope": "STRING"}).open({})
