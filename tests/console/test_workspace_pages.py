"""Secrets, tokens, people, permissions, compute, settings, and the trail that all of it leaves."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import go, no_axe_violations, open_page, sign_in

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


def test_a_secret_is_stored_shared_and_deleted_and_never_shown(page: Page) -> None:
    scope = f"console-{uuid4().hex[:8]}"
    go(page, "/secrets")
    page.get_by_role("button", name="Create scope").click()
    page.get_by_label("Name").fill(scope)
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=scope, level=2)).to_be_visible()
    page.get_by_role("button", name="Add secret").click()
    page.get_by_label("Key").fill("warehouse")
    page.get_by_label("Value").fill("hunter2-of-the-lake")
    no_axe_violations(page)
    page.get_by_role("button", name="Store").click()
    keys = page.get_by_role("table", name=f"Secrets of {scope}")
    expect(keys.get_by_text(f"{{{{secrets/{scope}/warehouse}}}}")).to_be_visible()
    assert "hunter2-of-the-lake" not in page.content()
    page.get_by_label("Give access to").fill("users")
    page.get_by_role("button", name="Give access").click()
    access = page.get_by_role("table", name=f"Access to {scope}")
    expect(access.get_by_role("row", name=re.compile("users Read"))).to_be_visible()
    no_axe_violations(page)
    page.get_by_role("button", name="Delete scope").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete scope").click()
    expect(page.get_by_role("heading", name=scope, level=2)).to_have_count(0)


def test_a_token_is_shown_once_and_ends_when_it_is_revoked(
    page: Page, browser: Browser, console: str
) -> None:
    comment = f"for a program {uuid4().hex[:8]}"
    go(page, "/tokens")
    page.get_by_role("button", name="Create token").click()
    page.get_by_label("What is it for").fill(comment)
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    shown = page.get_by_role("dialog", name="Your new token")
    value = shown.get_by_role("code").inner_text()
    no_axe_violations(page)
    shown.get_by_role("button", name="I have it").click()
    other = open_page(browser, console)
    sign_in(other, value)

    own = page.get_by_role("table", name="Your tokens")
    own.get_by_role("button", name=f"Revoke {comment}").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    expect(own.get_by_text(comment)).to_have_count(0)
    go(page, "/audit", action="token.deleted")
    expect(page.get_by_role("table", name="Audit trail")).to_be_visible()
    # Other processes may know it for five seconds more; this one forgets at once.
    go(other, "/tokens")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    other.context.close()


def test_a_person_joins_is_put_into_a_group_and_given_a_job(page: Page) -> None:
    name = f"eve-{uuid4().hex[:8]}@example.com"
    group = f"team-{uuid4().hex[:8]}"
    go(page, "/permissions")
    page.get_by_role("button", name="Add a person").click()
    page.get_by_label("User name").fill(name)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_role("table", name="People").get_by_text(name).first).to_be_visible()
    no_axe_violations(page)

    page.get_by_role("tab", name="Groups").click()
    page.get_by_label("Name of a new group").fill(group)
    page.get_by_role("button", name="Create group").click()
    page.get_by_role("combobox", name=f"Add somebody to {group}").click()
    page.get_by_role("option", name=re.compile(name)).click()
    expect(page.get_by_role("button", name=f"Take {name} out of {group}")).to_be_visible()
    no_axe_violations(page)

    go(page, "/permissions", type="warehouses", id="duckdb")
    page.get_by_label("Give to").fill(group)
    page.get_by_role("combobox", name="Level").click()
    page.get_by_role("option", name=re.compile("CAN_USE")).click()
    page.get_by_role("button", name="Give", exact=True).click()
    given = page.get_by_role("table", name="Permissions")
    expect(given.get_by_role("row", name=re.compile(f"{group} CAN_USE"))).to_be_visible()
    no_axe_violations(page)
    given.get_by_role("button", name=f"Remove CAN_USE of {group}").click()
    expect(given.get_by_text(group)).to_have_count(0)


def test_a_policy_is_made_and_a_bad_one_is_refused_in_words(page: Page) -> None:
    name = f"small-{uuid4().hex[:8]}"
    go(page, "/compute")
    expect(page.get_by_role("table", name="Compute profiles")).to_be_visible()
    page.get_by_role("button", name="Create policy").click()
    page.get_by_label("Name").fill(name)
    rules = page.get_by_role("textbox", name="Rules")
    rules.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{"num_workers": {"type": "nonsense"}}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("nonsense")
    no_axe_violations(page)
    rules.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{"num_workers": {"type": "range", "maxValue": 2}}')
    page.get_by_role("button", name="Save").click()
    policies = page.get_by_role("table", name="Cluster policies")
    expect(policies.get_by_text(name)).to_be_visible()
    policies.get_by_role("button", name=f"Delete {name}").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text(name)).to_have_count(0)


def test_the_audit_trail_is_searched_and_its_entries_open(page: Page) -> None:
    go(page, "/audit")
    page.get_by_label("Action").fill("session.created")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page).to_have_url(re.compile("action=session.created"))
    row = page.get_by_role("table", name="Audit trail").get_by_role("row").nth(1)
    expect(row).to_contain_text("session.created")
    row.click()
    expect(page.get_by_role("dialog", name="session.created")).to_contain_text("Request")
    no_axe_violations(page)
    page.keyboard.press("Escape")
    page.get_by_label("Who").fill("nobody@example.com")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("Nothing of the kind was done")).to_be_visible()


def test_the_workspace_has_settings(page: Page) -> None:
    go(page, "/workspace")
    catalog = page.get_by_label("Default catalog")
    catalog.fill("nowhere")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("nowhere")
    catalog.fill("lakehouse")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The workspace is changed")).to_be_visible()
    no_axe_violations(page)
    page.get_by_label("Default catalog").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Default catalog")).to_have_value("")
