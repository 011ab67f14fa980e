"""Uploads land whole or not at all; a run that is run again sees the tables as they were."""

from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.service.jobs import SqlTask, SqlTaskFile, SubmitTask
from databricks.sdk.service.workspace import ImportFormat
from pyiceberg.exceptions import NoSuchTableError

from tests.integration.stack import Stack, catalog, result_of

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.timeout(300),
]

GOOD = "id,name,age\n1,Ann,31\n2,Bob,40\n"
BAD = GOOD + "3,Cid,old\n4,Dee\n"


def upload(stack: Stack, folder: Path, content: str, *words: str) -> Any:
    file = folder / "people.csv"
    file.write_text(content)
    return stack.json("tables", "upload", str(file), "replay.people", *words, check=False)


def rows(stack: Stack, table: str) -> list[dict[str, Any]]:
    return catalog(stack).load_table(table).scan().to_arrow().to_pylist()


def test_a_bad_row_is_told_with_its_line_and_nothing_is_loaded(
    stack: Stack, tmp_path: Path
) -> None:
    answer = upload(stack, tmp_path, BAD, "--type", "age=INT", "--overwrite")
    assert [row[0] for row in answer["rows"]] == ["4", "5"]
    assert "line 4 is bad (and 1 more)" in answer["error"]
    with pytest.raises(NoSuchTableError):
        catalog(stack).load_table("replay.people")


def test_a_replay_sees_the_tables_as_they_were(stack: Stack, tmp_path: Path) -> None:
    assert upload(stack, tmp_path, GOOD, "--overwrite")["error"] is None
    texts = {
        "steady": "CREATE OR REPLACE TABLE replay.ages AS SELECT * FROM replay.people",
        "dice": "CREATE OR REPLACE TABLE replay.dice AS SELECT random() AS n",
    }
    runs = {key: _submitted(stack, key, text) for key, text in texts.items()}
    for run_id in runs.values():
        assert result_of(stack.finished(run_id)) == "SUCCESS"
    assert upload(stack, tmp_path, "name,id\nCid,3\n", "--append")["error"] is None
    assert len(rows(stack, "replay.people")) == 3
    snapshot = catalog(stack).load_table("replay.ages").current_snapshot()

    same = stack.json("runs", "replay", str(runs["steady"]))
    assert [(each["table"], each["rows after"], each["verdict"]) for each in same["tables"]] == [
        ("replay.ages", "2", "equal")
    ]
    other = stack.json("runs", "replay", str(runs["dice"]), check=False)
    [verdict] = other["tables"]
    assert verdict["verdict"] == "1 rows only the first time, 1 only the second"
    assert "1 of 1 tables differ" in other["error"]
    # Nothing of a replay is published.
    assert catalog(stack).load_table("replay.ages").current_snapshot() == snapshot


def _submitted(stack: Stack, key: str, text: str) -> int:
    client = stack.client()
    folder = "/Shared/replay"
    client.workspace.mkdirs(folder)
    path = f"{folder}/{key}.sql"
    client.workspace.upload(path, text.encode(), format=ImportFormat.RAW, overwrite=True)
    sql = SqlTask(warehouse_id="duckdb", file=SqlTaskFile(path=path))
    run = client.jobs.submit(run_name=key, tasks=[SubmitTask(task_key=key, sql_task=sql)])
    return run.response.run_id or 0
