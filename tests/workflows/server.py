"""Starts the time-skipping Temporal server."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from control.config import Settings
from control.stack.layout import Layout


@asynccontextmanager
async def time_skipping_server() -> AsyncGenerator[WorkflowEnvironment]:
    """Run the server; it knows our search attribute."""
    layout = Layout(Settings())
    java = layout.java_home_21 / "bin" / "java"
    jars = layout.maven_dir("temporal-test-server") / "*"
    words = f"exec '{java}' -cp '{jars}' io.temporal.testserver.TestServer"
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "server"
        script.write_text(f'#!/bin/sh\n{words} "$@"\n')
        script.chmod(0o755)
        env = await _start(str(script))
    await env.client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=env.client.namespace,
            search_attributes={"OpenlakeState": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD},
        )
    )
    try:
        yield env
    finally:
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
