"""A job's runs beside one another, and one run as graph, timeline and table."""

import io
import re
from typing import Any, NamedTuple

import pytest
from databricks.sdk.service.workspace import ImportFormat
from playwright.sync_api import Page, expect

from tests.console.browser import go, no_axe_violations
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

_FOLDER = "/Workspace/Shared/console_run_page"
_FAILS = """\
import sys
if int(sys.argv[1]) < int(sys.argv[2]):
    raise ValueError("three rows have no carrier")
"""
_SLEEPS = "import time; print('asleep', flush=True); time.sleep(600)"


class Made(NamedTuple):
    """A job and its run."""

    job_id: int
    run_id: int

    @property
    def path(self) -> str:
        """Where the run's page is."""
        return f"/jobs/{self.job_id}/runs/{self.run_id}"


def _start(stack: Stack, name: str, tasks: list[dict[str, Any]]) -> Made:
    client = stack.client()
    client.workspace.mkdirs(_FOLDER)
    for file, text in (("fails", _FAILS), ("sleeps", _SLEEPS)):
        path = f"{_FOLDER}/{file}.py"
        content = io.BytesIO(text.encode())
        client.workspace.upload(path, content, format=ImportFormat.AUTO, overwrite=True)
    python = [{"environment_key": "py", "spec": {"environment_version": "2"}}]
    settings = {"name": name, "tasks": tasks, "environments": python}
    job: Any = client.api_client.do("POST", "/api/2.2/jobs/create", body=settings)
    return Made(job["job_id"], stack.start_run(job["job_id"]))


def _python(key: str, file: str, *parameters: str) -> dict[str, Any]:
    program = {"python_file": f"{_FOLDER}/{file}.py", "parameters": list(parameters)}
    return {"task_key": key, "environment_key": "py", "spark_python_task": program}


def _after(*edges: dict[str, str]) -> dict[str, Any]:
    return {"depends_on": list(edges)}


@pytest.fixture(scope="module")
def done(whole_stack: Stack) -> Made:
    """A run with a way not taken, iterations, a task that was tried twice and one that failed."""
    way = {"op": "EQUAL_TO", "left": "1", "right": "1"}
    each = {"task_key": "load_one", "condition_task": way}
    tried = ("{{task.execution_count}}",)
    tasks: list[dict[str, Any]] = [
        {"task_key": "has_rows", "condition_task": way},
        {
            "task_key": "load",
            "for_each_task": {"inputs": '["a", "b", "c"]', "concurrency": 3, "task": each},
            **_after({"task_key": "has_rows", "outcome": "true"}),
        },
        {
            **_python("tell", "fails", *tried, "0"),
            **_after({"task_key": "has_rows", "outcome": "false"}),
        },
        {
            **_python("partner", "fails", *tried, "2"),
            **_after({"task_key": "has_rows", "outcome": "true"}),
            "max_retries": 1,
        },
        {**_python("check", "fails", *tried, "9"), **_after({"task_key": "load"})},
    ]
    made = _start(whole_stack, "console-run-page", tasks)
    whole_stack.finished(made.run_id)
    return made


def test_the_matrix_tells_what_happened_and_leads_to_the_run(page: Page, done: Made) -> None:
    go(page, f"/jobs/{done.job_id}")
    grid = page.get_by_role("grid", name="Runs by task")
    run = f"run {done.run_id}"
    for words in (
        f"has_rows, {run}: Succeeded",
        f"tell, {run}: Excluded",
        f"partner, {run}: Succeeded, .*2 attempts",
        f"check, {run}: Failed",
    ):
        expect(grid.get_by_role("gridcell", name=re.compile(words))).to_be_visible()
    no_axe_violations(page)
    grid.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(done.path))
    expect(page.get_by_text("three rows have no carrier").first).to_be_visible()


def test_graph_timeline_and_tasks_look_at_one_task(page: Page, done: Made) -> None:
    go(page, done.path)
    page.get_by_role("group", name="check, Python file, Failed").click()
    beside = page.get_by_role("complementary", name="Task check")
    expect(beside).to_contain_text("three rows have no carrier")
    expect(page.get_by_text("3 of 3 done")).to_be_visible()
    no_axe_violations(page)

    page.get_by_role("tab", name="Timeline").click()
    expect(beside).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^partner, Succeeded, .*2 attempts")).click()
    expect(page.get_by_role("link", name=re.compile("Attempt 1"))).to_be_visible()
    page.get_by_role("button", name="3 iterations of load").click()
    expect(page.get_by_role("button", name=re.compile(r"^load_one \[2\]"))).to_be_visible()
    no_axe_violations(page)

    page.get_by_role("tab", name=re.compile("Tasks")).click()
    table = page.get_by_role("table", name="Tasks")
    expect(table.get_by_role("row")).to_have_count(6)
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="Failed (1)").click()
    expect(table.get_by_role("row")).to_have_count(2)
    no_axe_violations(page)
    page.reload()
    expect(table.get_by_role("row")).to_have_count(2)


def test_a_run_is_watched_and_cancelled(page: Page, whole_stack: Stack) -> None:
    made = _start(whole_stack, "console-run-page-live", [_python("sleep", "sleeps")])
    go(page, made.path)
    expect(page.get_by_role("group", name="sleep, Python file, Running")).to_be_visible()
    page.get_by_role("button", name="Cancel run").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel run").click()
    expect(page.get_by_role("group", name="sleep, Python file, Cancelled")).to_be_visible()
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


def test_a_run_is_made_again_and_replayed_and_keys_lead_from_run_to_run(
    page: Page, whole_stack: Stack
) -> None:
    way = {"op": "EQUAL_TO", "left": "1", "right": "1"}
    made = _start(whole_stack, "console-run-again", [{"task_key": "way", "condition_task": way}])
    whole_stack.finished(made.run_id)
    go(page, made.path, tab="tasks")
    page.get_by_role("button", name="Run again").click()
    expect(page).not_to_have_url(re.compile(str(made.run_id)))
    expect(page).to_have_url(re.compile(rf"/jobs/{made.job_id}/runs/\d+"))
    again = page.url.rpartition("/")[2].partition("?")[0]
    # The keys belong to the run that is shown, and the address is there before the page is.
    expect(page.get_by_text(f"run {again}")).to_be_visible()
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile(made.path))
    expect(page.get_by_text(f"run {made.run_id}")).to_be_visible()
    page.keyboard.press("]")
    expect(page).to_have_url(re.compile(f"/runs/{again}"))
    page.go_back()
    expect(page).to_have_url(re.compile(made.path))
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Replay on the data it had").click()
    expect(page).not_to_have_url(re.compile(str(made.run_id)))
    expect(page.get_by_role("heading", name=f"replay run {made.run_id}", level=1)).to_be_visible()
