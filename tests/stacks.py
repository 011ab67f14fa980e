"""A pytest plugin: one stack of the full profile for all tests that need one.

`OPENLAKE_TEST_DATA_DIR` names the data folder of a stack that is running already, to try single
tests quickly; its ports are the settings' own (`OPENLAKE_PORTS__API`, …).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.stack import Stack


@pytest.fixture(scope="session")
def whole_stack() -> Iterator[Stack]:
    """A stack in a folder of its own, gone afterwards."""
    from control.config import Settings
    from tests.integration.stack import Stack

    if running := os.environ.get("OPENLAKE_TEST_DATA_DIR"):
        is_full = os.environ.get("OPENLAKE_TEST_PROFILE") == "full"
        profile = "full" if is_full else "embedded"
        yield Stack(Path(running), profile, Settings().ports.model_dump())
        return
    # Not pytest's own folder: PostgreSQL's user must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="openlake-test-"))
    folder.chmod(0o755)
    stack = Stack(folder / "data", "full")
    try:
        stack.up()
        yield stack
    finally:
        stack.command("down", check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stack(whole_stack: Stack) -> Iterator[Stack]:
    """The session's stack, mended again after what the test did to it."""
    yield whole_stack
    whole_stack.up()
