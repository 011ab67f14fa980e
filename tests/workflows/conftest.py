"""A time-skipping Temporal server for the session."""

from collections.abc import AsyncGenerator

import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from tests.workflows.server import time_skipping_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal() -> AsyncGenerator[WorkflowEnvironment]:
    """The server, shared by the session's tests."""
    async with time_skipping_server() as env:
        yield env
