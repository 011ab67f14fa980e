"""A day in the console, from a job's YAML to the lineage of its table, without the URL bar.

Only the first page is opened by its address; everything after is reached by what pages show.
"""

import io
import re
from uuid import uuid4

import pytest
from databricks.sdk.service.workspace import ImportFormat
from playwright.sync_api import Page, expect

from tests.console.browser import no_axe_violations
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

SOON = 90_000
"""For a whole run or the start of a warehouse, in milliseconds."""

_FOLDER = "/Workspace/Shared/console_story"

_FILL = """\
CREATE SCHEMA IF NOT EXISTS lakehouse.NAME;
CREATE TABLE IF NOT EXISTS lakehouse.NAME.sales (city VARCHAR, amount INTEGER);
INSERT INTO lakehouse.NAME.sales VALUES ('Hamburg', 12), ('Bremen', 7), ('Kiel', 4);
"""

_YAML = """\
name: NAME
publish: {}
tasks:
  - task_key: fill
    sql_task:
      warehouse_id: duckdb
      file: {path: FOLDER/fill_NAME.sql}
  - task_key: judge
    depends_on: [{task_key: fill}]
    environment_key: python
    spark_python_task:
      python_file: FOLDER/judge_NAME.py
environments:
  - environment_key: python
    spec: {environment_version: "3"}
"""


def _put(stack: Stack, name: str, text: str) -> None:
    files = stack.client().workspace
    files.mkdirs(_FOLDER)
    content = io.BytesIO(text.encode())
    files.upload(f"{_FOLDER}/{name}", content, format=ImportFormat.AUTO, overwrite=True)


def test_from_yaml_to_lineage_without_the_url_bar(page: Page, whole_stack: Stack) -> None:
    name = f"story_{uuid4().hex[:8]}"
    _put(whole_stack, f"fill_{name}.sql", _FILL.replace("NAME", name))
    _put(whole_stack, f"judge_{name}.py", "raise SystemExit('the sum of Kiel is too low')")

    # Create a job from YAML.
    page.get_by_role("link", name="New job").click()
    page.get_by_role("textbox", name=re.compile("The job as YAML")).click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(_YAML.replace("FOLDER", _FOLDER).replace("NAME", name))
    expect(page.get_by_text("No problems")).to_be_visible()
    page.get_by_role("button", name="Create job").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()

    # Run it and watch it live.
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("dialog").get_by_role("button", name="Run now").click()
    expect(page).to_have_url(re.compile(r"/runs/\d+"))
    title = page.locator("header", has=page.get_by_role("heading", level=1))
    expect(title.get_by_text(re.compile("Running|Pending"))).to_be_visible()
    expect(title.get_by_text("Failed", exact=True)).to_be_visible(timeout=SOON)
    no_axe_violations(page)

    # Read why it failed, mend it, repair it.
    page.get_by_role("link", name=re.compile("log of judge")).click()
    expect(page.get_by_role("log").get_by_text("the sum of Kiel is too low")).to_be_visible()
    _put(whole_stack, f"judge_{name}.py", "print('all is well')")
    page.get_by_role("link", name="Repair the run").click()
    dialog = page.get_by_role("dialog", name="Repair this run")
    dialog.get_by_role("button", name=re.compile("again")).click()
    expect(title.get_by_text("Succeeded")).to_be_visible(timeout=SOON)

    # Its table is published; query it and chart it.
    page.get_by_role("tab", name="Transaction").click()
    tables = page.get_by_role("table", name="Tables of the transaction")
    tables.get_by_role("link", name=f"{name}.sales").click()
    expect(page.get_by_role("heading", name="sales", level=1)).to_be_visible()
    page.get_by_role("link", name="Query in SQL").click()
    expect(page.get_by_role("textbox", name="SQL")).to_contain_text("sales", timeout=SOON)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("gridcell", name="Hamburg")).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Chart", exact=True).click()
    expect(page.get_by_role("img", name=re.compile("amount by city"))).to_be_visible()
    no_axe_violations(page)

    # Walk from the table back to the job that makes it.
    page.go_back()
    expect(page.get_by_role("heading", name="sales", level=1)).to_be_visible()
    page.get_by_role("tab", name="Lineage").click()
    graph = page.get_by_role("region", name=re.compile("Lineage of"))
    graph.get_by_role("group", name=re.compile(f"Task {name}")).get_by_role("button").first.click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
