"""Table care on the whole stack: the jobs of the example."""

import json
from typing import Any

import pyarrow as pa
import pytest

from spec.table_care_figures import COLUMNS
from tests.integration.stack import Stack, catalog, result_of

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]


def numbers(*values: int) -> pa.Table:
    return pa.table({"x": pa.array(values, pa.int64())})


@pytest.fixture(scope="module")
def jobs(whole_stack: Stack) -> dict[str, int]:
    """A table of many small files, and the example's jobs."""
    lake = catalog(whole_stack)
    lake.create_namespace_if_not_exists("cared_for")
    if not lake.table_exists("cared_for.orders"):
        table = lake.create_table("cared_for.orders", schema=numbers().schema)
        for value in range(6):
            table.append(numbers(value))
    deployed = whole_stack.json("bundle", "deploy", "docs/examples/table_care")
    return {key: int(job["job_id"]) for key, job in deployed["jobs"].items()}


def figures(stack: Stack, run_id: int) -> dict[str, dict[str, str]]:
    """Return the rows of a run's output, by their step."""
    output = json.loads(stack.command("runs", "output", str(run_id)))["sql_output"]["query_output"]
    assert output["columns"] == list(COLUMNS)
    rows: list[dict[str, Any]] = [dict(zip(COLUMNS, row, strict=True)) for row in output["rows"]]
    assert {row["table"] for row in rows} == {"cared_for.orders"}
    return {row["step"]: row for row in rows}


def test_the_nightly_job_compacts_and_loses_nothing(stack: Stack, jobs: dict[str, int]) -> None:
    run = stack.start_run(jobs["nightly_table_care"], tables="cared_for.*")
    finished = stack.finished(run)
    log = stack.command("runs", "logs", str(run))
    assert result_of(finished).startswith("SUCCESS"), log
    rows = figures(stack, run)
    assert list(rows) == ["compact", "rewrite_manifests", "expire_snapshots", "remove_orphan_files"]
    assert int(rows["compact"]["files_before"]) > int(rows["compact"]["files_after"]) == 1
    assert rows["rewrite_manifests"]["manifests_after"] == "1"
    # What was replaced just now belongs to the history; what was written just now is too young.
    assert rows["expire_snapshots"]["deleted_files"] == "0"
    assert rows["remove_orphan_files"]["deleted_files"] == "0"
    assert "cared_for.orders: compact: 6 → 1 files" in log
    assert "cared_for.orders: remove_orphan_files: deleted 0 of " in log
    found = catalog(stack).load_table("cared_for.orders").scan().to_arrow()["x"].to_pylist()
    assert sorted(found) == list(range(6))


def test_a_dry_run_tells_and_names_what_is_wrong(stack: Stack, jobs: dict[str, int]) -> None:
    told = stack.start_run(jobs["what_would_go"], tables="cared_for.orders")
    assert result_of(stack.finished(told)).startswith("SUCCESS")
    assert set(figures(stack, told)) == {"expire_snapshots", "remove_orphan_files"}
    once = stack.json("tables", "care", "cared_for.orders", "--expire-snapshots", "--dry-run")
    assert [row["step"] for row in once["rows"]] == ["expire_snapshots"]
    wrong = stack.start_run(jobs["what_would_go"], tables="cared_for.nothing")
    assert result_of(stack.finished(wrong)).startswith("FAILED")
    message = stack.task(wrong, "tell")["state"]["state_message"]
    assert "there is no table 'cared_for.nothing'" in message
