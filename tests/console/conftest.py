"""Fixtures of the console's tests: a browser for a module's tests, a signed-in page for each.

`OPENLAKE_TEST_CONSOLE` names the address of a development server (`npm run dev`) whose pages are
tested instead of the built ones, to try single tests quickly.
"""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.console.browser import chromium, open_page, sign_in
from tests.integration.stack import Stack

_HARMLESS = ("Failed to load resource",)
"""The browser's own lines about answers that the console shows to people."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; ended with the module, for its event loop must not outlive it."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def console(whole_stack: Stack) -> str:
    """The console's address."""
    return os.environ.get("OPENLAKE_TEST_CONSOLE", f"http://localhost:{whole_stack.ports['api']}")


@pytest.fixture
def page(browser: Browser, whole_stack: Stack, console: str) -> Iterator[Page]:
    """A page that is signed in; what its scripts complain about fails the test."""
    opened = open_page(browser, console)
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_HARMLESS):
            complaints.append(message.text)

    opened.on("console", hear)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(opened, token_of(whole_stack))
    yield opened
    opened.context.close()
    assert complaints == [], "\n".join(complaints)


def token_of(stack: Stack) -> str:
    """Return the admin's token."""
    token = stack.client().config.token
    assert token is not None
    return token
