"""What all tests share."""

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# A busy machine must not fail a test: no example has a deadline.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

pytest_plugins = ("tests.stacks", "tests.conformance.recording")

_INTEGRATION = "tests/integration/"
_CONFORMANCE = "tests/conformance/"
_CONSOLE = "tests/console/"
_CHAOS = "tests/chaos/test_chaos.py"
_SECOND_STACK = (
    "airflow/",
    "test_catalogs.py",
    "test_replay.py",
    "test_sql_cli.py",
    "test_statements.py",
    "test_table_care.py",
    "test_tpch.py",
    "test_transactions.py",
    "test_warehouses.py",
)
"""What of the integration tests makes up the second of two halves that take about as long."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests on stacks first, for they take longest."""
    on_stacks = (_INTEGRATION, _CONFORMANCE, _CONSOLE)
    items.sort(key=lambda item: not item.nodeid.startswith(on_stacks))
    for item in items:
        if item.nodeid.startswith(_CONFORMANCE):
            item.add_marker(pytest.mark.integration)
            if item.get_closest_marker("timeout") is None:
                # The first one waits for its stack.
                item.add_marker(pytest.mark.timeout(400))


class _OneStackEach(LoadScopeScheduling):
    """Keep the tests of one file in one process, and those of one stack.

    With `pytest -n 2 --dist loadscope --no-loadscope-reorder` two processes work side by side, each
    with servers of its own. (The mark `xdist_group` would do, but is not heard with pytest 9.2:
    https://github.com/pytest-dev/pytest-xdist/issues/1386.)
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group_of(nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Choose how tests are dealt out."""
    if config.getvalue("dist") != "loadscope":
        return None
    return _OneStackEach(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests want to be seen in every run, their property `printed`."""
    for report in (each for reports in terminalreporter.stats.values() for each in reports):
        if getattr(report, "when", "") == "call":
            for name, value in report.user_properties:
                if name == "printed":
                    terminalreporter.line(str(value))


def _group_of(file: str) -> str:
    if file.startswith((_CONFORMANCE, _CHAOS)):
        # Chaos comes last, when the others are done with their stack.
        return "second stack"
    if file.startswith(_CONSOLE):
        return "first stack"
    if not file.startswith(_INTEGRATION):
        return file
    is_second = file.removeprefix(_INTEGRATION).startswith(_SECOND_STACK)
    return "second stack" if is_second else "first stack"
