"""Nothing on any tab shuts people out, whatever its colours."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser import go, no_axe_violations
from tests.console.orders import make_orders
from tests.console.screenshots import Example, pages
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


def test_every_tab_keeps_to_wcag_in_both_themes(page: Page, whole_stack: Stack) -> None:
    orders = make_orders(whole_stack)
    task = whole_stack.task(orders.run_id, "sum_up")["run_id"]
    example = Example(orders.job_id, orders.run_id, task, orders.table("totals"))
    for _, path, search in pages(example):
        if "tab" in search:
            go(page, path, **search)
            expect(page.get_by_role("status", name="Loading")).to_have_count(0)
            no_axe_violations(page)
            # The other theme changes colours and nothing else.
            page.get_by_role("button", name=re.compile("(Dark|Light) colours")).click()
            no_axe_violations(page, colours_alone=True)
