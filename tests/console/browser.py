"""What drives the console: Debian's Chromium, by Playwright, and what every page must keep to."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, expect, sync_playwright

UI = Path(__file__).parents[2] / "ui"
AXE = UI / "node_modules" / "axe-core" / "axe.min.js"
WIDTH, HEIGHT = 1440, 900
PATIENCE_MS = 30_000
"""For what must show up; a busy machine needs long."""

expect.set_options(timeout=PATIENCE_MS)

_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
Theme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser that `infra/chromium.sh` found or installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found is not None, "there is no Chromium; `sh infra/chromium.sh` installs one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, base_url: str, theme: Theme = "light") -> Page:
    """Return a fresh browser window, signed in nowhere."""
    context = browser.new_context(
        base_url=base_url,
        viewport={"width": WIDTH, "height": HEIGHT},
        color_scheme=theme,
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


def sign_in(page: Page, token: str) -> None:
    """Sign in as a person does, and wait for the first page."""
    page.goto("/login")
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()


def go(page: Page, path: str, **search: Any) -> None:
    """Open a page of the workspace that the browser is in now."""
    workspace = re.search(r"[?&]o=(\d+)", page.url)
    found = {"o": workspace[1]} if workspace else {}
    page.goto(f"{path}?{urlencode({**found, **search})}")
    expect(page.get_by_role("heading", level=1).first).to_be_visible()


def axe_violations(page: Page, *, colours_alone: bool = False) -> list[str]:
    """Return what axe finds against WCAG 2.2 A and AA on the page as it stands."""
    # By the debugger, which the page's content security policy does not bind.
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate(
        "async (wanted) => await axe.run(document, "
        "{ runOnly: wanted, resultTypes: ['violations'] })",
        ["color-contrast"] if colours_alone else _WCAG,
    )
    return [
        f"{violation['id']}: {violation['help']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
        # A graph is as large as one zooms it.
        if not (violation["id"] == "target-size" and "react-flow__node" in str(node["target"]))
    ]


def no_axe_violations(page: Page, *, colours_alone: bool = False) -> None:
    """Fail when the page shuts people out who see badly or use no mouse."""
    # What fades in has not its colours yet; what turns or blinks for ever is not waited for.
    page.evaluate(
        """() => Promise.all(document.getAnimations()
            .filter(each => each.effect.getComputedTiming().endTime !== Infinity)
            .map(each => each.finished.catch(() => 0)))"""
    )
    found = axe_violations(page, colours_alone=colours_alone)
    assert found == [], "\n".join(found)
