"""A pytest plugin: writes down what works of the SDK, and holds the record against the tests.

A method that returns in a test that passes works. What a test says by a mark is checked too:

- `partly("jobs.create", "what is missing")`: it returns, but not everything is there.
- `refused("repos.create", "why")`: it is answered with an error on purpose.

After a session of all conformance tests the record is compared with `recorded.json`, and written
anew with `OPENLAKE_RECORD=1`. With pytest-xdist what tests have seen comes with their reports.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conformance.watching import Calls

FOLDER = Path(__file__).parent
RECORD = FOLDER / "recorded.json"
CALLS = pytest.StashKey["Calls"]()
"""Where a test keeps what it has called."""

_SEEN = "openlake-sdk"
_MARKS = ("partly", "refused")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known, and the session's record."""
    for mark in _MARKS:
        config.addinivalue_line("markers", f"{mark}(method, text): {mark} offered, and why")
    config.pluginmanager.register(_Session(), "openlake-conformance")


class _Session:
    """What the conformance tests of this session have seen, wherever they ran."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.said: dict[str, dict[str, str]] = {mark: {} for mark in _MARKS}
        self.selected = True
        """False where only some of the tests of a file were chosen."""
        self.passed = True
        self.differences: list[str] = []

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Remember in this process that its conformance tests are not all."""
        if any(item.path.is_relative_to(FOLDER) for item in items):
            self.selected = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send what the test has called along with its report."""
        report = yield
        calls = item.stash.get(CALLS, None)
        if calls is None or report.when != "call":
            return report
        marks = [
            (mark.name, *map(str, mark.args)) for mark in item.iter_markers() if mark.name in _MARKS
        ]
        if report.passed and (wrong := _wrong_marks(marks, calls)):
            report.outcome = "failed"
            report.longrepr = wrong
        seen = {"returned": calls.returned, "marks": marks, "selected": self.selected}
        report.user_properties.append((_SEEN, json.dumps(seen)))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a test's report to the session's record."""
        file = Path(report.nodeid.partition("::")[0])
        if file.parent.name != FOLDER.name:
            return
        self.files.add(file.name)
        self.passed = self.passed and report.passed
        seen: Any = dict(report.user_properties).get(_SEEN)
        if seen is None or not report.passed or report.when != "call":
            return
        seen = json.loads(str(seen))
        self.calls.update(seen["returned"])
        self.selected = self.selected and seen["selected"]
        for mark, method, text in seen["marks"]:
            self.said[mark][method] = text

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write or compare, where there is a whole record; not in the processes of xdist."""
        if hasattr(session.config, "workerinput") or not self._is_whole():
            return
        record = self._record()
        if os.environ.get("OPENLAKE_RECORD"):
            RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
            return
        known = json.loads(RECORD.read_text("utf-8"))
        self.differences = [
            f"{method}: recorded {known.get(method)}, now {record.get(method)}"
            for method in sorted({*known, *record})
            if known.get(method) != record.get(method)
        ]
        if self.differences and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what the suite has covered."""
        if not self.files:
            return
        record = self._record()
        counts = Counter(entry["state"] for entry in record.values())
        states = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        terminalreporter.section("databricks-sdk")
        terminalreporter.line(
            f"{len(record)} methods ({states}) by {self.calls.total()} calls that returned"
        )
        if self.differences:
            terminalreporter.line(
                "tests/conformance/recorded.json says otherwise; renew it with OPENLAKE_RECORD=1"
                " and `make gen` if this is meant:"
            )
            for difference in self.differences:
                terminalreporter.line(f"  {difference}")

    def _is_whole(self) -> bool:
        there = {path.name for path in FOLDER.glob("test_*.py")}
        return self.passed and self.selected and bool(there) and self.files == there

    def _record(self) -> dict[str, dict[str, str]]:
        record = {method: {"state": "works"} for method in self.calls}
        for state in _MARKS:
            for method, text in self.said[state].items():
                record[method] = {"state": state, "text": text}
        return record


def _wrong_marks(marks: list[tuple[str, ...]], calls: Calls) -> str | None:
    """Tell what a mark claims that the test has not shown."""
    for mark, *said in marks:
        if len(said) != 2:
            return f"@pytest.mark.{mark} takes a method and a text"
        method, _ = said
        if mark == "partly" and method not in calls.returned:
            return f"{method} is marked as partly offered, but it has not returned in this test"
        if mark == "refused" and (method in calls.returned or method not in calls.raised):
            return f"{method} is marked as refused, but this test has not seen it raise"
    return None
