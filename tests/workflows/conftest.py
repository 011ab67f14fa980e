"""A time-skipping Temporal server for the session."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from control.config import Settings
from control.stack.layout import Layout


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkflowEnvironment]:
    """The time-skipping server, shared by the session's tests."""
    layout = Layout(Settings())
    java = layout.java_home_21 / "bin" / "java"
    jars = layout.maven_dir("temporal-test-server") / "*"
    server = tmp_path_factory.mktemp("temporal") / "test-server"
    server.write_text(
        f"#!/bin/sh\nexec '{java}' -cp '{jars}' io.temporal.testserver.TestServer \"$@\"\n"
    )
    server.chmod(0o755)
    env = await _start(str(server))
    await env.client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=env.client.namespace,
            search_attributes={"OpenlakeState": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD},
        )
    )
    yield env
    await env.shutdown()


async def _start(server: str, tries: int = 5) -> WorkflowEnvironment:
    """Start the server; the SDK gives it 5 s, which a cold JVM on a busy machine may exceed."""
    while True:
        try:
            return await WorkflowEnvironment.start_time_skipping(
                test_server_existing_path=server, data_converter=pydantic_data_converter
            )
        except RuntimeError:
            tries -= 1
            if tries == 0:
                raise
