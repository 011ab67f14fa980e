"""Lineage: from a table to its job and on to what is made of it, down to the columns."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser import no_axe_violations
from tests.console.orders import make_orders
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


def test_from_a_table_over_its_job_to_what_is_made_of_it(page: Page, whole_stack: Stack) -> None:
    orders = make_orders(whole_stack)
    table, made = orders.table("orders"), orders.table("totals")
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page.get_by_role("heading", name="Lineage", level=1)).to_be_visible()
    page.get_by_placeholder("Find a table or job").fill(f"{orders.schema}.orders")
    page.get_by_role("option", name=table).click()
    panel = page.get_by_role("complementary", name=table)
    impact = panel.get_by_role("table", name=f"What depends on {table}")
    expect(impact.get_by_role("row", name=re.compile(orders.job))).to_contain_text("1")
    expect(impact.get_by_role("button", name=f"{orders.schema}.totals")).to_be_visible()
    with page.expect_download() as download:
        panel.get_by_role("button", name="CSV").click()
    assert made in download.value.path().read_text()
    panel.get_by_role("button", name="Show only around it").click()
    graph = page.get_by_role("region", name="Lineage graph")
    expect(graph.get_by_role("group", name=f"Table {made}")).to_be_visible()
    no_axe_violations(page)

    page.get_by_role("button", name="Show columns").first.click()
    place = graph.get_by_role("button", name="place", exact=True)
    graph.get_by_role("button", name="city", exact=True).click()
    expect(place).to_have_class(re.compile("text-accent"))
    expect(graph.get_by_role("button", name="total", exact=True)).not_to_have_class(
        re.compile("text-accent")
    )
    page.get_by_role("button", name="Hide columns").click()

    task = graph.get_by_role("group", name=f"Task {orders.job}.sum_up")
    task.get_by_role("button").first.click()
    page.get_by_role("complementary").get_by_role("link", name="Open job").click()
    expect(page.get_by_role("heading", name=orders.job, level=1)).to_be_visible()
    page.go_back()
    impact.or_(graph).first.wait_for()
    totals = graph.get_by_role("group", name=f"Table {made}")
    totals.get_by_role("button").first.click()
    page.get_by_role("complementary", name=made).get_by_role("link", name="Open table").click()
    expect(page.get_by_role("heading", name="totals", level=1)).to_be_visible()
    page.get_by_role("tab", name="Lineage").click()
    own = page.get_by_role("region", name=f"Lineage of {made}")
    expect(own.get_by_role("group", name=f"Table {table}")).to_be_visible()
    no_axe_violations(page)
