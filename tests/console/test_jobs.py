"""Jobs from nothing to their history: written with a mistake, mended, run, changed, compared."""

import re
import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser import go, no_axe_violations

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

TEXT = """\
# Every morning, before the shops open.
name: {name}
parameters:
  - name: day
    default: monday
tasks:
  - task_key: check
    check_task:
      warehouse_id: duckdb
      sql: SELECT 1 WHERE :day = 'never'
      parameters: {{day: "{{{{job.parameters.day}}}}"}}
  - task_key: again
    depends_on: [{{task_key: chekc}}]
    check_task:
      warehouse_id: duckdb
      sql: SELECT 1 WHERE false
"""


@pytest.fixture
def name() -> str:
    """The name of a job that only this test has."""
    return f"shop-{uuid.uuid4().hex[:8]}"


def write(page: Page, text: str) -> None:
    """Write a text over all that the editor has."""
    editor = page.get_by_role("textbox", name=re.compile("The job as YAML"))
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def create(page: Page, name: str) -> None:
    """Make a job as it should be, by its YAML."""
    go(page, "/jobs/new", view="yaml")
    write(page, TEXT.replace("chekc", "check").format(name=name))
    expect(page.get_by_role("status").get_by_text("No problems")).to_be_visible()
    page.get_by_role("button", name="Create job").click()
    expect(page).to_have_url(re.compile(r"/jobs/\d+"))
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_a_mistake_in_yaml_shows_on_its_line_and_the_form_keeps_comments(
    page: Page, name: str
) -> None:
    page.get_by_role("link", name="New job").click()
    expect(page.get_by_role("heading", name="New job", level=1)).to_be_visible()
    write(page, TEXT.format(name=name))
    problems = page.get_by_role("list", name="Problems")
    expect(problems).to_contain_text("did you mean 'check'?")
    expect(
        page.locator(".cm-line", has_text="chekc").locator(".cm-lintRange-error")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Create job")).to_be_disabled()
    no_axe_violations(page)
    problems.get_by_role("button", name=re.compile("line 13")).click()
    expect(page.locator(".cm-activeLine")).to_contain_text("chekc")
    page.locator(".cm-lintRange-error").first.dblclick()
    page.keyboard.insert_text("check")
    expect(page.get_by_text("No problems")).to_be_visible()
    page.get_by_placeholder("Name of the job").fill(f"{name} early")
    editor = page.get_by_role("textbox", name=re.compile("The job as YAML"))
    expect(editor).to_contain_text("# Every morning, before the shops open.")
    expect(editor).to_contain_text(f"name: {name} early")
    page.get_by_role("button", name="Create job").click()
    expect(page.get_by_role("heading", name=f"{name} early", level=1)).to_be_visible()


def test_a_job_of_the_list_runs_with_a_parameter_and_is_followed_live(
    page: Page, name: str
) -> None:
    create(page, name)
    go(page, "/jobs")
    page.keyboard.press("/")
    page.keyboard.insert_text(name)
    row = page.get_by_role("row", name=re.compile(name))
    expect(page).to_have_url(re.compile(f"q={name}"))
    expect(row).to_contain_text("No runs yet")
    row.get_by_role("button", name=f"Run {name} now").click()
    dialog = page.get_by_role("dialog", name=f"Run {name}")
    dialog.get_by_label("day", exact=True).fill("tuesday")
    no_axe_violations(page)
    dialog.get_by_role("button", name="Run now").click()
    expect(dialog).to_be_hidden()
    expect(row.get_by_text("Succeeded")).to_be_attached(timeout=60_000)
    no_axe_violations(page)
    page.get_by_role("link", name="Runs", exact=True).click()
    run = page.get_by_role("row", name=re.compile(name))
    run.get_by_role("link", name=re.compile(r"^\d+$")).click()
    expect(page).to_have_url(re.compile(r"/runs/\d+"))
    expect(page.get_by_text("tuesday").first).to_be_visible()


def test_what_is_saved_is_a_version_that_can_be_compared_and_restored(
    page: Page, name: str
) -> None:
    create(page, name)
    go(page, "/jobs", q=name)
    page.get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name="Edit").click()
    page.get_by_role("tab", name="Settings").click()
    page.get_by_label("Runs at a time").fill("3")
    expect(page.get_by_text("max concurrent runs")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
    page.get_by_role("link", name="Jobs", exact=True).first.click()
    page.get_by_role("dialog", name="Leave without saving?").get_by_role(
        "button", name="Stay"
    ).click()
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    job = re.search(r"/jobs/(\d+)", page.url)
    assert job is not None
    go(page, f"/jobs/{job[1]}/versions")
    expect(page.get_by_role("list", name="What changed")).to_contain_text("max_concurrent_runs")
    expect(page.locator(".cm-merge-b .cm-changedLine")).to_contain_text("max_concurrent_runs: 3")
    no_axe_violations(page)
    page.get_by_role("link", name=re.compile("Version 1")).click()
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("button", name="Restore it").click()
    expect(page.get_by_role("link", name=re.compile("Version 3"))).to_be_visible()


def test_of_two_who_edit_a_job_the_second_is_told_what_the_first_saved(
    page: Page, name: str
) -> None:
    create(page, name)
    job = re.search(r"/jobs/(\d+)", page.url)
    assert job is not None
    first = page.context.new_page()
    for editor, limit in ((first, "3"), (page, "4")):
        editor.goto(f"/jobs/{job[1]}/edit")
        editor.get_by_role("tab", name="Settings").click()
        editor.get_by_label("Runs at a time").fill(limit)
    first.get_by_role("button", name="Save").click()
    expect(first.get_by_text("Saved", exact=True)).to_be_visible()
    first.close()
    page.get_by_role("button", name="Save").click()
    told = page.get_by_role("dialog", name="Somebody else has saved this job")
    expect(told).to_contain_text("Version 2 by admin@openlake.local")
    expect(told).to_contain_text("max concurrent runs")
    no_axe_violations(page)
    told.get_by_role("button", name="Keep editing").click()
    expect(page.get_by_label("Runs at a time")).to_have_value("4")
    page.get_by_role("button", name="Save").click()
    told.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    go(page, f"/jobs/{job[1]}/versions")
    expect(page.get_by_role("link", name=re.compile("Version 3"))).to_be_visible()


def test_a_range_of_dates_is_previewed_and_backfilled(page: Page, name: str) -> None:
    create(page, name)
    go(page, "/jobs", q=name)
    page.get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name="Backfill").click()
    dialog = page.get_by_role("dialog", name=f"Backfill {name}")
    dialog.get_by_label("From").fill("2026-01-01")
    dialog.get_by_label("To", exact=True).fill("2026-01-03")
    expect(dialog.get_by_role("heading", name="3 runs, in this order")).to_be_visible()
    no_axe_violations(page)
    dialog.get_by_role("button", name="Start 3 runs").click()
    expect(dialog.get_by_text("3 of 3 succeeded")).to_be_visible(timeout=90_000)
    no_axe_violations(page)


def test_all_runs_are_listed_and_the_first_steps_know_what_is_done(page: Page, name: str) -> None:
    go(page, "/runs", state="completed")
    expect(page.get_by_role("combobox", name="State")).to_contain_text("Ended")
    no_axe_violations(page)
    go(page, "/welcome")
    expect(page.get_by_role("heading", name="Have a job")).to_be_visible()
    no_axe_violations(page)
