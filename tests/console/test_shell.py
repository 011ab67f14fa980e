"""The frame around every page: who is signed in, where, and how one gets about."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import go, no_axe_violations, open_page
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


def test_a_wrong_token_is_refused_in_words_and_a_deep_link_survives_sign_in(
    browser: Browser, whole_stack: Stack, console: str
) -> None:
    page = open_page(browser, console, "dark")
    page.goto("/audit")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    no_axe_violations(page)
    page.get_by_label("Access token").fill("dapi-wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("token")
    page.get_by_label("Access token").fill(str(whole_stack.client().config.token))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Audit", level=1)).to_be_visible()
    assert "o=" in page.url
    page.context.close()


def test_the_palette_and_keys_lead_to_every_page_and_back(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.get_by_placeholder("A page, a job, an action…").fill("lineage")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Lineage", level=1)).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile("/catalog"))
    page.go_back()
    expect(page.get_by_role("heading", name="Lineage", level=1)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    no_axe_violations(page)


def test_the_theme_is_kept(page: Page) -> None:
    page.get_by_role("button", name="Dark colours").click()
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.reload()
    expect(page.locator("html")).to_have_class(re.compile("dark"))


def test_a_lost_connection_is_told_and_comes_back_by_itself(page: Page, stack: Stack) -> None:
    lost = page.get_by_text("The connection to OpenLake is lost")
    stack.kill("api")
    expect(lost).to_be_visible()
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    no_axe_violations(page)
    stack.up()
    expect(lost).to_have_count(0)


def test_a_page_that_is_not_there_says_so(page: Page) -> None:
    page.goto("/no-such-page")
    expect(page.get_by_text("There is no such page")).to_be_visible()


def test_signing_out_ends_the_session(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Signed in as")).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    go(page, "/secrets")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
