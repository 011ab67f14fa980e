"""What all tests share."""

import pytest
from hypothesis import HealthCheck, settings

# A busy machine must not fail a test: no example has a deadline.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one file in one process, and those of one stack.

    With `pytest -n 2 --dist loadgroup` two processes work side by side, each with servers of its
    own. A module of `tests/integration` may name another `xdist_group`, e.g. `second stack`.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_group_of(item.nodeid.partition("::")[0])))


def _group_of(file: str) -> str:
    if file.startswith("tests/integration/airflow/"):
        return "second stack"
    return "stack" if file.startswith("tests/integration/") else file
