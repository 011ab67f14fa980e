"""A secret that tasks try to show: it is nowhere that people, or Temporal, can look."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.integration.stack import ROOT, Stack

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

PASSWORD = "Tr0ub4dor-and-3"  # not a secret
ENCODED = "VHIwdWI0ZG9y"
"""The beginning of it in base64, at one of the three alignments."""


@pytest.fixture(scope="module")
def leaked(whole_stack: Stack) -> dict[str, Any]:
    """A finished run of the job that shows its secret."""
    whole_stack.command("secrets", "create-scope", "test-leaks")
    words = ("secrets", "put", "test-leaks", "password", "--string-value", PASSWORD)
    whole_stack.command(*words)
    folder = ROOT / "tests" / "integration" / "bundles" / "secretive"
    deployed = whole_stack.json("bundle", "deploy", str(folder))
    run_id = whole_stack.start_run(int(deployed["jobs"]["secretive"]["job_id"]))
    run = whole_stack.finished(run_id, within_s=300)
    whole_stack.command("secrets", "delete-scope", "test-leaks")
    return run


def task(run: dict[str, Any], key: str) -> dict[str, Any]:
    return next(each for each in run["tasks"] if each["task_key"] == key)


def log_of(stack: Stack, run: dict[str, Any], key: str) -> str:
    return stack.command("runs", "logs", str(task(run, key)["run_id"]))


def test_logs_show_none_of_it(leaked: dict[str, Any], whole_stack: Stack) -> None:
    log = log_of(whole_stack, leaked, "plain")
    assert PASSWORD not in log and PASSWORD[:5] not in log and PASSWORD[5:] not in log
    assert log.startswith("whole: [REDACTED]\n")
    assert "\n[REDACTED] in two pieces\n" in log
    assert "ValueError: no access with [REDACTED]" in log
    assert log_of(whole_stack, leaked, "notebook") == "[REDACTED]\n"
    spark = log_of(whole_stack, leaked, "on_spark")
    assert f"setting: [REDACTED] length: {len(PASSWORD)}" in spark
    assert "variable: [REDACTED]" in spark


def test_states_outputs_and_values_show_none_of_it(
    leaked: dict[str, Any], whole_stack: Stack
) -> None:
    assert "no access with [REDACTED]" in json.dumps(leaked)
    client = whole_stack.client()
    plain = client.jobs.get_run_output(task(leaked, "plain")["run_id"])
    assert plain.error == "ValueError: no access with [REDACTED]"
    notebook = client.jobs.get_run_output(task(leaked, "notebook")["run_id"])
    assert notebook.notebook_output is not None
    assert notebook.notebook_output.result == "it is [REDACTED]"
    for text in (json.dumps(leaked), str(plain.as_dict()), str(notebook.as_dict())):
        assert PASSWORD not in text


def test_live_streams_show_none_of_it(leaked: dict[str, Any], whole_stack: Stack) -> None:
    layout = whole_stack.layout
    task_run = task(leaked, "plain")["run_id"]
    answer = httpx2.get(
        f"{layout.api_url}/api/openlake/1.0/task-runs/{task_run}/logs/stream",
        headers={"Authorization": f"Bearer {layout.secret('token')}"},
        timeout=30,
    )
    assert "event: end" in answer.text and "[REDACTED]" in answer.text
    assert PASSWORD not in answer.text and ENCODED not in answer.text


def test_the_database_holds_it_nowhere_in_the_clear(
    leaked: dict[str, Any], whole_stack: Stack
) -> None:
    dump = asyncio.run(rows(whole_stack.layout.postgres_url("openlake")))
    assert "attempt_secrets" in dump and str(leaked["run_id"]) in dump
    assert PASSWORD not in dump
    # Temporal keeps its histories in a file of its own.
    files = list(whole_stack.data_dir.rglob("temporal.db*"))
    assert files
    for file in files:
        assert PASSWORD.encode() not in file.read_bytes(), file


async def rows(url: str) -> str:
    """Return every row of the control plane's database as text."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        names = [row[0] for row in await connection.fetch(query)]
        found = [(n, await connection.fetch(f'SELECT t::text FROM "{n}" t')) for n in names]
        return "\n".join(f"{name} {row[0]}" for name, each in found for row in each)
    finally:
        await connection.close()
