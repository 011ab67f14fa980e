"""Compaction and manifest rewriting on Spark: fewer files, the same rows, figures of both."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from py4j.protocol import Py4JError
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitFailedException

from activities.config import WorkerConfig
from activities.engines.spark_settings import driver_settings
from activities.folder import AttemptFolder
from activities.programs.run_table_care import COLUMNS as PROGRAM_COLUMNS
from activities.programs.run_table_care import Carer, quoted
from spec.attempts import AttemptResult, AttemptWork, SqlProgram, TableCareProgram
from spec.table_care_figures import COLUMNS
from spec.tasks import Engine
from tests.activities.fakes import make_ref, make_work
from tests.activities.test_lakehouse import Field, field, trino_field

__all__ = ["field", "trino_field"]


def test_the_program_writes_the_columns_of_the_contract() -> None:
    assert PROGRAM_COLUMNS == COLUMNS


def test_names_are_quoted() -> None:
    assert quoted(("a b", "c`d")) == "`a b`.`c``d`"


def catalog_of(work: AttemptWork) -> Any:
    s3 = work.storage
    return load_catalog(
        "lakehouse",
        **{
            "type": "rest",
            "uri": work.catalog.uri,
            "warehouse": work.catalog.warehouse,
            "token": work.catalog.token,
            "s3.endpoint": s3.endpoint,
            "s3.region": s3.region,
            "s3.access-key-id": s3.access_key,
            "s3.secret-access-key": s3.secret_key,
        },
    )


def numbers(*values: int) -> pa.Table:
    return pa.table({"x": pa.array(values, pa.int64())})


class Session:
    """Answers SQL as Spark would, from a catalog of three tables."""

    def __init__(self, failures: dict[str, list[Exception]] | None = None) -> None:
        self.failures = failures or {}
        self.calls: list[str] = []
        self._rows: list[Any] = []

    def sql(self, text: str) -> "Session":
        schemas = {"`lakehouse`": ["a"], "`lakehouse`.`a`": ["a.b"]}
        tables = {"`lakehouse`.`a`": ["t", "u"], "`lakehouse`.`a`.`b`": ["v"]}
        place = text.rpartition(" IN ")[2]
        if text.startswith("SHOW NAMESPACES"):
            self._rows = [(name,) for name in schemas.get(place, [])]
        elif text.startswith("SHOW TABLES"):
            found = tables.get(place, [])
            self._rows = [{"tableName": name, "isTemporary": False} for name in found]
        elif text.startswith("CALL"):
            self.calls.append(text)
            for word, left in self.failures.items():
                if word in text and left:
                    raise left.pop()
            self._rows = []
        else:
            self._rows = [(3, 100, 2)]
        return self

    def collect(self) -> list[Any]:
        return self._rows


def carer(session: Any, *tables: str, **order: Any) -> Carer:
    program = TableCareProgram.model_validate({"tables": tables, "compact": True} | order)
    return Carer(session, "lakehouse", program.model_dump(mode="json"), pause_s=0)


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (("a.u", "a.*"), ["a.u", "a.t"]),
        (("*",), ["a.t", "a.u", "a.b.v"]),
        (("lakehouse.a.b.v",), ["a.b.v"]),
    ],
)
def test_patterns_name_each_table_once(patterns: tuple[str, ...], found: list[str]) -> None:
    assert [".".join(table) for table in carer(Session(), *patterns).tables()] == found


def test_a_table_that_does_not_exist_is_named() -> None:
    with pytest.raises(LookupError, match=r"there is no table 'a\.w'"):
        list(carer(Session(), "a.w").tables())


def test_a_conflict_is_tried_again_and_another_failure_is_not() -> None:
    conflict = Py4JError("Cannot commit rewrite because of a ValidationException or …")
    session = Session({"`t`": [conflict] * 2, "`u`": [Py4JError("Forbidden: the attempt is over")]})
    caring = carer(session, "a.*", min_input_files=2, target_file_size_bytes=1024)
    for table in list(caring.tables()):
        caring.care(table)
    assert [call.count("`t`") for call in session.calls] == [1, 1, 1, 0]
    assert "'min-input-files', '2'" in session.calls[0]
    assert "'target-file-size-bytes', '1024'" in session.calls[0]
    assert caring.failed == {"a.u": "Forbidden: the attempt is over"}
    assert [row[:2] for row in caring.rows] == [["a.t", "compact"]]


def test_rewriting_tells_no_lineage(config: WorkerConfig, tmp_path: Path) -> None:
    for program, told in ((TableCareProgram(tables=("*",)), False), (None, True)):
        work = make_work(make_ref(engine=Engine.SPARK), program)
        settings = driver_settings(config, work, AttemptFolder(tmp_path / work.key, work.key))
        assert ("spark.extraListeners" in settings) is told


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_many_small_files_become_few_and_the_rows_stay(field: Field) -> None:
    writer = await field.lake.open(Engine.DUCKDB, SqlProgram(text="SELECT 1"))
    catalog = catalog_of(writer)
    catalog.create_namespace("compacting")
    many = catalog.create_table("compacting.many", schema=numbers().schema)
    few = catalog.create_table("compacting.few", schema=numbers().schema)
    for value in range(6):
        many.append(numbers(value))
    few.append(numbers(1))
    few.append(numbers(2))

    program = TableCareProgram(
        tables=("compacting.*", "compacting.many"), compact=True, rewrite_manifests=True
    )
    work = await field.lake.open(Engine.SPARK, program)
    # Somebody appends until that is in the way: nothing of it is lost, and the rewrite goes again.
    over = threading.Event()

    def in_the_way() -> bool:
        return over.is_set() or ": again, after " in field.control.log(work.ref)

    appending = asyncio.create_task(asyncio.to_thread(append_until, in_the_way, many))
    outcome = await field.run(work)
    over.set()
    later = await appending

    assert outcome.result is AttemptResult.SUCCESS, outcome.message
    output = field.control.outputs[work.ref.task_run_id]
    assert output.sql is not None and output.sql.columns == COLUMNS
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in output.sql.rows]
    assert [(row["table"], row["step"]) for row in rows] == [
        (f"compacting.{table}", step)
        for table in ("few", "many")
        for step in ("compact", "rewrite_manifests")
    ]
    compacted, merged = rows[2:]
    assert int(compacted["files_before"] or 0) >= 6 > int(compacted["files_after"] or 0)
    assert int(merged["manifests_before"] or 0) > int(merged["manifests_after"] or 0)
    assert rows[0]["files_before"] == rows[0]["files_after"] == "2", "fewer than min_input_files"
    assert output.values["files_before"] == 2 + int(compacted["files_before"] or 0)
    found = sorted(row["x"] for row in field.rows(work, "compacting.many"))
    assert found == sorted([*range(6), *later])
    stamps = [
        dict(snapshot.summary.additional_properties)
        for snapshot in field.table(work, "compacting.few").metadata.snapshots
        if snapshot.summary is not None
    ]
    assert stamps[-1]["openlake.task-run-id"] == str(work.ref.task_run_id)
    assert "compacting.many: compact: again, after " in field.control.log(work.ref)


def append_until(over: Callable[[], bool], table: Any) -> list[int]:
    """Append row after row."""
    landed: list[int] = []
    while not over():
        table.refresh()
        value = 100 + len(landed)
        try:
            table.append(numbers(value))
        except CommitFailedException:
            continue
        landed.append(value)
        time.sleep(0.5)
    return landed


@pytest.mark.integration
@pytest.mark.slow
async def test_trino_is_not_let_to_delete_files(trino_field: Field) -> None:
    make = "CREATE SCHEMA IF NOT EXISTS trino_care; CREATE TABLE trino_care.t AS SELECT 1 AS x"
    made = await trino_field.lake.open(Engine.TRINO, SqlProgram(text=make))
    assert (await trino_field.run(made)).result is AttemptResult.SUCCESS
    for procedure in ("remove_orphan_files", "expire_snapshots"):
        text = f"ALTER TABLE trino_care.t EXECUTE {procedure}(retention_threshold => '3650d')"
        work = await trino_field.lake.open(Engine.TRINO, SqlProgram(text=text))
        outcome = await trino_field.run(work)
        assert outcome.result is AttemptResult.FAILED
        assert "shorter than the minimum retention" in outcome.message
