"""The catalog: to the table that a run wrote, what changed in it, and a file that becomes one."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser import go, no_axe_violations
from tests.console.orders import Orders, make_orders
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


@pytest.fixture
def orders(whole_stack: Stack) -> Orders:
    """The run whose tables are looked at."""
    return make_orders(whole_stack)


def test_the_table_that_a_run_wrote_and_what_changed_in_it(page: Page, orders: Orders) -> None:
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Catalog").click()
    tree = page.get_by_role("tree")
    tree.get_by_role("treeitem", name=orders.schema).click()
    tables = page.get_by_role("table", name=f"Tables of lakehouse.{orders.schema}")
    expect(tables.get_by_role("row", name=re.compile("orders 3 "))).to_contain_text(
        str(orders.run_id)
    )
    no_axe_violations(page)
    # By keys alone, as in any tree.
    tree.get_by_role("treeitem", name=orders.schema).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="orders", level=1)).to_be_visible()
    columns = page.get_by_role("table", name="Columns")
    expect(columns.get_by_role("row", name=re.compile("amount double"))).to_be_visible()
    no_axe_violations(page)

    page.get_by_role("tab", name="Sample").click()
    sample = page.get_by_role("table", name="Sample rows")
    expect(sample.get_by_role("cell", name="Bremen")).to_be_visible()

    page.get_by_role("tab", name="Snapshots").click()
    snapshots = page.get_by_role("table", name="Snapshots")
    expect(snapshots.get_by_role("link", name="load").first).to_be_visible()
    boxes = snapshots.get_by_role("checkbox")
    boxes.nth(0).click()
    boxes.nth(1).click()
    added = page.get_by_role("term").filter(has_text="Rows added").locator("..")
    expect(added).to_contain_text("+1")
    rows = page.get_by_role("table", name="Changed rows").get_by_role("row", name="Added")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Hamburg")
    no_axe_violations(page)
    page.reload()
    expect(added).to_contain_text("+1")

    snapshots.get_by_role("link", name=str(orders.run_id)).first.click()
    expect(page).to_have_url(re.compile(f"/jobs/{orders.job_id}/runs/{orders.run_id}"))
    page.go_back()
    expect(added).to_contain_text("+1")


def test_a_file_becomes_a_table_and_a_bad_one_tells_its_lines(
    page: Page, orders: Orders, tmp_path: Path
) -> None:
    table = f"cities_{uuid4().hex[:8]}"
    bad = tmp_path / f"{table}.csv"
    rows = "".join(f"{number},Ort {number}\n" for number in range(25_000))
    bad.write_text(f"id,name\n{rows}many,Berlin\n")
    good = tmp_path / "good" / bad.name
    good.parent.mkdir()
    good.write_text("id;name\n1;Bremen\n2;Hamburg\n")

    go(page, "/catalog")
    page.get_by_role("button", name="Upload a file").click()
    page.get_by_label("File", exact=True).set_input_files(bad)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("cell", name="Ort 3")).to_be_visible()
    problems = dialog.get_by_role("table", name="Rows that are bad")
    expect(problems.get_by_role("row", name=re.compile("25,?002"))).to_be_visible(timeout=60_000)
    no_axe_violations(page)

    dialog.get_by_role("button", name="Another file").click()
    page.get_by_label("File", exact=True).set_input_files(good)
    expect(dialog.get_by_label("Type of name")).to_be_visible(timeout=60_000)
    dialog.get_by_role("combobox", name="Schema").fill(orders.schema)
    dialog.get_by_role("button", name=f"Load into {orders.schema}.{table}").click()
    dialog.get_by_role("link", name="Open the table").click(timeout=60_000)
    expect(page.get_by_role("heading", name=table, level=1)).to_be_visible()
    sample = page.get_by_role("table", name="Sample rows")
    expect(sample.get_by_role("cell", name="Bremen")).to_be_visible()
    expect(page.get_by_role("treeitem", name=table)).to_have_attribute("aria-selected", "true")
