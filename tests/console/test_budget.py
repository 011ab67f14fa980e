"""What the first page costs: as much as a browser fetches before anything is clicked."""

import pytest
from playwright.sync_api import Browser, Response, expect

from tests.console.browser import open_page, sign_in
from tests.console.conftest import token_of
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

MOST_BYTES = 300 * 1024
"""Of everything that is transferred: page, scripts, styles, fonts, pictures."""

_STATIC = ("document", "script", "stylesheet", "font", "image")


def test_the_first_page_weighs_less_than_300_kib_and_runs_under_its_policy(
    browser: Browser, whole_stack: Stack
) -> None:
    page = open_page(browser, f"http://localhost:{whole_stack.ports['api']}")
    fetched: list[Response] = []
    page.on("response", lambda answer: fetched.append(answer))
    sign_in(page, token_of(whole_stack))
    expect(
        page.get_by_role("table").or_(page.get_by_role("heading", level=1)).first
    ).to_be_visible()
    page.wait_for_load_state("networkidle")
    parts = {
        answer.url.rpartition("/")[2]: answer.request.sizes()["responseBodySize"]
        for answer in fetched
        if answer.request.resource_type in _STATIC
    }
    page.context.close()
    shown = ", ".join(f"{name} {size}" for name, size in sorted(parts.items()))
    assert sum(parts.values()) < MOST_BYTES, shown
    assert any(name.endswith(".js") for name in parts)
