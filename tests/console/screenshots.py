"""Takes pictures of every page of the console, in both themes: `make screenshots`.

Starts a stack of its own with the flights example and a run that failed, unless
`OPENLAKE_TEST_DATA_DIR` names the data folder of one that is running. The pictures are in
`ui/screenshots`, the three of the README in `docs/images`.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import RunResultState
from playwright.sync_api import Page, expect

from control.config import Ports, Settings
from tests.console.browser import (
    UI,
    Theme,
    axe_violations,
    chromium,
    go,
    open_page,
    sign_in,
)
from tests.integration.stack import ROOT, Stack

FOLDER = UI / "screenshots"
README_IMAGES = ROOT / "docs" / "images"
IN_README = {"run-graph": "light", "sql-result": "dark", "lineage": "light"}
"""Picture → the theme in which the README shows it."""

_QUERY = "SELECT airline, flights, on_time_share\nFROM gold.carrier_ranking\nORDER BY flights DESC"
_TABLE = "lakehouse.gold.carrier_ranking"
_SETTLES_MS = 1200
"""After the page is loaded: layouts and charts are drawn, nothing moves any more."""


_BROKEN = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"


@dataclass(frozen=True)
class Example:
    """What of the example the pages show."""

    job_id: int
    run_id: int
    task_run_id: int
    table: str
    """One that its last task wrote."""
    failed: str | None = None
    """The path of a run that failed."""


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Use the stack that is named, or start one."""
    if running := os.environ.get("OPENLAKE_TEST_DATA_DIR"):
        yield Stack(Path(running), "full", Ports(**Settings().ports.model_dump()).model_dump())
        return
    folder = Path(tempfile.mkdtemp(prefix="openlake-screenshots-"))
    folder.chmod(0o755)
    stack = Stack(folder / "data", "embedded")
    try:
        stack.up()
        yield stack
    finally:
        stack.command("down", check=False)
        shutil.rmtree(folder, ignore_errors=True)


def make_example(stack: Stack) -> Example:
    """Run the flights example, and a job that fails; return where they are."""
    sdk = stack.client()
    job_id = stack.deploy("flights")
    done = [
        each
        for each in sdk.jobs.list_runs(job_id=job_id, completed_only=True, limit=25)
        if each.state is not None and each.state.result_state == RunResultState.SUCCESS
    ]
    # One that is there already will do.
    run = stack.run(done[0].run_id or 0) if done else stack.finished(stack.start_run(job_id), 900)
    task = next(each for each in run["tasks"] if each["task_key"] == "train")
    return Example(job_id, run["run_id"], task["run_id"], _TABLE, _failed_run(sdk))


def _failed_run(sdk: WorkspaceClient) -> str:
    """Run a job of which one task fails, one is tried again, and one never begins."""
    sdk.workspace.mkdirs("/Shared/screenshots")
    code = "import sys\nprint('checking 3 files')\nsys.exit('prices.csv has no column amount')\n"
    path = "/Shared/screenshots/check.py"
    sdk.workspace.upload(path, code.encode(), overwrite=True, format=_raw())
    check: dict[str, Any] = {"python_file": path}
    tasks: list[dict[str, Any]] = [
        {
            "task_key": "check_files",
            "spark_python_task": check,
            "max_retries": 1,
            "min_retry_interval_millis": 1000,
        },
        {
            "task_key": "load",
            "depends_on": [{"task_key": "check_files"}],
            "spark_python_task": check,
        },
        {
            "task_key": "tell",
            "depends_on": [{"task_key": "load"}],
            "run_if": "ALL_DONE",
            "condition_task": {"op": "EQUAL_TO", "left": "{{job.id}}", "right": "0"},
        },
    ]
    name = "prices"
    found = list(sdk.jobs.list(name=name))
    body = {"name": name, "tags": {"team": "shop"}, "tasks": tasks}
    job_id = (
        found[0].job_id
        if found
        else sdk.api_client.do("POST", "/api/2.2/jobs/create", body=body)["job_id"]  # pyright: ignore
    )
    assert isinstance(job_id, int)
    run = sdk.jobs.run_now(job_id).response.run_id
    assert run is not None
    sdk.jobs.wait_get_run_job_terminated_or_skipped(run)
    return f"/jobs/{job_id}/runs/{run}"


def _raw() -> Any:
    from databricks.sdk.service.workspace import ImportFormat

    return ImportFormat.RAW


def pages(example: Example) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield a name, a path and its search for every page and each of its tabs."""
    job = f"/jobs/{example.job_id}"
    run = f"{job}/runs/{example.run_id}"
    yield "jobs", "/jobs", {}
    yield "job-new", "/jobs/new", {}
    yield "job-edit", f"{job}/edit", {}
    yield "job-versions", f"{job}/versions", {}
    for tab in ("runs", "durations", "graph", "details", "permissions"):
        yield f"job-{tab}", job, {"tab": tab}
    yield "runs", "/runs", {}
    for tab in ("graph", "timeline", "tasks", "transaction", "mlflow", "lineage", "output"):
        yield f"run-{tab}", run, {"tab": tab}
    if example.failed is not None:
        yield "run-failed", example.failed, {}
    task = f"{run}/tasks/{example.task_run_id}"
    for tab in ("logs", "output", "inputs"):
        yield f"task-{tab}", task, {"tab": tab}
    yield "sql", "/sql", {"text": _QUERY}
    yield "sql-history", "/sql/history", {}
    yield "catalog", "/catalog", {}
    for tab in ("columns", "sample", "snapshots", "branches", "files", "lineage", "details"):
        yield f"table-{tab}", f"/catalog/{example.table}", {"tab": tab}
    yield "lineage", "/lineage", {}
    for name in ("warehouses", "compute", "secrets", "tokens", "audit", "workspace", "welcome"):
        yield name, f"/{name}", {}
    for tab in ("people", "groups", "objects"):
        yield f"permissions-{tab}", "/permissions", {"tab": tab}
    yield "permissions-job", "/permissions", {"type": "jobs", "id": example.job_id}


def shoot(page: Page, name: str, theme: Theme) -> int:
    """Take the picture of a page as it stands; return how much is wrong with it."""
    page.wait_for_load_state("load")
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    page.wait_for_timeout(_SETTLES_MS)
    path = FOLDER / f"{name}-{theme}.png"
    page.screenshot(path=path)
    if IN_README.get(name) == theme:
        README_IMAGES.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, README_IMAGES / f"{name}.png")
    found = axe_violations(page)
    found += [f"no picture: {source}" for source in page.evaluate(_BROKEN)]
    print(f"{path.relative_to(ROOT)}  {'' if not found else found}", flush=True)
    return len(found)


def run_query(page: Page) -> None:
    """Run what the editor holds, and wait for its rows."""
    go(page, "/sql", text=_QUERY)
    page.get_by_role("button", name="Run").first.click()
    page.get_by_role("grid").first.wait_for()


def main() -> int:
    """Take all pictures; the exit code tells whether every page keeps to WCAG A and AA."""
    wanted = sys.argv[1:]
    if not wanted:
        # Pages that are no more leave no picture behind.
        shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(exist_ok=True)
    broken = 0
    with running_stack() as stack, chromium() as browser:
        example = make_example(stack)
        token = stack.client().config.token
        assert token is not None
        console = os.environ.get("OPENLAKE_TEST_CONSOLE", f"http://localhost:{stack.ports['api']}")
        themes: tuple[Theme, Theme] = ("light", "dark")
        for theme in themes:
            page = open_page(browser, console, theme)
            page.goto("/login")
            broken += shoot(page, "login", theme)
            sign_in(page, token)
            for name, path, search in pages(example):
                if not wanted or name in wanted:
                    go(page, path, **search)
                    broken += shoot(page, name, theme)
            if not wanted or "sql-result" in wanted:
                run_query(page)
                broken += shoot(page, "sql-result", theme)
            page.context.close()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
