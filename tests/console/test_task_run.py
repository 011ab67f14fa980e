"""A task that fails: its log as it is written, the error, the repair; and a run that publishes."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ImportFormat
from playwright.sync_api import Page, expect

from tests.console.browser import go, no_axe_violations
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

_FOLDER = "/Workspace/Shared/console_task_run"

_FAILS = """\
import sys, time
from pathlib import Path
for part in range(40):
    print(f"\\x1b[32mINFO\\x1b[0m part {part} of Monday", flush=True)
while not Path(sys.argv[1]).exists():
    time.sleep(0.05)
print("\\x1b[31mERROR\\x1b[0m row 2 of part 17 has no amount")
float("n/a")
"""

_QUERY = "SELECT 'Hamburg' AS city, 12 AS orders UNION ALL SELECT 'Bremen', 7 ORDER BY 1"

_PUBLISH = """\
CREATE SCHEMA IF NOT EXISTS lakehouse.console_task_run;
CREATE TABLE IF NOT EXISTS lakehouse.console_task_run.published (id INTEGER);
INSERT INTO lakehouse.console_task_run.published VALUES (1), (2);
"""

Put = Callable[[str, str], str]


@pytest.fixture
def client(whole_stack: Stack) -> WorkspaceClient:
    """The unmodified SDK, which makes the jobs that the pages show."""
    return whole_stack.client()


@pytest.fixture
def put(client: WorkspaceClient) -> Put:
    """Write a workspace file; returns its path."""

    def write(name: str, text: str) -> str:
        client.workspace.mkdirs(_FOLDER)
        path = f"{_FOLDER}/{name}"
        content = io.BytesIO(text.encode())
        client.workspace.upload(path, content, format=ImportFormat.AUTO, overwrite=True)
        return path

    return write


def _run(client: WorkspaceClient, settings: dict[str, Any]) -> tuple[int, int]:
    """Make a job and run it; return the ids of both."""
    job: Any = client.api_client.do("POST", "/api/2.2/jobs/create", body=settings)
    return job["job_id"], client.jobs.run_now(job["job_id"]).run_id


def _python(key: str, file: str, *parameters: str) -> dict[str, Any]:
    task = {"python_file": file, "parameters": list(parameters)}
    return {"task_key": key, "environment_key": "python", "spark_python_task": task}


def test_a_failure_is_read_live_found_mended_and_repaired(
    page: Page, client: WorkspaceClient, put: Put, tmp_path: Path
) -> None:
    marker = tmp_path / "go on"
    query = put("cities.sql", _QUERY)
    tasks = [
        _python("amounts", put("amounts.py", _FAILS), str(marker)),
        _python("aside", put("aside.py", "print('aside')")),
        {
            "task_key": "cities",
            "depends_on": [{"task_key": "amounts"}],
            "sql_task": {"warehouse_id": "duckdb", "file": {"path": query, "source": "WORKSPACE"}},
        },
    ]
    environment = {"environment_key": "python", "spec": {"environment_version": "3"}}
    settings = {"name": "console_task_run", "tasks": tasks, "environments": [environment]}
    job_id, run_id = _run(client, settings)
    # The first task of the job has the first id of the run.
    go(page, f"/jobs/{job_id}/runs/{run_id}/tasks/{run_id + 1}")

    log = page.get_by_role("log", name="Log of attempt 1")
    expect(log.get_by_text("part 39 of Monday")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    marker.touch()
    expect(log.get_by_text("has no amount")).to_be_visible()
    expect(page.get_by_text("could not convert string to float").first).to_be_visible()

    search = page.get_by_label("Search the log")
    search.fill("part 1")
    expect(page.get_by_text("1 of 12")).to_be_visible()
    search.press("Enter")
    expect(page.get_by_text("2 of 12")).to_be_visible()
    page.get_by_role("button", name="Only lines with a match").click()
    expect(log.get_by_text("part 2 of Monday")).to_be_hidden()
    page.get_by_role("button", name="First error").click()
    expect(log.get_by_text("has no amount")).to_be_visible()
    expect(page).to_have_url(re.compile("line=41"))
    no_axe_violations(page)

    put("amounts.py", "print('mended')")
    page.get_by_role("link", name="Repair the run").click()
    dialog = page.get_by_role("dialog", name="Repair this run")
    expect(dialog.get_by_text("Succeeded, kept")).to_be_visible()
    dialog.get_by_role("checkbox", name="cities").click()
    expect(dialog.get_by_text("because amounts runs again")).to_be_visible()
    no_axe_violations(page)
    dialog.get_by_role("button", name="Run 2 tasks again").click()
    title = page.locator("header", has=page.get_by_role("heading", level=1))
    expect(title.get_by_text("Succeeded")).to_be_visible(timeout=60_000)

    page.get_by_role("tab", name="Output").click()
    page.get_by_role("link", name=re.compile("cities")).click()
    result = page.get_by_role("table", name="Result")
    expect(result.get_by_role("row", name="Hamburg 12")).to_be_visible()
    no_axe_violations(page)


def test_a_run_that_publishes_shows_its_tables(
    page: Page, client: WorkspaceClient, put: Put
) -> None:
    file = {"path": put("publish.sql", _PUBLISH), "source": "WORKSPACE"}
    task = {"task_key": "fill", "sql_task": {"warehouse_id": "duckdb", "file": file}}
    settings = {"name": "console_publishes", "publish": {}, "tasks": [task]}
    job_id, run_id = _run(client, settings)
    go(page, f"/jobs/{job_id}/runs/{run_id}", tab="transaction")
    expect(page.get_by_text("Published", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="1 table published")).to_be_visible()
    tables = page.get_by_role("table", name="Tables of the transaction")
    expect(tables.get_by_role("link", name="console_task_run.published")).to_be_visible()
    no_axe_violations(page)

    page.get_by_role("tab", name="Lineage").click()
    graph = page.get_by_role("region", name="Lineage of this run")
    expect(graph.get_by_role("link", name=re.compile("published"))).to_be_visible()
    page.get_by_role("tab", name="MLflow").click()
    expect(page.get_by_text("Nothing was logged to MLflow")).to_be_visible()
