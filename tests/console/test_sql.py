"""The SQL pages: what people write, run, look at, save and find again."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser import go, no_axe_violations

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

SOON = 60_000
"""A warehouse that is stopped starts first; milliseconds."""


def write(page: Page, text: str) -> None:
    """Put a text into the editor in place of what is there."""
    editor = page.get_by_role("textbox", name="SQL")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Escape")


def run(page: Page, text: str) -> None:
    """Run a text by the keyboard."""
    write(page, text)
    page.keyboard.press("Control+Enter")


def test_a_query_is_written_run_charted_saved_and_found_again(page: Page) -> None:
    go(page, "/sql")
    expect(page.get_by_role("textbox", name="SQL")).to_be_visible(timeout=SOON)
    write(page, "")
    page.keyboard.type("select * from lakeh")
    expect(page.get_by_role("option", name=re.compile("^lakehouse"))).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("combobox", name="Rows at most").click()
    page.get_by_role("option", name="All rows").click()
    run(
        page,
        "select i as id, 'group ' || (i % 7) as word, i * :factor as amount"
        " from range(100000) t(i) order by i",
    )
    page.get_by_label(":factor").fill("2")
    page.get_by_role("combobox", name="Type of factor").click()
    page.get_by_role("option", name="Whole number").click()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("100,000 rows", exact=True).last).to_be_visible(timeout=SOON)
    expect(page.get_by_role("gridcell", name="group 1", exact=True).first).to_be_visible()
    no_axe_violations(page)
    page.get_by_role("grid").focus()
    page.keyboard.press("Control+End")
    expect(page.get_by_role("gridcell", name="199998", exact=True)).to_be_visible()

    page.get_by_role("button", name="Chart", exact=True).click()
    expect(page.get_by_role("img", name=re.compile("bar chart of amount by word"))).to_be_visible()
    no_axe_violations(page)

    name = f"Amounts {uuid4().hex[:8]}"
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile("/sql/queries/"))
    link = page.url
    go(page, "/jobs")
    page.goto(link)
    expect(page.get_by_role("link", name=name)).to_be_visible()
    expect(page.get_by_role("textbox", name="SQL")).to_contain_text("from range(100000)")

    page.get_by_role("link", name="History of all statements").click()
    expect(page.get_by_role("heading", name="SQL history", level=1)).to_be_visible()
    row = page.get_by_role("row").filter(has_text="from range(100000)").first
    expect(row).to_contain_text("Succeeded")
    no_axe_violations(page)
    row.click()
    page.get_by_role("button", name="Open in the editor").click()
    expect(page.get_by_role("textbox", name="SQL")).to_contain_text("from range(100000)")


def test_an_error_shows_its_place_and_a_long_statement_is_cancelled(page: Page) -> None:
    go(page, "/sql")
    expect(page.get_by_role("textbox", name="SQL")).to_be_visible(timeout=SOON)
    run(page, "select 1 as one;\n\nselect nosuch from range(3)")
    expect(page.get_by_text("The statement failed")).to_be_visible(timeout=SOON)
    expect(page.locator(".cm-lintRange-error")).to_have_text("nosuch")
    page.get_by_role("tab", name=re.compile("select 1 as one")).click()
    expect(page.get_by_role("gridcell", name="1", exact=True)).to_be_visible()

    run(page, "select count(*) from range(100000000000) t(i) where sin(i) > 2")
    expect(page.get_by_text("Running", exact=True)).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled", exact=True)).to_be_visible(timeout=SOON)


def test_a_warehouse_is_made_edited_and_deleted(page: Page) -> None:
    name = f"w-{uuid4().hex[:8]}"
    go(page, "/warehouses")
    expect(page.get_by_role("link", name="duckdb", exact=True)).to_be_visible()
    no_axe_violations(page)
    page.get_by_role("button", name="New warehouse").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create warehouse").click()
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("Databricks SQL")
    page.get_by_role("button", name=f"Stop {name}").click()
    expect(row).to_contain_text("Stopped", timeout=SOON)
    page.get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name="Edit").click()
    page.get_by_label("Stops when idle for").fill("30")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("after 30 min")
    page.get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Delete warehouse").click()
    expect(row).to_have_count(0)
